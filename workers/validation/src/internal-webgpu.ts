/** Dawn in the process that imports this. */
export { openDevice } from "./gpu/open-device.ts";
export { createPainter } from "./render/webgpu/painter.ts";
