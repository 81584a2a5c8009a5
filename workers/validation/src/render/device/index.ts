export { DeviceError, type DeviceErrorCode } from "./errors.ts";
export { type DeviceBackend, type DeviceRenderer, startDeviceRenderer } from "./renderer.ts";
