/**
 * The chain in memory: the ledger with a clock, behind the `Chain` interface. Calls take effect in the current block at
 * once, so nobody has to make a block to see them.
 */
import { EventEmitter, on } from "node:events";
import { ipFromChain, ipToChain } from "./address.ts";
import { explainError } from "./errors.ts";
import {
  createLedger,
  type Ledger,
  type LedgerHyperparameters,
  type LedgerResult,
  type LedgerSubnet,
  uidOf,
} from "./ledger.ts";
import { type Chain, ChainError, type ChainOutcome } from "./types.ts";

export interface LocalChainOptions {
  /** ms of a block; undefined: blocks come by `advance` only. */
  readonly blockMs?: number;
  readonly subnets?: readonly {
    readonly netuid: number;
    readonly hyperparameters?: Partial<LedgerHyperparameters>;
  }[];
  /** Takes 127.0.0.1 for an axon, which the real chain refuses. */
  readonly allowLoopback?: boolean;
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
  setHyperparameters(netuid: number, changed: Partial<LedgerHyperparameters>): void;
  /** Makes blocks at once and returns the number of the last. */
  advance(blocks?: number): number;
  /** The weights on chain that a uid has set, by uid; empty when none. */
  weightsOf(netuid: number, uid: number): ReadonlyMap<number, number>;
  /** Calls back within each new block, before anybody else hears of it. @returns what ends that */
  onBlock(listener: (block: number) => void): () => void;
  /** The state itself, for other faces of this chain. */
  readonly ledger: Ledger;
}

export function createLocalChain(options: LocalChainOptions = {}): LocalChain {
  const ledger = createLedger({ allowLoopback: options.allowLoopback ?? false });
  for (const { netuid, hyperparameters = {} } of options.subnets ?? [{ netuid: 17 }])
    ledger.addSubnet(netuid, hyperparameters);
  const events = new EventEmitter().setMaxListeners(0);
  const stop = new AbortController();

  const listeners = new Set<(block: number) => void>();
  const advance = (blocks = 1): number => {
    for (let made = 0; made < blocks; made += 1) {
      const block = ledger.advance();
      for (const listener of listeners) listener(block);
      events.emit("block", block);
    }
    return ledger.block;
  };
  // The clock alone keeps no process alive.
  const timer =
    options.blockMs === undefined ? undefined : setInterval(advance, options.blockMs).unref();

  const subnetOf = (netuid: number): LedgerSubnet => {
    const subnet = ledger.subnets.get(netuid);
    if (subnet === undefined) throw new ChainError(`the local chain has no subnet ${netuid}`);
    return subnet;
  };
  const outcome = (result: LedgerResult): ChainOutcome =>
    result.kind === "done"
      ? { kind: "included", block: ledger.block, revealRound: undefined }
      : { kind: "refused", name: result.error, message: explainError(result.error) };

  return {
    name: "local",
    ledger,
    blockNumber: async () => ledger.block,
    async *blocks(signal) {
      const end = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      if (end.aborted) return;
      try {
        for await (const [block] of on(events, "block", { signal: end })) yield Number(block);
      } catch (error) {
        if (!end.aborted) throw error;
      }
    },
    async metagraph(netuid) {
      const subnet = subnetOf(netuid);
      return {
        netuid,
        block: ledger.block,
        neurons: subnet.neurons.map((neuron, uid) => {
          const axon = subnet.axons.get(neuron.hotkey);
          return {
            uid,
            hotkey: neuron.hotkey,
            coldkey: neuron.coldkey,
            stakeTao: ledger.stakeTaoOf(neuron.hotkey),
            validatorPermit: neuron.validatorPermit,
            lastUpdate: neuron.lastUpdate,
            incentive: neuron.incentive,
            axon: axon === undefined ? undefined : { ip: ipFromChain(axon), port: axon.port },
          };
        }),
      };
    },
    uidOf: async (netuid, hotkey) => uidOf(subnetOf(netuid), hotkey),
    hyperparameters: async (netuid) => subnetOf(netuid).hyperparameters,
    async serveAxon({ netuid, hotkey, address, version = 9_009_000 }) {
      const { ip, ipType } = ipToChain(address.ip);
      const known = subnetOf(netuid).axons.get(hotkey.ss58);
      if (known?.ip === ip && known.port === address.port && known.version === version)
        return { kind: "unchanged" };
      return outcome(
        ledger.serveAxon(hotkey.ss58, {
          netuid,
          version,
          ip,
          ipType,
          port: address.port,
          protocol: 4,
        }),
      );
    },
    async setWeights({ netuid, hotkey, weights, versionKey }) {
      return outcome(
        ledger.setWeights(hotkey.ss58, {
          netuid,
          mechanism: 0,
          uids: weights.map(({ uid }) => uid),
          values: weights.map(({ weight }) => weight),
          versionKey: BigInt(versionKey),
        }),
      );
    },
    register({ netuid, hotkey, coldkey = hotkey, stakeTao }) {
      const uid = ledger.register(netuid, hotkey, coldkey);
      if (stakeTao !== undefined) ledger.setStake(hotkey, stakeTao);
      return uid;
    },
    setStake: (hotkey, stakeTao) => ledger.setStake(hotkey, stakeTao),
    setHyperparameters(netuid, changed) {
      const subnet = subnetOf(netuid);
      subnet.hyperparameters = { ...subnet.hyperparameters, ...changed };
    },
    advance,
    onBlock(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    weightsOf: (netuid, uid) => subnetOf(netuid).neurons[uid]?.weights ?? new Map(),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      stop.abort();
    },
  };
}
