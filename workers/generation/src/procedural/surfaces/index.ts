export { box, cushion, extrude, extrudeSmooth, prism, quad } from "./flat.ts";
export type { Outline } from "./outline.ts";
export { cone, cylinder, ellipsoid, lathe, torus, tube, vase } from "./round.ts";
export { type Emit, join, type Surface } from "./surface.ts";
