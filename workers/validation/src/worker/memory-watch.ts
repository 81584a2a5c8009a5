/**
 * The last resort against a job that makes the process grow: one that was let in, since nothing in its header says so,
 * or an error of ours. Neither Node nor ONNX Runtime has a limit for all memory: heaps, buffers and WebAssembly have one
 * each. So the process kills itself, as the kernel would a little later, but says why, and takes nobody else along.
 *
 * M1 Its jobs are not handed back: as with any worker that falls silent, each comes again after the ack wait, and one
 *    with which two workers fell silent goes to the dead letters.
 * M2 A thread does it all, since the main one is busy with what makes it grow.
 */
import { totalmem } from "node:os";
import { Worker } from "node:worker_threads";

export interface MemoryWatchOptions {
  /** Resident memory at which the process ends. */
  readonly maxBytes: number;
  /** Named in the line that says why. */
  readonly workerId: string;
}

/** Ids of the jobs that the process has. */
export type JobsMessage = readonly string[];

export interface MemoryWatch extends AsyncDisposable {
  /** From now on the process has these jobs. */
  tell(jobIds: JobsMessage): void;
}

/** Of the memory that a process may have: it ends before the kernel ends it. */
const share = 0.9;

/** In bytes: of the container's limit, or of the machine's memory where there is none. */
export function defaultMaxMemory(): number {
  return Math.floor(share * Math.min(process.constrainedMemory(), totalmem()));
}

/** Looks until it is disposed. Only memory of this process counts: what works on a GPU is a process of its own. */
export function startMemoryWatch(options: MemoryWatchOptions): MemoryWatch {
  const url = new URL("memory-watch-thread.ts", import.meta.url);
  const thread = new Worker(url, { workerData: options });
  thread.unref();
  return {
    tell: (jobIds) => thread.postMessage(jobIds),
    async [Symbol.asyncDispose]() {
      await thread.terminate();
    },
  };
}
