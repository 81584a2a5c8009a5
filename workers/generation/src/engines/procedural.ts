/** The project's own engine on threads of its own, so that a long generation never stops the endpoint from answering. */
import { Worker } from "node:worker_threads";
import {
  type EngineAnswer,
  EngineError,
  type EngineRequest,
  type GenerationEngine,
} from "./engine.ts";
import type { ThreadAnswer, ThreadOrder } from "./procedural-thread.ts";

interface Thread {
  readonly worker: Worker;
  busy: { resolve(answer: EngineAnswer): void; reject(error: Error): void } | undefined;
}

/** @param threads how many prompts are worked on at a time, at least 1 */
export function startProceduralEngine(threads = 1): GenerationEngine {
  const pool = Array.from({ length: threads }, startThread);
  let closed = false;

  return {
    name: "procedural",
    concurrency: threads,
    async generate(request: EngineRequest, signal: AbortSignal): Promise<EngineAnswer> {
      signal.throwIfAborted();
      const index = pool.findIndex(({ busy }) => busy === undefined);
      const thread = pool[index];
      if (closed || thread === undefined) {
        throw new EngineError("busy", "all threads of the engine are at work");
      }
      const cancel = new Int32Array(new SharedArrayBuffer(4));
      const onAbort = (): void => {
        Atomics.store(cancel, 0, 1);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        return await new Promise<EngineAnswer>((resolve, reject) => {
          thread.busy = { resolve, reject };
          const order: ThreadOrder = { request, cancel };
          thread.worker.postMessage(order);
        });
      } catch (error) {
        signal.throwIfAborted(); // the caller's own reason, not "canceled"
        if (thread.worker.threadId === -1 && !closed) {
          pool[index] = startThread();
        }
        throw error;
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all(pool.map(({ worker }) => worker.terminate()));
    },
  };
}

function startThread(): Thread {
  const thread: Thread = {
    worker: new Worker(new URL("./procedural-thread.ts", import.meta.url)),
    busy: undefined,
  };
  const settle = (act: (busy: NonNullable<Thread["busy"]>) => void): void => {
    const { busy } = thread;
    thread.busy = undefined;
    if (busy !== undefined) {
      act(busy);
    }
  };
  thread.worker.on("message", (answer: ThreadAnswer) => {
    settle((busy) => {
      if (answer.kind === "ok") {
        busy.resolve(answer.answer);
      } else {
        busy.reject(new EngineError(answer.code, answer.message));
      }
    });
  });
  const fail = (error: Error): void => {
    settle((busy) =>
      busy.reject(new EngineError("failed", "the engine's thread ended", { cause: error })),
    );
  };
  thread.worker.on("error", fail);
  thread.worker.on("exit", (code) => fail(new Error(`exit code ${code}`)));
  return thread;
}
