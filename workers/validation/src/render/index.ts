export {
  type RenderBackend,
  type RendererOptions,
  renderBackends,
  startRenderer,
} from "./backend.ts";
export { type Camera, defaultFovyDeg, orbitCamera, type Projection, type View } from "./camera.ts";
export { renderReference, startCpuRenderer } from "./cpu/index.ts";
export { startGlRenderer } from "./gl/index.ts";
export { psnr, type RgbImage } from "./image.ts";
export type { DeviceRenderer } from "./remote/index.ts";
export type { Renderer, RenderOptions } from "./renderer.ts";
export { createScene, type Scene, type SceneOptions } from "./scene.ts";
export { checkBackend, exactDb, largeTest, leastDb, smallTest, timeBackend } from "./self-test.ts";
export { createTestSplat, mulberry32, type TestSceneOptions } from "./test-scenes.ts";
export { startWebgpuRenderer } from "./webgpu/index.ts";
