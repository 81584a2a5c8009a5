/**
 * `@turntable/client/wallet`: callers that are known by their hotkey. It signs the calls of the client over gRPC, or asks
 * through the public API of the subnet itself, Generate and StatusCheck of 2024, over a dendrite.
 */
import { signHeaders } from "@turntable/bittensor/btauth";
import { type AxonTarget, createDendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { generate, generationStatus, statusCheck } from "@turntable/bittensor/synapse";
import { TurntableError } from "./errors.ts";
import type { SignCall } from "./grpc-transport.ts";
import { systemTiming } from "./retry.ts";

export type { AxonTarget } from "@turntable/bittensor/dendrite";
export {
  type Keypair,
  keypairFromMnemonic,
  keypairFromUri,
  type LoadHotkeyOptions,
  loadHotkey,
  ready,
} from "@turntable/bittensor/keys";
export type { SignCall } from "./grpc-transport.ts";

/** Options of `walletSigner`. */
export interface WalletSignerOptions {
  /** Signs every call; `loadHotkey` reads one from a wallet's file, after `ready()`. */
  readonly hotkey: Keypair;
  /** The validator's hotkey, ss58: a signed call is for it alone. */
  readonly validator: string;
}

/**
 * Signs the calls of `createTurntableClient` (its `signCall`) by a hotkey: `btauth/1` over path, message and time. The
 * clocks of both sides may differ by some seconds, and each signature passes once.
 */
export function walletSigner({ hotkey, validator: receiver }: WalletSignerOptions): SignCall {
  let last = 0n;
  return ({ path, body }) => {
    const now = BigInt(Date.now()) * 1_000_000n;
    last = now > last ? now : last + 1n;
    return signHeaders(hotkey, { method: "POST", path, body }, { receiver, nonce: last });
  };
}

/** Options of `createSubnetClient`. */
export interface SubnetClientOptions {
  /** Signs every call; `loadHotkey` reads one from a wallet's file, after `ready()`. */
  readonly hotkey: Keypair;
  /** The validator's axon, as the metagraph names it. */
  readonly validator: AxonTarget;
}

/** What of a call can be given. */
export interface SubnetCallOptions {
  /** Ends the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What `wait` and `generate` tell on their way. */
export interface WaitOptions extends SubnetCallOptions {
  /** Pause between two looks, in ms; validators refuse to be asked more often than they say. Default: 30,000. */
  readonly pollingIntervalMs?: number | undefined;
  /** Told each time that the task was looked at. */
  readonly onStatus?: ((status: SubnetStatus) => void) | undefined;
}

/** A task that the validator took. */
export interface SubnetTask {
  readonly taskId: string;
  /** How long to wait between two looks, in ms. */
  readonly pollingIntervalMs: number;
}

/** Where a task stands. */
export type SubnetStatus =
  | { readonly kind: "queued" | "in-progress" }
  | { readonly kind: "done"; readonly bytes: Uint8Array }
  /** Asked again too early; it says nothing of the task. */
  | { readonly kind: "too-early" }
  | { readonly kind: "failed" | "not-found" };

/** A client of one validator. All methods throw `SubnetCallError` when it refuses or cannot be reached. */
export interface SubnetClient extends AsyncDisposable {
  /** Asks for an asset. */
  create(prompt: string, options?: SubnetCallOptions): Promise<SubnetTask>;
  /** Looks at a task once. */
  status(taskId: string, options?: SubnetCallOptions): Promise<SubnetStatus>;
  /** Looks at a task until it is done, the first time at once. @throws SubnetTaskError when there will be no asset */
  wait(taskId: string, options?: WaitOptions): Promise<Uint8Array>;
  /** From prompt to asset. @throws SubnetTaskError when there will be no asset */
  generate(prompt: string, options?: WaitOptions): Promise<Uint8Array>;
}

/** A call that the validator refused, or that did not reach it. */
export class SubnetCallError extends TurntableError {
  override name = "SubnetCallError";
  readonly code = "subnet-call";
  /** HTTP status, as Python's dendrite gives it; null when it has none. */
  readonly status: number | null;

  constructor(status: number | null, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** The validator has no asset for the task, and will have none. */
export class SubnetTaskError extends TurntableError {
  override name = "SubnetTaskError";
  readonly code = "subnet-task";
  readonly taskId: string;
  readonly kind: "failed" | "not-found";

  constructor(taskId: string, kind: "failed" | "not-found") {
    super(kind === "failed" ? `task ${taskId} failed` : `the validator knows no task ${taskId}`);
    this.taskId = taskId;
    this.kind = kind;
  }
}

const defaultPollingIntervalMs = 30_000;

/** Creates a client; it connects with its first call and is disposed when no longer needed. */
export function createSubnetClient({ hotkey, validator }: SubnetClientOptions): SubnetClient {
  const dendrite = createDendrite({ hotkey });
  const target = validator;
  const client: SubnetClient = {
    async create(prompt, { signal } = {}) {
      const called = await dendrite.call(generate, { target, body: { prompt }, ...given(signal) });
      const { task_id: taskId, polling_interval: intervalS } = fieldsOf(called);
      if (taskId === null) {
        throw new SubnetCallError(called.status, "the validator named no task");
      }
      return { taskId, pollingIntervalMs: intervalS * 1_000 };
    },
    async status(taskId, { signal } = {}) {
      const body = { task_id: taskId };
      const called = await dendrite.call(statusCheck, { target, body, ...given(signal) });
      const { status, results } = fieldsOf(called);
      return statusOf(status, results);
    },
    async wait(taskId, { signal, pollingIntervalMs = defaultPollingIntervalMs, onStatus } = {}) {
      for (;;) {
        const status = await client.status(taskId, { signal });
        onStatus?.(status);
        if (status.kind === "done") {
          return status.bytes;
        }
        if (status.kind === "failed" || status.kind === "not-found") {
          throw new SubnetTaskError(taskId, status.kind);
        }
        await systemTiming.sleep(pollingIntervalMs, signal);
      }
    },
    async generate(prompt, options = {}) {
      const { taskId, pollingIntervalMs } = await client.create(prompt, options);
      await systemTiming.sleep(options.pollingIntervalMs ?? pollingIntervalMs, options.signal);
      return await client.wait(taskId, { pollingIntervalMs, ...options });
    },
    [Symbol.asyncDispose]: () => dendrite[Symbol.asyncDispose](),
  };
  return client;
}

const given = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });

/** @throws SubnetCallError */
function fieldsOf<T>(
  called:
    | { readonly kind: "ok"; readonly fields: T }
    | {
        readonly kind: "failure";
        readonly status: number | null;
        readonly message: string | null;
        readonly error?: Error;
      },
): T {
  if (called.kind === "ok") {
    return called.fields;
  }
  const { status, message, error } = called;
  throw new SubnetCallError(status, message ?? "the validator gave no reason", { cause: error });
}

function statusOf(status: number | null, results: string | null): SubnetStatus {
  switch (status) {
    case generationStatus.inQueue:
      return { kind: "queued" };
    case generationStatus.inProgress:
      return { kind: "in-progress" };
    case generationStatus.done:
      return { kind: "done", bytes: Buffer.from(results ?? "", "base64") };
    case generationStatus.rateLimited:
      return { kind: "too-early" };
    case generationStatus.failed:
      return { kind: "failed" };
    case generationStatus.notFound:
      return { kind: "not-found" };
    default:
      throw new SubnetCallError(200, `the validator answered with the unknown status ${status}`);
  }
}
