/** What can go wrong with the process that draws with OpenGL; never the fault of an asset. */

export type GlErrorCode =
  /** There is no OpenGL on this machine, or the add-on was not built. */
  | "unavailable"
  /** The process ended while it was needed. */
  | "crashed"
  /** The device is gone, or reported an error. */
  | "lost"
  /** A view took longer than allowed; the process was ended. */
  | "timeout"
  /** Pictures came out wrong: far from the CPU rasteriser's, or with pixels that were never drawn. */
  | "wrong-pictures";

/** The renderer's process failed; the next `render` starts another. */
export class GlError extends Error {
  override name = "GlError";
  readonly code: GlErrorCode;

  constructor(code: GlErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
