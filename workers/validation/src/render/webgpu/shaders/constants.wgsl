// Made of render/constants.ts by `npm run generate`, where each number's meaning and source stand.

const blurVariance = 0.3;
const jacobianLimit = 1.3;
const leastAlpha = 0.00392156862745098;
const leastTransmittance = 0.0001;
const mostAlpha = 0.999;
const mostColour = 1000000000;
const nearPlane = 0.01;
const shC0 = 0.28209479177387814;
const shC1 = 0.4886025119029199;
const shC2_0 = 1.0925484305920792;
const shC2_1 = -1.0925484305920792;
const shC2_2 = 0.31539156525252005;
const shC2_3 = -1.0925484305920792;
const shC2_4 = 0.5462742152960396;
const shC3_0 = -0.5900435899266435;
const shC3_1 = 2.890611442640554;
const shC3_2 = -0.4570457994644658;
const shC3_3 = 0.3731763325901154;
const shC3_4 = -0.4570457994644658;
const shC3_5 = 1.445305721320277;
const shC3_6 = -0.5900435899266435;
