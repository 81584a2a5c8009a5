export { startCpuRenderer } from "./pool.ts";
export { createRasteriser, type Rasteriser } from "./rasteriser.ts";
