/**
 * A loaded model seen from outside: requests are answered one at a time, in order.
 *
 * I1 On the CPU it runs in a thread of this process, on a GPU in a process of its own: a driver that crashes or hangs
 *    fails the request in work with DeviceError, and the next one starts another process.
 */

// Before the thread starts, T1 there.
import "./telemetry-off.ts";
import { Worker } from "node:worker_threads";
import { createWorkQueue } from "@turntable/process";
import {
  type DeviceChild,
  DeviceError,
  type DeviceErrorCode,
  type Environment,
  isDeviceCode,
  startDeviceChild,
  vulkanEnvironment,
} from "../../gpu/index.ts";
import { ModelError, type ModelErrorCode } from "../errors.ts";
import {
  closeRequest,
  type InferenceMessage,
  type InferenceRequest,
  type ReadyModel,
} from "./inference-messages.ts";
import { chooseProviders, type ProviderOptions } from "./provider.ts";
import type { TowerOptions } from "./towers.ts";

export interface Inference extends ReadyModel, AsyncDisposable {
  /** Why the execution provider is not what was asked for. */
  readonly note?: string;
  /**
   * A request that waits for its turn is dropped when the signal says so; one that runs is left to end by itself.
   * @returns one row a text or picture
   */
  request(request: InferenceRequest, signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

export type InferenceOptions = Omit<TowerOptions, "executionProvider"> &
  ProviderOptions & {
    /** The names of all operators in the model's graphs. */
    readonly operators: ReadonlySet<string>;
  };

/** @throws ModelError when the model cannot be loaded */
export async function startInference(options: InferenceOptions): Promise<Inference> {
  const {
    executionProvider: _asked,
    gpu: _gpu,
    env,
    operators,
    allowSoftwareGpu = false,
    ...rest
  } = options;
  const { providers, note } = await chooseProviders(operators, options);
  const said = note === undefined ? {} : { note };
  const refusals: ModelError[] = [];
  for (const executionProvider of providers) {
    const towers: TowerOptions = { ...rest, executionProvider };
    if (executionProvider === "cpu") {
      return { ...(await startThread(towers)), ...said };
    }
    try {
      return await startProcess(towers, env, allowSoftwareGpu);
    } catch (error) {
      if (!(error instanceof ModelError) || error.code !== "execution-provider") {
        throw error;
      }
      refusals.push(error);
    }
  }
  const [refusal = new TypeError("no execution provider was tried")] = refusals;
  throw refusal;
}

type Ask = (request: InferenceRequest) => Promise<readonly Float32Array[]>;

/** One request at a time. */
function inTurn(ask: Ask): { readonly request: Inference["request"]; idle(): Promise<void> } {
  // Whoever asks waits for its own answers, and a scorer asks for one asset at a time: few ever wait.
  const { run, idle } = createWorkQueue({ concurrency: 1, capacity: Number.POSITIVE_INFINITY });
  return {
    request(request, signal) {
      const answer = run(() => ask(request), signal);
      return signal === undefined ? answer : orAborted(answer, signal);
    },
    idle,
  };
}

async function startThread(options: TowerOptions): Promise<Inference> {
  const worker = new Worker(new URL("thread.ts", import.meta.url), { workerData: options });
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const receive = createReceiver(worker);
  const first = await receive();
  if (first.kind !== "ready") {
    await worker.terminate();
    throw first.kind === "failed"
      ? toError(first)
      : new Error("the inference thread sent rows before it was ready");
  }
  worker.unref();

  const { request, idle } = inTurn(async (asked) => {
    // The process stays up while an answer is waited for, and only then.
    worker.ref();
    try {
      worker.postMessage(asked);
      const message = await receive();
      if (message.kind === "rows") {
        return message.rows;
      }
      throw message.kind === "failed"
        ? toError(message)
        : new Error("the inference thread said twice that it is ready");
    } finally {
      worker.unref();
    }
  });
  return {
    ...first.ready,
    request,
    async [Symbol.asyncDispose]() {
      await idle();
      worker.ref();
      worker.postMessage(closeRequest);
      await exited;
    },
  };
}

/** The longest run on a GPU, with the compiling of its shaders at first, in ms; and on a CPU that stands in for one. */
const timeouts = { gpu: 60_000, software: 900_000 };

/** I1 */
async function startProcess(
  options: TowerOptions,
  environment: Environment,
  allowSoftware: boolean,
): Promise<Inference> {
  const env = vulkanEnvironment({ env: environment, allowSoftware });
  const timeoutMs = allowSoftware ? timeouts.software : timeouts.gpu;
  const name = `${options.executionProvider} inference`;
  const start = (): Promise<DeviceChild<ReadyModel, InferenceRequest, readonly Float32Array[]>> =>
    startDeviceChild({
      ...{ name, env, timeoutMs },
      program: new URL("inference-process.ts", import.meta.url),
      argv: [JSON.stringify(options)],
      toError: (code: ModelErrorCode | DeviceErrorCode, message) =>
        isDeviceCode(code) ? new DeviceError(code, message) : new ModelError(code, message),
    });
  let current = await start();
  const { request, idle } = inTurn(async (asked) => {
    if (current.ended() !== undefined) {
      current = await start();
    }
    return await current.ask(asked);
  });
  return {
    ...current.ready,
    request,
    async [Symbol.asyncDispose]() {
      await idle();
      await current.stop();
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
    if (died !== undefined) {
      return Promise.reject(died);
    }
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
  if (signal.aborted) {
    abort();
  }
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
