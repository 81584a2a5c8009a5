/**
 * The HDF5 of May 2024, behind an entry of its own: h5wasm weighs 4 MB.
 *
 * The HDF5 library is C code that was never meant for hostile files, so each file gets a thread of its own with a
 * limit on memory and time, which ends with it; nothing of one file is left for the next.
 */
import { Worker } from "node:worker_threads";
import { checkSplat } from "./checks.ts";
import type { Hdf5Answer, Hdf5Request } from "./hdf5-thread.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat } from "./splat.ts";

export interface ReadHdf5Options {
  /**
   * The file holds what the values mean (`data_ver` 1 and above: opacities 0 to 1, standard deviations, RGB) and not
   * their logits, logarithms and coefficients.
   */
  readonly activated?: boolean;
  /** The thread is ended after this time, in ms. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const defaultTimeoutMs = 20_000;

/** @throws AssetError */
export async function readHdf5(
  bytes: Uint8Array,
  limits: AssetLimits = defaultAssetLimits,
  options: ReadHdf5Options = {},
): Promise<Splat> {
  const { activated = false, timeoutMs = defaultTimeoutMs, signal } = options;
  const answer = await ask({ kind: "read", bytes, limits, activated }, timeoutMs, signal);
  if (answer.kind !== "splat") throw new TypeError(`the HDF5 thread answered ${answer.kind}`);
  return checkSplat(answer.splat, limits);
}

/** As the subnet's miners wrote it: gzip level 9, `data_ver` 0. */
export async function writeHdf5(splat: Splat): Promise<Uint8Array> {
  const answer = await ask({ kind: "write", splat }, defaultTimeoutMs * 10, undefined);
  if (answer.kind !== "bytes") throw new TypeError(`the HDF5 thread answered ${answer.kind}`);
  return answer.bytes;
}

async function ask(
  request: Hdf5Request,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Exclude<Hdf5Answer, { kind: "error" }>> {
  signal?.throwIfAborted();
  const worker = new Worker(new URL("hdf5-thread.ts", import.meta.url), {
    workerData: request,
    // What the library prints about a broken file helps nobody.
    stdout: true,
    stderr: true,
  });
  const timer = setTimeout(() => void worker.terminate(), timeoutMs);
  const abort = (): void => void worker.terminate();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const answer = await new Promise<Hdf5Answer>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error(`ended without an answer in ${timeoutMs} ms`)));
    }).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new AssetError("malformed", "the HDF5 library could not cope with the file", { cause });
    });
    if (answer.kind === "error") throw new AssetError(answer.code, answer.message);
    return answer;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    await worker.terminate();
  }
}
