/** Simulated workers, each a process, and what they tell. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

export interface SimulatedWorkerOptions {
  readonly servers: string;
  readonly workerId: string;
  /** What rendering and the model take of a job. */
  readonly scoringMs: number;
  /** Before it connects: what a machine, an image and a model take until a worker is there. */
  readonly coldStartMs: number;
  /** Whether it is connected and takes nothing until `go`. */
  readonly waitsForGo: boolean;
}

/** Times are ms since 1970, to the microsecond. */
export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "taken"; readonly jobId: string; readonly at: number }
  | {
      readonly kind: "done";
      readonly jobId: string;
      readonly ending: string;
      /** Rendering began. */
      readonly beganAt: number;
      /** The model had its answer. */
      readonly scoredAt: number;
      /** The result is stored and the job acknowledged. */
      readonly settledAt: number;
    };

export type DoneJob = Extract<FromWorker, { readonly kind: "done" }>;

export interface SimulatedWorker {
  readonly workerId: string;
  readonly pid: number;
  /** Resolves when it is connected; also when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with the exit status. */
  readonly ended: Promise<number | null>;
  go(): void;
  /** SIGTERM. */
  drain(): void;
}

export interface WorkerPool extends AsyncDisposable {
  start(options: Omit<SimulatedWorkerOptions, "servers">): SimulatedWorker;
  /** When each job was taken first. */
  readonly takenAt: ReadonlyMap<string, number>;
  /** In the order in which they were told. */
  readonly done: readonly (DoneJob & { readonly workerId: string })[];
}

export function createWorkerPool(servers: string): WorkerPool {
  const children = new Set<ChildProcess>();
  const takenAt = new Map<string, number>();
  const done: (DoneJob & { readonly workerId: string })[] = [];
  return {
    takenAt,
    done,
    start(options) {
      const { workerId } = options;
      const all: SimulatedWorkerOptions = { servers, ...options };
      const child = fork(new URL("simulated-worker.ts", import.meta.url), [JSON.stringify(all)]);
      children.add(child);
      const ended = once(child, "exit").then(([status]) => {
        children.delete(child);
        return status;
      });
      const { promise: ready, resolve } = Promise.withResolvers<void>();
      void ended.then(() => resolve());
      child.on("message", (message: FromWorker) => {
        if (message.kind === "ready") {
          resolve();
        } else if (message.kind === "taken") {
          takenAt.set(message.jobId, takenAt.get(message.jobId) ?? message.at);
        } else {
          done.push({ ...message, workerId });
        }
      });
      return {
        ...{ workerId, ready, ended, pid: child.pid ?? Number.NaN }, // it was started
        go: () => void child.send("go"),
        drain: () => void child.kill("SIGTERM"),
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(
        [...children].map(async (child) => {
          const exit = once(child, "exit");
          child.kill("SIGKILL");
          await exit;
        }),
      );
    },
  };
}
