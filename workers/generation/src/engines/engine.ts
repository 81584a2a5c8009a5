/** What the endpoint needs of an engine; the procedural one and remote ones are behind it. */
import {
  AssetError,
  type AssetFormat,
  formatOf,
  readAsset,
  type Splat,
  writePly,
  writeSpz,
} from "@turntable/splat";
import { readHdf5, writeHdf5 } from "@turntable/splat/hdf5";
import type { Quality } from "../procedural/quality.ts";

export const assetFormats = ["ply", "spz", "hdf5"] as const satisfies readonly AssetFormat[];

export interface EngineRequest {
  readonly prompt: string;
  readonly seed?: number;
  readonly splats?: number;
  readonly quality?: Quality;
  readonly format: AssetFormat;
}

export interface EngineAnswer {
  readonly bytes: Uint8Array;
  readonly format: AssetFormat;
  readonly splats: number;
  /** Words of the prompt that had no effect, as far as the engine says. */
  readonly unknownWords: readonly string[];
  readonly seed?: number;
}

export interface GenerationEngine extends AsyncDisposable {
  /** For logs and metrics. */
  readonly name: "procedural" | "http" | "command";
  /** How many requests it works on at a time. */
  readonly concurrency: number;
  /** @throws EngineError, or the signal's reason */
  generate(request: EngineRequest, signal: AbortSignal): Promise<EngineAnswer>;
}

/** The engine gave no asset. */
export class EngineError extends Error {
  override name = "EngineError";
  readonly code: EngineErrorCode;
  /** How long the engine asks to wait, when it says so. */
  readonly retryAfterS: number | undefined;
  constructor(
    code: EngineErrorCode,
    message: string,
    options?: ErrorOptions & { readonly retryAfterS?: number | undefined },
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterS = options?.retryAfterS;
  }
}

/** `bad-request`: the engine refuses what was asked for, not the way it was asked. */
export type EngineErrorCode =
  | "unreachable"
  | "busy"
  | "bad-request"
  | "failed"
  | "bad-answer"
  | "too-large";

/** No engine may answer with more bytes than this. */
export const maxAnswerBytes = 64 * 1024 * 1024;

/**
 * What another generator sent, checked and in the format that was asked for. Base64 text is undone first.
 * @throws EngineError `bad-answer` when it is no asset
 */
export async function answerOf(
  body: Uint8Array,
  format: AssetFormat,
  unknownWords: readonly string[],
): Promise<EngineAnswer> {
  const bytes = isBase64(body) ? Buffer.from(Buffer.from(body).toString("latin1"), "base64") : body;
  let splat: Splat;
  try {
    splat = await readAsset(bytes, { readHdf5 });
  } catch (error) {
    if (!(error instanceof AssetError)) {
      throw error;
    }
    throw new EngineError("bad-answer", `the generator's answer is no asset: ${error.message}`, {
      cause: error,
    });
  }
  return {
    bytes: formatOf(bytes) === format ? bytes : await encodeAsset(splat, format),
    format,
    splats: splat.count,
    unknownWords,
  };
}

export async function encodeAsset(splat: Splat, format: AssetFormat): Promise<Uint8Array> {
  switch (format) {
    case "ply":
      return writePly(splat);
    case "spz":
      return writeSpz(splat);
    case "hdf5":
      return await writeHdf5(splat);
  }
}

/** By its beginning; no asset format begins with 64 such characters. */
function isBase64(body: Uint8Array): boolean {
  return /^[A-Za-z0-9+/]{64}/.test(Buffer.from(body.subarray(0, 64)).toString("latin1"));
}
