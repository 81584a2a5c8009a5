export { GlError, type GlErrorCode } from "./errors.ts";
export { type GlRenderer, type GlRendererOptions, startGlRenderer } from "./renderer.ts";
