/** What can go wrong with a process that works on a device; never the fault of an asset. */
const codes = [
  /** This machine has no device for it: no driver, no GPU, or only one that may not be used. */
  "unavailable",
  /** The process ended while it was needed. */
  "crashed",
  /** The device is gone, or reported an error. */
  "lost",
  /** The device has not enough memory now. */
  "out-of-memory",
  /** The scene is larger than what the device takes at all. */
  "too-large",
  /** An answer took longer than allowed; the process was ended. */
  "timeout",
  /** Pictures came out wrong: far from the CPU rasteriser's, or with pixels that were never drawn. */
  "wrong-pictures",
] as const;
export type DeviceErrorCode = (typeof codes)[number];

export function isDeviceCode(code: string): code is DeviceErrorCode {
  return codes.some((known) => known === code);
}

/** A device failed. Unless it is `too-large` its process has ended, and what is asked next starts another. */
export class DeviceError extends Error {
  override name = "DeviceError";
  readonly code: DeviceErrorCode;

  constructor(code: DeviceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
