export { type Camera, defaultFovyDeg, orbitCamera, type Projection, type View } from "./camera.ts";
export { startCpuRenderer } from "./cpu/index.ts";
export { psnr, type RgbImage } from "./image.ts";
export type { Renderer, RenderOptions } from "./renderer.ts";
export { createScene, type Scene, type SceneOptions } from "./scene.ts";
export { createTestSplat, mulberry32, type TestSceneOptions } from "./test-scenes.ts";
