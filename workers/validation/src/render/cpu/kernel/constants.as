/** Made of render/constants.ts by `npm run generate`, where each number's meaning and source stand. */

// @ts-ignore: decorator
@inline export const blurVariance: f64 = 0.3;
// @ts-ignore: decorator
@inline export const jacobianLimit: f64 = 1.3;
// @ts-ignore: decorator
@inline export const leastAlpha: f64 = 0.00392156862745098;
// @ts-ignore: decorator
@inline export const leastTransmittance: f64 = 0.0001;
// @ts-ignore: decorator
@inline export const mostAlpha: f64 = 0.999;
// @ts-ignore: decorator
@inline export const mostColour: f64 = 1000000000;
// @ts-ignore: decorator
@inline export const nearPlane: f64 = 0.01;
// @ts-ignore: decorator
@inline export const shC0: f64 = 0.28209479177387814;
// @ts-ignore: decorator
@inline export const shC1: f64 = 0.4886025119029199;
// @ts-ignore: decorator
@inline export const shC2_0: f64 = 1.0925484305920792;
// @ts-ignore: decorator
@inline export const shC2_1: f64 = -1.0925484305920792;
// @ts-ignore: decorator
@inline export const shC2_2: f64 = 0.31539156525252005;
// @ts-ignore: decorator
@inline export const shC2_3: f64 = -1.0925484305920792;
// @ts-ignore: decorator
@inline export const shC2_4: f64 = 0.5462742152960396;
// @ts-ignore: decorator
@inline export const shC3_0: f64 = -0.5900435899266435;
// @ts-ignore: decorator
@inline export const shC3_1: f64 = 2.890611442640554;
// @ts-ignore: decorator
@inline export const shC3_2: f64 = -0.4570457994644658;
// @ts-ignore: decorator
@inline export const shC3_3: f64 = 0.3731763325901154;
// @ts-ignore: decorator
@inline export const shC3_4: f64 = -0.4570457994644658;
// @ts-ignore: decorator
@inline export const shC3_5: f64 = 1.445305721320277;
// @ts-ignore: decorator
@inline export const shC3_6: f64 = -0.5900435899266435;
