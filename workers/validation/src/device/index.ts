export { type DeviceChild, startDeviceChild } from "./child.ts";
export { DeviceError, type DeviceErrorCode, isDeviceCode } from "./errors.ts";
