/** The HDF5 library in a thread for each file; in browsers `hdf5-library-browser.ts` stands in its place. */
import { Worker } from "node:worker_threads";
import type { Hdf5Answer, Hdf5Request } from "./hdf5-answer.ts";
import { AssetError } from "./splat.ts";

const lookEveryMs = 20;

/**
 * @param maxCpuMs the thread is ended after this much processor time
 * @throws AssetError
 */
export async function askLibrary(
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
