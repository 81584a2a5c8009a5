/** What can go wrong with a process that draws on a device; never the fault of an asset. */

export type DeviceErrorCode =
  /** There is nothing to draw with on this machine: no driver, no device, or only one that may not be used. */
  | "unavailable"
  /** The process ended while it was needed. */
  | "crashed"
  /** The device is gone, or reported an error. */
  | "lost"
  /** The device has not enough memory now. */
  | "out-of-memory"
  /** The scene is larger than what the device takes at all. */
  | "too-large"
  /** A view took longer than allowed; the process was ended. */
  | "timeout"
  /** Pictures came out wrong: far from the CPU rasteriser's, or with pixels that were never drawn. */
  | "wrong-pictures";

/** A device did not draw. Unless it is `too-large` its process has ended, and the next `render` starts another. */
export class DeviceError extends Error {
  override name = "DeviceError";
  readonly code: DeviceErrorCode;

  constructor(code: DeviceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
