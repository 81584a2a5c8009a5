import type { Keypair } from "../keys/index.ts";

export interface AxonAddress {
  readonly ip: string;
  readonly port: number;
}

export interface Neuron {
  readonly uid: number;
  readonly hotkey: string;
  readonly coldkey: string;
  /** TAO; `metagraph.S` of the Python SDK. */
  readonly stakeTao: number;
  readonly validatorPermit: boolean;
  /** Block of its latest weights, or of its registration. */
  readonly lastUpdate: number;
  /** 0 to 1 */
  readonly incentive: number;
  /** undefined when it serves none. */
  readonly axon: AxonAddress | undefined;
}

export interface Metagraph {
  readonly netuid: number;
  /** Number of the block whose state was read. */
  readonly block: number;
  /** All neurons of the subnet, by ascending uid. */
  readonly neurons: readonly Neuron[];
}

export interface Hyperparameters {
  /** Blocks of an epoch. */
  readonly tempo: number;
  /** Blocks between two settings of weights. */
  readonly weightsRateLimit: number;
  readonly weightsVersion: number;
  readonly minAllowedWeights: number;
  /** 0 to 65535; 65535 is no limit. */
  readonly maxWeightsLimit: number;
  /** Weights are committed, encrypted, and revealed by the chain. */
  readonly commitRevealEnabled: boolean;
  /** Epochs until the reveal. */
  readonly commitRevealPeriod: number;
  /** Blocks between two announcements of an axon. */
  readonly servingRateLimit: number;
  readonly maxUids: number;
  /** Blocks that a new neuron is safe from being replaced. */
  readonly immunityPeriod: number;
}

/** How something that was sent to the chain ended. */
export type ChainOutcome =
  | {
      readonly kind: "included";
      readonly block: number;
      /** The round whose signature reveals committed weights; undefined for everything else. */
      readonly revealRound: bigint | undefined;
    }
  /** The chain says so already; nothing was sent. */
  | { readonly kind: "unchanged" }
  /** The chain's or our own check said no: the error's name on the chain, e.g. SettingWeightsTooFast, explained. */
  | { readonly kind: "refused"; readonly name: string; readonly message: string }
  /** The connection broke after sending, or it was not included in time: it may or may not have happened. */
  | { readonly kind: "unknown"; readonly message: string };

export interface ServeAxon {
  readonly netuid: number;
  readonly hotkey: Keypair;
  /** As others reach it. */
  readonly address: AxonAddress;
  /** SDK version number to announce. */
  readonly version?: number;
}

export interface SetWeights {
  readonly netuid: number;
  readonly hotkey: Keypair;
  /** u16 weights by uid, as `weightsForChain` makes them. */
  readonly weights: readonly { readonly uid: number; readonly weight: number }[];
  readonly versionKey: number;
}

/** The chain, as a neuron needs it. Reads throw ChainError when it can't be reached. */
export interface Chain extends AsyncDisposable {
  /** What it is connected to, for logs. */
  readonly name: string;
  blockNumber(signal?: AbortSignal): Promise<number>;
  /** Numbers of new blocks, ascending; blocks that were missed are left out. Ends with the signal or the chain. */
  blocks(signal?: AbortSignal): AsyncIterable<number>;
  metagraph(netuid: number, signal?: AbortSignal): Promise<Metagraph>;
  /** undefined: not registered. */
  uidOf(netuid: number, hotkey: string, signal?: AbortSignal): Promise<number | undefined>;
  hyperparameters(netuid: number, signal?: AbortSignal): Promise<Hyperparameters>;
  /** The weights that a uid has on the chain, u16 by uid; empty when none, or they were not revealed yet. */
  weights(netuid: number, uid: number, signal?: AbortSignal): Promise<ReadonlyMap<number, number>>;
  /** Announces an axon, unless the chain has exactly that already. */
  serveAxon(serve: ServeAxon, signal?: AbortSignal): Promise<ChainOutcome>;
  /** Sets weights, or commits them where the subnet demands it. */
  setWeights(set: SetWeights, signal?: AbortSignal): Promise<ChainOutcome>;
}

/** The chain can't be reached or does not answer as expected. */
export class ChainError extends Error {
  override name = "ChainError";
}
