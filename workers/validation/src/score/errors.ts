/** A model directory that cannot be used: what is wrong, where, and what to do about it. */
export class ModelError extends Error {
  override name = "ModelError";
  readonly code: ModelErrorCode;
  constructor(code: ModelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type ModelErrorCode =
  /** The directory is not there. */
  | "directory-missing"
  /** No ONNX file of a known layout in it. */
  | "model-missing"
  /** An ONNX file that cannot be loaded: cut off, or not ONNX. */
  | "model-damaged"
  /** A JSON file of the directory that is not what it should be. */
  | "configuration"
  | "tokenizer-missing"
  | "tokenizer-damaged"
  /** A model of another kind than CLIP, or a CLIP whose inputs, outputs or sizes are not the usual ones. */
  | "unsupported-model"
  /** The execution provider that was asked for does not start on this machine. */
  | "execution-provider"
  /** It computes something else than it should, or is not the model that was recorded. */
  | "self-test";
