/** The inference thread seen from outside: requests are answered one at a time, in order. */
import { Worker } from "node:worker_threads";
import { ModelError } from "../errors.ts";
import { closeRequest, type InferenceMessage, type InferenceRequest } from "./messages.ts";
import type { TowerOptions } from "./towers.ts";

export interface Inference extends AsyncDisposable {
  readonly layout: "split" | "combined";
  /** What really runs the model. */
  readonly executionProvider: string;
  /**
   * A request that waits for its turn is dropped when the signal says so; one that runs is left to end by itself.
   * @returns one row a text or picture
   */
  request(request: InferenceRequest, signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

/** @throws ModelError when the model cannot be loaded */
export async function startInference(options: TowerOptions): Promise<Inference> {
  const worker = new Worker(new URL("thread.ts", import.meta.url), { workerData: options });
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const receive = createReceiver(worker);
  const first = await receive();
  if (first.kind !== "ready") {
    await worker.terminate();
    throw first.kind === "failed" ? toError(first) : new Error("the inference thread is confused");
  }
  worker.unref();

  let last: Promise<unknown> = Promise.resolve();
  const run = async (
    request: InferenceRequest,
    signal: AbortSignal | undefined,
  ): Promise<readonly Float32Array[]> => {
    signal?.throwIfAborted();
    // The process stays up while an answer is waited for, and only then.
    worker.ref();
    try {
      worker.postMessage(request);
      const message = await receive();
      if (message.kind === "rows") return message.rows;
      throw message.kind === "failed" ? toError(message) : new Error("two starts of one thread");
    } finally {
      worker.unref();
    }
  };
  return {
    layout: first.layout,
    executionProvider: first.executionProvider,
    request(request, signal) {
      const answer = last.then(() => run(request, signal));
      last = answer.catch(() => undefined);
      return signal === undefined ? answer : orAborted(answer, signal);
    },
    async [Symbol.asyncDispose]() {
      await last;
      worker.ref();
      worker.postMessage(closeRequest);
      await exited;
    },
  };
}

/** Each call gives the next message; rejects when the thread has died. */
function createReceiver(worker: Worker): () => Promise<InferenceMessage> {
  let waiting: PromiseWithResolvers<InferenceMessage> | undefined;
  let died: Error | undefined;
  const die = (error: Error): void => {
    died ??= error;
    waiting?.reject(died);
    waiting = undefined;
  };
  worker.on("message", (message: InferenceMessage) => {
    waiting?.resolve(message);
    waiting = undefined;
  });
  worker.on("error", (error) => die(error instanceof Error ? error : new Error(String(error))));
  worker.on("exit", (code) => die(new Error(`the inference thread ended with code ${code}`)));
  return () => {
    if (died !== undefined) return Promise.reject(died);
    waiting = Promise.withResolvers<InferenceMessage>();
    return waiting.promise;
  };
}

function toError({ code, message }: Extract<InferenceMessage, { kind: "failed" }>): Error {
  return code === undefined ? new Error(message) : new ModelError(code, message);
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
