/**
 * What the public chain's runtime of spec 320 says of itself, as its nodes hand it out: facts of a public chain. Four
 * storage items of the epoch and one API of later runtimes are added (`bittensor/scripts/record-runtime.ts`), so that
 * all SDKs of 2024 to 2026 find what they ask for.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

export interface RuntimeMetadata {
  /** Version 15, with runtime APIs. */
  readonly latest: Uint8Array;
  /** For clients that ask for nothing newer. */
  readonly v14: Uint8Array;
}

export const recordedSpecVersion = 320;

export function readRecordedRuntime(): RuntimeMetadata {
  const packed = readFileSync(join(import.meta.dirname, `runtime-${recordedSpecVersion}.br`));
  const bytes = brotliDecompressSync(packed);
  // The length of the first, then both
  const end = 4 + bytes.readUInt32LE();
  return { latest: bytes.subarray(4, end), v14: bytes.subarray(end) };
}
