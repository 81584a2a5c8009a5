/**
 * The HDF5 of May 2024, behind an entry of its own: h5wasm weighs 4 MB.
 *
 * Files as the subnet's miners write them are read without the HDF5 library (`hdf5-plain/`). That library is C code
 * that was never meant for hostile files, so each other file gets a thread of its own with a limit on memory and time,
 * which ends with it; nothing of one file is left for the next.
 */
import { Worker } from "node:worker_threads";
import { checkSplat } from "./checks.ts";
import { decodePlainHdf5 } from "./hdf5-plain/index.ts";
import type { Hdf5Answer, Hdf5Request } from "./hdf5-thread.ts";
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
const lookEveryMs = 20;

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
  const answer = await ask(request, maxCpuMs, signal);
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
  const answer = await ask({ kind: "write", splat }, defaultMaxCpuMs * 10, undefined);
  if (answer.kind !== "bytes") {
    throw new TypeError(`the HDF5 thread answered ${answer.kind}`);
  }
  return answer.bytes;
}

async function ask(
  request: Hdf5Request,
  maxCpuMs: number,
  signal: AbortSignal | undefined,
): Promise<Exclude<Hdf5Answer, { kind: "error" }>> {
  signal?.throwIfAborted();
  const worker = new Worker(new URL("hdf5-thread.ts", import.meta.url), {
    workerData: request,
    // What the library prints about a broken file helps nobody.
    stdout: true,
    stderr: true,
  });
  const watch = setInterval(endWhenOver(worker, maxCpuMs), lookEveryMs);
  const abort = (): void => void worker.terminate();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const answer = await new Promise<Hdf5Answer>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error(`ended without an answer in ${maxCpuMs} ms`)));
    }).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new AssetError("malformed", "the HDF5 library could not cope with the file", { cause });
    });
    if (answer.kind === "error") {
      throw new AssetError(answer.code, answer.message);
    }
    return answer;
  } finally {
    clearInterval(watch);
    signal?.removeEventListener("abort", abort);
    await worker.terminate();
  }
}

/** A file must not be blamed for a busy machine, so what counts is the thread's own processor time. */
function endWhenOver(worker: Worker, maxCpuMs: number): () => void {
  const startedAt = performance.now();
  const usedMs = async (): Promise<number> => {
    // Since Node 22.19 and 24.6.
    if (!("cpuUsage" in worker)) {
      return performance.now() - startedAt;
    }
    const { user, system } = await worker.cpuUsage();
    return (user + system) / 1000;
  };
  return () => {
    usedMs().then(
      (used) => (used > maxCpuMs ? void worker.terminate() : undefined),
      () => undefined, // it does not run yet, or not any more
    );
  };
}
