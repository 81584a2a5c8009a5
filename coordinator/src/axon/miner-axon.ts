/** The axon that miners see: PullTask and SubmitResults, attached to the subnet's rules. */
import {
  type Axon,
  type AxonCall,
  type AxonEvent,
  type NonceStore,
  route,
  startAxon,
} from "@turntable/bittensor/axon";
import type { Keypair } from "@turntable/bittensor/keys";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import type { MinerProtocol, Results } from "./miner-protocol.ts";

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
  readonly nonces: NonceStore;
  /** Largest body of SubmitResults, in bytes. */
  readonly maxSubmissionBytes: number;
  readonly onRequest: (event: AxonEvent) => void;
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
  const { protocol } = options;
  const stopping = new AbortController();
  const blacklist = ({ hotkey }: { readonly hotkey: string }) =>
    options.isRegistered(hotkey) ? undefined : "Unrecognized hotkey";
  const axon = await startAxon({
    hotkey: options.hotkey,
    host: options.host,
    port: options.port,
    nonces: options.nonces,
    onRequest: options.onRequest,
    routes: [
      route(pullTask, { blacklist, handle: ({ hotkey }) => ({ ...protocol.pull(hotkey) }) }),
      route(
        { ...submitResults, maxBodyBytes: options.maxSubmissionBytes },
        {
          blacklist,
          admit: ({ hotkey }) => (options.hasAssignment(hotkey) ? undefined : "No task assigned"),
          async handle(call) {
            const answer = await protocol.submit(
              call.hotkey,
              resultsOf(call),
              AbortSignal.any([
                call.signal,
                stopping.signal,
                AbortSignal.timeout(patienceMs(call.timeoutS)),
              ]),
            );
            return { ...answer };
          },
        },
      ),
    ],
  });
  return {
    port: axon.port,
    hotkey: axon.hotkey,
    [Symbol.asyncDispose]() {
      // Whoever waits for a verdict is answered without one, and asks again.
      stopping.abort();
      return axon[Symbol.asyncDispose]();
    },
  };
}

function resultsOf({ fields }: AxonCall<typeof submitResults>): Results {
  return {
    taskId: fields.task_id || (fields.task?.id ?? ""),
    prompt: fields.task?.prompt || undefined,
    results: fields.results,
    // What miners of 2024 and 2025 mean when they do not say.
    dataFormat: fields.data_format ?? "ply",
    dataVersion: fields.data_ver ?? 0,
    compression: fields.compression ?? 0,
    submitTime: fields.submit_time,
    signature: fields.signature,
  };
}

function patienceMs(timeoutS: number | undefined): number {
  const seconds = Math.min(timeoutS ?? submitTimeoutS, submitTimeoutS);
  // A caller in a hurry gets at least half of its time.
  return 1000 * Math.max(seconds - answerEarlyS, seconds / 2);
}
