/** The axon that miners see, and clients of the subnet's public API of 2024, attached to the subnet's rules. */
import {
  type Axon,
  type AxonCall,
  AxonError,
  type AxonEvent,
  type AxonLimits,
  type AxonThreads,
  type NonceStore,
  type Refusal,
  route,
  startAxon,
} from "@turntable/bittensor/axon";
import type { Keypair } from "@turntable/bittensor/keys";
import {
  generate,
  getVersion,
  pullTask,
  statusCheck,
  submitResults,
  verdictHistory,
} from "@turntable/bittensor/synapse";
import { NotReplicatedError, StorageFullError } from "../tasks/index.ts";
import type { MinerProtocol } from "./miner-protocol.ts";
import type { OwnHistory } from "./own-history.ts";
import type { PublicApi } from "./public-api.ts";
import type { Results } from "./results.ts";

export interface MinerAxonOptions {
  /** The validator's on this axon. */
  readonly hotkey: Keypair;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly protocol: MinerProtocol;
  readonly isRegistered: (hotkey: string) => boolean;
  /** Whether the miner ever got a task; others' submissions are refused before their bodies are read. */
  readonly hasAssignment: (hotkey: string) => boolean;
  /** Why no submission can be taken now; undefined when they are. */
  readonly takesNothing: () => string | undefined;
  /** Why no task of a client can be taken now; undefined when they are. */
  readonly takesNoTasks: () => string | undefined;
  readonly publicApi: PublicApi;
  /** What miners may know of themselves. */
  readonly ownHistory: OwnHistory;
  /** What is told of our version ... */
  readonly version: { readonly version: number; readonly validation_version: string };
  /** ... to those that have the stake for it. */
  readonly mayAskVersion: (hotkey: string) => boolean;
  readonly nonces: NonceStore;
  /** Resolves when whatever was committed before may be told; throws when it may not. */
  readonly settled: () => Promise<void>;
  /** Largest body of SubmitResults, in bytes. */
  readonly maxSubmissionBytes: number;
  readonly limits: Partial<AxonLimits>;
  readonly threads: AxonThreads;
  readonly onRequest: (event: AxonEvent) => void;
  readonly onRefused: (refusal: Refusal) => void;
}

/** How long a caller waits for SubmitResults when it does not say, and the most that we believe, in seconds. */
const submitTimeoutS = 300;
/** The answer goes out this long before the caller gives up, in seconds. */
const answerEarlyS = 15;

/**
 * Starts the axon. Disposing it answers whoever waits for a verdict without one.
 * @throws when the port cannot be had
 */
export async function startMinerAxon(options: MinerAxonOptions): Promise<Axon> {
  const { protocol, publicApi, ownHistory } = options;
  const stopping = new AbortController();
  /** A disk that got full in the middle is no bug, nor is another coordinator that leads: the miner comes again. */
  const answer = async <Result>(work: () => Result | Promise<Result>): Promise<Result> => {
    try {
      const result = await work();
      await options.settled();
      return result;
    } catch (error) {
      if (error instanceof StorageFullError || error instanceof NotReplicatedError) {
        throw unavailable(error.message, error);
      }
      throw error;
    }
  };
  const strangers = ({ hotkey }: { readonly hotkey: string }) => publicApi.stranger(hotkey);
  const blacklist = ({ hotkey }: { readonly hotkey: string }) =>
    options.isRegistered(hotkey) ? undefined : "Unrecognized hotkey";
  const axon = await startAxon({
    hotkey: options.hotkey,
    host: options.host,
    port: options.port,
    nonces: options.nonces,
    limits: options.limits,
    threads: options.threads,
    onRequest: options.onRequest,
    onRefused: options.onRefused,
    routes: [
      route(pullTask, {
        blacklist,
        admit: ({ hotkey }) => protocol.pullRefusal(hotkey),
        handle: ({ hotkey }) => answer(() => ({ ...protocol.pull(hotkey) })),
      }),
      route(
        { ...submitResults, maxBodyBytes: options.maxSubmissionBytes, payload: "results" },
        {
          blacklist,
          admit: ({ hotkey }) => (options.hasAssignment(hotkey) ? undefined : "No task assigned"),
          async handle(call) {
            mustTake(options.takesNothing());
            const signal = AbortSignal.any([
              call.signal,
              stopping.signal,
              AbortSignal.timeout(patienceMs(call.timeoutS)),
            ]);
            return answer(async () => ({
              ...(await protocol.submit(call.hotkey, resultsOf(call), signal)),
            }));
          },
        },
      ),
      route(getVersion, {
        blacklist: ({ hotkey }) =>
          options.mayAskVersion(hotkey) ? undefined : "Not enough stake to ask for the version",
        handle: () => ({ ...options.version }),
      }),
      route(verdictHistory, {
        blacklist,
        admit: ({ hotkey }) => ownHistory.limited(hotkey),
        handle: ({ hotkey, fields }) =>
          answer(() => ({ ...ownHistory.page(hotkey, fields.limit, fields.before) })),
      }),
      route(generate, {
        blacklist: strangers,
        admit: ({ hotkey }) => publicApi.limited(hotkey),
        handle({ hotkey, fields }) {
          mustTake(options.takesNoTasks());
          return answer(() => ({ ...publicApi.generate(hotkey, fields.prompt) }));
        },
      }),
      route(statusCheck, {
        blacklist: strangers,
        handle: ({ hotkey, fields }) =>
          answer(async () => ({ ...(await publicApi.status(hotkey, fields.task_id)) })),
      }),
    ],
  });
  return {
    port: axon.port,
    hotkey: axon.hotkey,
    get connections() {
      return axon.connections;
    },
    [Symbol.asyncDispose]() {
      // Whoever waits for a verdict is answered without one, and asks again.
      stopping.abort();
      return axon[Symbol.asyncDispose]();
    },
  };
}

/** @param reason why nothing can be taken; undefined when it can */
function mustTake(reason: string | undefined): void {
  if (reason !== undefined) {
    throw unavailable(reason);
  }
}

function unavailable(reason: string, cause?: unknown): AxonError {
  return new AxonError(503, `Nothing can be taken now, ${reason}; try again later`, { cause });
}

function resultsOf(call: AxonCall<typeof submitResults>): Results {
  const { fields } = call;
  return {
    taskId: fields.task_id || (fields.task?.id ?? ""),
    prompt: fields.task?.prompt || undefined,
    asset: call.payload ?? { kind: "malformed" },
    release: call.releaseBody,
    // What miners of 2024 and 2025 mean when they do not say.
    dataFormat: fields.data_format ?? "ply",
    dataVersion: fields.data_ver ?? 0,
    compression: fields.compression ?? 0,
    submitTime: fields.submit_time,
    signature: fields.signature,
    hasSigned: call.hasSigned,
  };
}

/** Whole ms that a caller is kept waiting, whatever number it says. */
export function patienceMs(timeoutS: number | undefined): number {
  const seconds = Math.max(0, Math.min(timeoutS ?? submitTimeoutS, submitTimeoutS));
  // A caller in a hurry gets at least half of its time.
  return Math.round(1000 * Math.max(seconds - answerEarlyS, seconds / 2));
}
