/**
 * The client: one method for each thing that the API can do, and `generate` for all of them in a row.
 *
 * Invariants, referred to as C1 to C3 where they are kept:
 * C1  Every call may be repeated: CreateTask always carries an idempotency key, CancelTask changes nothing the second
 *     time, all others only read.
 * C2  A watch gives every change exactly once and in order, however often its connection breaks.
 * C3  A deadline covers the whole operation with all its tries.
 */
import { randomBytes, randomUUID } from "node:crypto";
import {
  type Context,
  isSpanContextValid,
  context as openTelemetry,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { type ScoreReport, type Task, TaskState, type WatchTaskResponse } from "@turntable/proto";
import { collectAsset, type Download } from "./download.ts";
import { CallFailedError, TaskFailedError } from "./errors.ts";
import {
  createRetry,
  defaultRetryPolicy,
  type RetryNotice,
  type RetryOptions,
  type RetryPolicy,
  systemTiming,
  type Timing,
  withRetry,
} from "./retry.ts";
import { type CallOptions, createTransport, type TlsOptions } from "./transport.ts";

/** Options of `createTurntableClient`. */
export interface TurntableClientOptions {
  /** Host and port of a coordinator's gRPC API, for example `127.0.0.1:50051`. */
  readonly address: string;
  /** Sent as `authorization: Bearer …`; without TLS it travels in the clear. */
  readonly apiKey?: string | undefined;
  /** Encrypts the connection; `{}` trusts the certificates that come with Node. Default: not encrypted. */
  readonly tls?: TlsOptions | undefined;
  /**
   * Whether to go through the proxy that the variables grpc_proxy, https_proxy or http_proxy name, but for hosts of
   * no_proxy and this machine; without it they are not looked at.
   */
  readonly proxy?: boolean | undefined;
  /** Default limit of an operation other than `watch` and `generate`, in ms. Default: 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Larger assets are refused before they are downloaded, in bytes. Default: 256 MiB. */
  readonly maxAssetBytes?: number | undefined;
  /** When to try again while the server is unavailable. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Told before each pause between two tries. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

/** Options of every operation. */
export interface OperationOptions {
  /** Ends the operation, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Limit of the operation with all its tries, in ms. */
  readonly timeoutMs?: number | undefined;
  /** OpenTelemetry context whose trace is continued. Default: the active one; a new trace begins outside of any. */
  readonly context?: Context | undefined;
}

/** Options of `create`. */
export interface CreateOptions extends OperationOptions {
  /** Creating again with the same key returns the first task. Default: a new one for each call. */
  readonly idempotencyKey?: string | undefined;
}

/** Options of `watch`. */
export interface WatchOptions extends OperationOptions {
  /** Only later changes are given. Default: 0, all. */
  readonly afterSequence?: bigint | undefined;
}

/** Options of `list`. */
export interface ListOptions extends OperationOptions {
  /** At most this many, up to 500. Default: 50. */
  readonly pageSize?: number | undefined;
  /** `nextPageToken` of the page before. */
  readonly pageToken?: string | undefined;
}

/** Options of `generate`. */
export interface GenerateOptions extends CreateOptions {
  /** Told every change of the task as it happens. */
  readonly onProgress?: ((event: TaskEvent, taskId: string) => void) | undefined;
}

/** One change of a task. */
export type TaskEvent = WatchTaskResponse;

/** A part of the list of tasks. */
export interface TaskPage {
  /** Newest first. */
  readonly tasks: readonly Task[];
  /** For the next page; undefined on the last. */
  readonly nextPageToken: string | undefined;
}

/** What `generate` made. */
export interface Generated extends Download {
  /** The task as it ended. */
  readonly task: Task;
}

/**
 * A client of one coordinator. All methods throw `CallFailedError` when the server refuses or stays away, and the
 * signal's reason when their signal is aborted.
 */
export interface TurntableClient extends Disposable {
  /** Queues a task. */
  create(prompt: string, options?: CreateOptions): Promise<Task>;
  /** A task as it stands now. */
  get(taskId: string, options?: OperationOptions): Promise<Task>;
  /** One page of all tasks, newest first. */
  list(options?: ListOptions): Promise<TaskPage>;
  /**
   * Ends a task that nobody wants any more, and gives it as it ended; again, it changes nothing. One that has succeeded or
   * failed is refused with `failed-precondition`.
   */
  cancel(taskId: string, options?: OperationOptions): Promise<Task>;
  /** Every change of a task, until it has ended; survives lost connections. No time limit of its own. */
  watch(taskId: string, options?: WatchOptions): AsyncIterable<TaskEvent>;
  /**
   * The asset of a succeeded task, checked for size and SHA-256.
   * @throws CorruptDownloadError, AssetTooLargeError
   */
  download(taskId: string, options?: OperationOptions): Promise<Download>;
  /** How the task's result, or its best submission, was scored. */
  report(taskId: string, options?: OperationOptions): Promise<ScoreReport>;
  /**
   * From prompt to asset: create, watch, download. No time limit of its own; when it is ended early the task goes on,
   * and `watch` and `download` with its id pick it up again.
   * @throws TaskFailedError when the task ends without a result; CorruptDownloadError, AssetTooLargeError
   */
  generate(prompt: string, options?: GenerateOptions): Promise<Generated>;
}

const defaultTimeoutMs = 60_000;
const defaultMaxAssetBytes = 256 * 1024 * 1024;

/**
 * Creates a client; it connects with its first call and is disposed when no longer needed.
 * @throws InvalidOptionError for an address or key that cannot be used.
 */
export function createTurntableClient(
  options: TurntableClientOptions,
  timing: Timing = systemTiming,
): TurntableClient {
  const transport = createTransport({
    address: options.address,
    apiKey: options.apiKey,
    tls: options.tls,
    proxy: options.proxy,
  });
  const maxAssetBytes = options.maxAssetBytes ?? defaultMaxAssetBytes;
  const contact = { made: false };
  const policy = { ...defaultRetryPolicy, ...options.retry };
  const begin = (operation: OperationOptions, limitMs: number | undefined) => {
    const timeoutMs = operation.timeoutMs ?? limitMs;
    const call: CallOptions = {
      signal: operation.signal,
      deadline: timeoutMs === undefined ? undefined : new Date(Date.now() + timeoutMs), // C3
      trace: inTrace(operation.context),
    };
    const retry: RetryOptions = { ...call, contact, policy, timing, onRetry: options.onRetry };
    return { call, retry };
  };
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;

  const client: TurntableClient = {
    async create(prompt, createOptions = {}) {
      const { call, retry } = begin(createOptions, timeoutMs);
      const idempotencyKey = createOptions.idempotencyKey ?? randomUUID(); // C1
      const { task } = await withRetry(retry, () =>
        transport.unary((api, o) => api.createTask({ prompt, idempotencyKey }, o), call),
      );
      return present(task, "task");
    },

    async get(taskId, getOptions = {}) {
      const { call, retry } = begin(getOptions, timeoutMs);
      const { task } = await withRetry(retry, () =>
        transport.unary((api, o) => api.getTask({ taskId }, o), call),
      );
      return present(task, "task");
    },

    async list(listOptions = {}) {
      const { call, retry } = begin(listOptions, timeoutMs);
      const { pageSize = 0, pageToken = "" } = listOptions;
      const page = await withRetry(retry, () =>
        transport.unary((api, o) => api.listTasks({ pageSize, pageToken }, o), call),
      );
      return { tasks: page.tasks, nextPageToken: page.nextPageToken || undefined };
    },

    async cancel(taskId, cancelOptions = {}) {
      const { call, retry } = begin(cancelOptions, timeoutMs);
      const { task } = await withRetry(retry, () =>
        transport.unary((api, o) => api.cancelTask({ taskId }, o), call),
      );
      return present(task, "task");
    },

    async *watch(taskId, watchOptions = {}) {
      const { call, retry: retryOptions } = begin(watchOptions, undefined);
      const retry = createRetry(retryOptions);
      let afterSequence = watchOptions.afterSequence ?? 0n;
      for (;;) {
        try {
          let last: TaskEvent | undefined;
          const request = { taskId, afterSequence };
          for await (const event of transport.stream((api, o) => api.watchTask(request, o), call)) {
            retry.reset();
            if (event.sequence <= afterSequence) {
              continue; // C2
            }
            afterSequence = event.sequence;
            last = event;
            yield event;
          }
          // A stream that ends says that the task has; one that ends in the middle was cut politely.
          if (last === undefined || hasEnded(last.state)) {
            return;
          }
          throw new CallFailedError("unavailable", "the server ended the watch before the task");
        } catch (error) {
          await retry.pause(error);
        }
      }
    },

    async download(taskId, downloadOptions = {}) {
      const { call, retry } = begin(downloadOptions, timeoutMs);
      return withRetry(retry, () =>
        collectAsset(
          taskId,
          transport.stream((api, o) => api.downloadAsset({ taskId }, o), call),
          maxAssetBytes,
        ),
      );
    },

    async report(taskId, reportOptions = {}) {
      const { call, retry } = begin(reportOptions, timeoutMs);
      const { report } = await withRetry(retry, () =>
        transport.unary((api, o) => api.getReport({ taskId }, o), call),
      );
      return present(report, "report");
    },

    async generate(prompt, generateOptions = {}) {
      const { signal, timeoutMs: limitMs, onProgress, idempotencyKey } = generateOptions;
      const context = inTrace(generateOptions.context);
      const startedAt = Date.now();
      const rest = (): OperationOptions => {
        const leftMs = limitMs === undefined ? undefined : limitMs - (Date.now() - startedAt);
        return { signal, context, timeoutMs: leftMs && Math.max(0, leftMs) }; // C3
      };
      const { id } = await client.create(prompt, { ...rest(), idempotencyKey });
      for await (const event of client.watch(id, rest())) {
        onProgress?.(event, id);
      }
      const task = await client.get(id, rest());
      if (task.state !== TaskState.SUCCEEDED) {
        const { code, message } = task.failure ?? failureOf(task.state);
        throw new TaskFailedError(id, code, message);
      }
      return { task, ...(await client.download(id, rest())) };
    },

    [Symbol.dispose]() {
      transport[Symbol.dispose]();
    },
  };
  return client;
}

/** Whether a task in this state has ended; unknown states of newer servers have not. */
export function hasEnded(state: TaskState): boolean {
  const ends: readonly TaskState[] = [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED];
  return ends.includes(state);
}

/** Why a task without a result and without a failure has none. */
function failureOf(state: TaskState): { readonly code: string; readonly message: string } {
  return state === TaskState.CANCELLED
    ? { code: "cancelled", message: "it was cancelled" }
    : { code: "unknown", message: "it ended without a result" };
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new CallFailedError("internal", `the answer has no ${what}`);
  }
  return value;
}

/** The given context or the active one, in a new trace when it is in none. */
function inTrace(context: Context = openTelemetry.active()): Context {
  const spanContext = trace.getSpanContext(context);
  if (spanContext !== undefined && isSpanContextValid(spanContext)) {
    return context;
  }
  return trace.setSpanContext(context, {
    traceId: randomBytes(16).toString("hex"),
    spanId: randomBytes(8).toString("hex"),
    traceFlags: TraceFlags.SAMPLED,
  });
}
