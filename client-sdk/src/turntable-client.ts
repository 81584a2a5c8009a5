/**
 * The client: one method for each thing that the API can do, and `generate` for all of them in a row.
 *
 * Invariants, referred to as C1 to C3 where they are kept:
 * C1  Every call may be repeated: CreateTask always carries an idempotency key, CancelTask changes nothing the second
 *     time, uploads name their place, all others only read.
 * C2  A watch gives every change exactly once and in order, however often its connection breaks.
 * C3  A deadline covers the whole operation with all its tries.
 */
import {
  GenerationService,
  type ScoreReport,
  type Task,
  TaskState,
  type WatchTaskResponse,
} from "@turntable/proto";
import { type CreateSha256, randomHex } from "./bytes.ts";
import {
  type AssetStream,
  collectAsset,
  type Download,
  type DownloadOptions,
  type OpenDownloadOptions,
  openDownload,
} from "./download.ts";
import { CallFailedError, TaskFailedError } from "./errors.ts";
import { createOperations, inTrace, type OperationOptions, present } from "./operations.ts";
import {
  createRetry,
  type RetryNotice,
  type RetryPolicy,
  type Timing,
  withRetry,
} from "./retry.ts";
import { type ScoreOptions, scoreAsset } from "./scoring.ts";
import type { Transport } from "./transport.ts";

