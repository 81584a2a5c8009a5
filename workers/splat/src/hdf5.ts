/**
 * The HDF5 of May 2024, behind an entry of its own: h5wasm weighs 4 MB.
 *
 * Files as the subnet's miners write them are read without the HDF5 library (`hdf5-plain/`). That library is C code
 * that was never meant for hostile files, so each other file gets a thread of its own with a limit on memory and time,
 * which ends with it; nothing of one file is left for the next. In browsers the caller's thread is used, see
 * `hdf5-library-browser.ts`.
 */
import { askLibrary } from "#hdf5-library";
import { checkSplat } from "./checks.ts";
import type { Hdf5Request } from "./hdf5-answer.ts";
import { decodePlainHdf5 } from "./hdf5-plain/index.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat } from "./splat.ts";

export interface ReadHdf5Options {
  /**
   * The file holds what the values mean (`data_ver` 1 and above: opacities 0 to 1, standard deviations, RGB) and not
   * their logits, logarithms and coefficients.
   */
  readonly activated?: boolean;
  /** Values are taken as they are, however broken. */
  readonly unjudged?: boolean;
  /** The thread is ended after this much processor time, in ms; where Node is too old to tell, by the clock. */
  readonly maxCpuMs?: number;
  readonly signal?: AbortSignal;
}

/** The largest files that the limits allow take a few seconds. */
const defaultMaxCpuMs = 20_000;

/** @throws AssetError */
export async function readHdf5(
  bytes: Uint8Array,
  limits: AssetLimits = defaultAssetLimits,
  options: ReadHdf5Options = {},
): Promise<Splat> {
  checkEnd(bytes);
  const { activated = false, unjudged = false, maxCpuMs = defaultMaxCpuMs, signal } = options;
  signal?.throwIfAborted();
  const splat =
    decodePlainHdf5(bytes, limits, activated) ??
    (await readByLibrary({ kind: "read", bytes, limits, activated }, maxCpuMs, signal));
  return unjudged ? splat : checkSplat(splat, limits);
}

async function readByLibrary(
  request: Hdf5Request,
  maxCpuMs: number,
  signal: AbortSignal | undefined,
): Promise<Splat> {
  const answer = await askLibrary(request, maxCpuMs, signal);
  if (answer.kind !== "splat") {
    throw new TypeError(`the HDF5 thread answered ${answer.kind}`);
  }
  return answer.splat;
}

/**
 * The superblock says where the file ends; the library says of a shorter one only that it cannot be opened.
 * Source: HDF5 File Format Specification 3.0, II.A, with addresses of 8 bytes as everywhere but in its oldest files.
 */
function checkEnd(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = bytes[8] ?? 0;
  const [widthAt, endAt] = version >= 2 ? [9, 28] : [13, version === 1 ? 44 : 40];
  const superblockBytes = 96;
  if (bytes.length < superblockBytes) {
    throw new AssetError("truncated", `${bytes.length} bytes are no HDF5 file`);
  }
  if (bytes[widthAt] !== 8) {
    return;
  }
  const end = view.getBigUint64(endAt, true);
  if (end > bytes.length) {
    throw new AssetError(
      "truncated",
      `the HDF5 file has ${end} bytes by its header; ${bytes.length} are there`,
    );
  }
}

/** As the subnet's miners wrote it: gzip level 9, `data_ver` 0. */
export async function writeHdf5(splat: Splat): Promise<Uint8Array> {
  const answer = await askLibrary({ kind: "write", splat }, defaultMaxCpuMs * 10, undefined);
  if (answer.kind !== "bytes") {
    throw new TypeError(`the HDF5 thread answered ${answer.kind}`);
  }
  return answer.bytes;
}
