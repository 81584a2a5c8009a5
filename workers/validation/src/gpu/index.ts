export { type DeviceChild, startDeviceChild } from "./child.ts";
export { type Environment, vulkanEnvironment } from "./environment.ts";
export { DeviceError, type DeviceErrorCode, isDeviceCode } from "./errors.ts";
export { type Gpu, listGpus, type UnusableDriver, unusableDrivers } from "./gpus.ts";
