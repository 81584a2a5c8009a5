export { type DeviceBackend, type DeviceRenderer, startDeviceRenderer } from "./renderer.ts";