/** Options of a client, whatever its connection. */
export interface ClientOptions {
  /** Default limit of an operation other than `watch` and `generate`, in ms. Default: 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Larger assets are refused before they are downloaded, in bytes. Default: 256 MiB. */
  readonly maxAssetBytes?: number | undefined;
  /** When to try again while the server is unavailable. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Told before each pause between two tries. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
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

/** Options of `waitFor`. */
export interface WaitForOptions extends OperationOptions {
  /** Told every change of the task as it happens. */
  readonly onProgress?: ((event: TaskEvent, taskId: string) => void) | undefined;
}

/** Options of `generate`. */
export interface GenerateOptions extends CreateOptions, WaitForOptions {
  /** Told how much of the asset has come. */
  readonly onDownload?: DownloadOptions["onProgress"];
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
   * The task once it has succeeded; survives lost connections. No time limit of its own.
   * @throws TaskFailedError when the task ends without a result
   */
  waitFor(taskId: string, options?: WaitForOptions): Promise<Task>;
  /**
   * The asset of a succeeded task, checked for size and SHA-256.
   * @throws CorruptDownloadError, AssetTooLargeError
   */
  download(taskId: string, options?: DownloadOptions): Promise<Download>;
  /**
   * The same in parts as they come, so that it need not fit into memory. A connection that breaks is taken up again where
   * it broke; after a crash of one's own, `have` goes on from the bytes that were kept. No time limit of its own.
   * @throws CorruptDownloadError, which the loop over `chunks` throws at its end; AssetTooLargeError
   */
  openDownload(taskId: string, options?: OpenDownloadOptions): Promise<AssetStream>;
  /** How the task's result, or its best submission, was scored. */
  report(taskId: string, options?: OperationOptions): Promise<ScoreReport>;
  /**
   * From prompt to asset: create, watch, download. No time limit of its own; when it is ended early the task goes on,
   * and `watch` and `download` with its id pick it up again.
   * @throws TaskFailedError when the task ends without a result; CorruptDownloadError, AssetTooLargeError
   */
  generate(prompt: string, options?: GenerateOptions): Promise<Generated>;
  /**
   * How well an asset of one's own fits a prompt: uploads it, waits for its turn, gives the validator's signed report. No
   * miner is asked. No time limit of its own.
   * @param asset its bytes, or a file (`Blob`), which is read piece by piece
   * @throws ScoringFailedError when there is no report
   */
  score(asset: Uint8Array | Blob, prompt: string, options?: ScoreOptions): Promise<ScoreReport>;
}

const defaultMaxAssetBytes = 256 * 1024 * 1024;

/** What a kind of connection brings along. */
export interface ClientParts {
  readonly transport: Transport;
  readonly createSha256: CreateSha256;
  readonly timing: Timing;
}

/** A client over any connection. */
export function createClient(options: ClientOptions, parts: ClientParts): TurntableClient {
  const { transport, createSha256 } = parts;
  const { method } = GenerationService;
  const maxAssetBytes = options.maxAssetBytes ?? defaultMaxAssetBytes;
  const operations = createOperations(options, parts);
  const { begin, timeoutMs } = operations;

  const client: TurntableClient = {
    async create(prompt, createOptions = {}) {
      const { call, retry } = begin(createOptions, timeoutMs);
      const idempotencyKey = createOptions.idempotencyKey ?? randomHex(16); // C1
      const { task } = await withRetry(retry, () =>
        transport.unary(method.createTask, { prompt, idempotencyKey }, call),
      );
      return present(task, "task");
    },

    async get(taskId, getOptions = {}) {
      const { call, retry } = begin(getOptions, timeoutMs);
      const { task } = await withRetry(retry, () =>
        transport.unary(method.getTask, { taskId }, call),
      );
      return present(task, "task");
    },

    async list(listOptions = {}) {
      const { call, retry } = begin(listOptions, timeoutMs);
      const { pageSize = 0, pageToken = "" } = listOptions;
      const page = await withRetry(retry, () =>
        transport.unary(method.listTasks, { pageSize, pageToken }, call),
      );
      return { tasks: page.tasks, nextPageToken: page.nextPageToken || undefined };
    },

    async cancel(taskId, cancelOptions = {}) {
      const { call, retry } = begin(cancelOptions, timeoutMs);
      const { task } = await withRetry(retry, () =>
        transport.unary(method.cancelTask, { taskId }, call),
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
          for await (const event of transport.stream(method.watchTask, request, call)) {
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

    async waitFor(taskId, { onProgress, ...waitOptions } = {}) {
      const rest = restOf(waitOptions);
      for await (const event of client.watch(taskId, rest())) {
        onProgress?.(event, taskId);
      }
      const task = await client.get(taskId, rest());
      if (task.state !== TaskState.SUCCEEDED) {
        const { code, message } = task.failure ?? failureOf(task.state);
        throw new TaskFailedError(taskId, code, message);
      }
      return task;
    },

    async download(taskId, downloadOptions = {}) {
      const limited = { ...downloadOptions, timeoutMs: downloadOptions.timeoutMs ?? timeoutMs };
      return collectAsset(await client.openDownload(taskId, limited));
    },

    async openDownload(taskId, downloadOptions = {}) {
      const { call, retry } = begin(downloadOptions, undefined);
      return openDownload({
        taskId,
        maxAssetBytes,
        createSha256,
        retry: createRetry(retry),
        open: (offset) => transport.stream(method.downloadAsset, { taskId, offset }, call),
        ...downloadOptions,
      });
    },

    async report(taskId, reportOptions = {}) {
      const { call, retry } = begin(reportOptions, timeoutMs);
      const { report } = await withRetry(retry, () =>
        transport.unary(method.getReport, { taskId }, call),
      );
      return present(report, "report");
    },

    async generate(prompt, generateOptions = {}) {
      const { onProgress, onDownload, idempotencyKey } = generateOptions;
      const rest = restOf(generateOptions);
      const { id } = await client.create(prompt, { ...rest(), idempotencyKey });
      const task = await client.waitFor(id, { ...rest(), onProgress });
      return { task, ...(await client.download(id, { ...rest(), onProgress: onDownload })) };
    },

    async score(asset, prompt, scoreOptions = {}) {
      return scoreAsset(asset, prompt, scoreOptions, { transport, createSha256, operations });
    },

    [Symbol.dispose]() {
      transport[Symbol.dispose]();
    },
  };
  return client;
}

/** C3: the options of each call of a row of them, all in one trace. */
function restOf({ signal, timeoutMs, context }: OperationOptions): () => OperationOptions {
  const trace = inTrace(context);
  const startedAt = Date.now();
  return () => {
    const leftMs = timeoutMs === undefined ? undefined : timeoutMs - (Date.now() - startedAt);
    return { signal, context: trace, timeoutMs: leftMs && Math.max(0, leftMs) };
  };
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
