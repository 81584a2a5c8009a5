/**
 * Numbers that all rasterisers share. `npm run generate` writes them for AssemblyScript
 * (cpu/kernel/constants.as) and WGSL (webgpu/shaders/constants.wgsl); `npm run generate:check` compares.
 */

/** Splats at this depth or nearer are dropped; in the asset's units. */
export const nearPlane = 0.01;
/** Limit of x/z and y/z in the Jacobian, in units of tan(fov/2). Source: the INRIA and gsplat rasterisers. */
export const jacobianLimit = 1.3;
/** Added to both diagonal terms of the projected covariance, in pixels². Source: gsplat. */
export const blurVariance = 0.3;
/** No splat covers a pixel wholly. Source: gsplat (the INRIA rasteriser has 0.99). */
export const mostAlpha = 0.999;
/** Contributions below this opacity are not drawn. Source: gsplat. */
export const leastAlpha = 1 / 255;
/** A pixel whose transmittance would fall to this is finished, without the splat that did it. Source: gsplat. */
export const leastTransmittance = 1e-4;
/** Brighter than that is as good as infinite, is white to any eye, and its product with 0 is 0. */
export const mostColour = 1e9;

/** Factors of the real spherical harmonics of degree 0 to 3. */
export { shC0, shC1, shC2, shC3 } from "@turntable/splat";
