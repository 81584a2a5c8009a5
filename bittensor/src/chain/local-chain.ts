import type { Chain, Hyperparameters } from "./types.ts";

export interface LocalChainOptions {
  /** ms of a block; undefined: blocks come by `advance` only. */
  readonly blockMs?: number;
  readonly subnets?: readonly {
    readonly netuid: number;
    readonly hyperparameters?: Partial<Hyperparameters>;
  }[];
}

export interface Registration {
  readonly netuid: number;
  readonly hotkey: string;
  /** The hotkey itself by default. */
  readonly coldkey?: string;
  readonly stakeTao?: number;
}

/** A chain in memory with the real one's checks and errors, for laptops and tests. */
export interface LocalChain extends Chain {
  /** Registers a hotkey and returns its uid; the one it has when it is registered already. */
  register(registration: Registration): number;
  setStake(hotkey: string, stakeTao: number): void;
  /** Makes blocks at once. */
  advance(blocks?: number): number;
  /** The weights on chain that a uid has set, by uid; empty when none. */
  weightsOf(netuid: number, uid: number): ReadonlyMap<number, number>;
}

export function createLocalChain(options: LocalChainOptions = {}): LocalChain {
  throw new Error(`the local chain (${options.blockMs} ms) is not there yet`);
}
