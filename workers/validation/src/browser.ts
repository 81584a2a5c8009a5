/** What draws scored views where there is no Node: the cameras, the scene and the rasteriser in one thread. */
export { type Camera, orbitCamera, type Projection, type View } from "./render/camera.ts";
export { rasteriserUrl } from "./render/cpu/kernel/host.ts";
export { type DrawView, startOneThread } from "./render/cpu/one-thread.ts";
export type { RgbImage } from "./render/image.ts";
export { createScene, rescalingOf, type Scene, type SceneOptions } from "./render/scene.ts";
export { type ViewsOfProfile, viewsOf } from "./scoring/views.ts";
