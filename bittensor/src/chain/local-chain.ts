/**
 * The chain in memory: the ledger with a clock, behind the `Chain` interface. Calls take effect in the current block at
 * once, so nobody has to make a block to see them.
 */
import { EventEmitter, on } from "node:events";
import { ss58Of } from "../keys/index.ts";
import { sdkVersionNumber } from "../synapse/index.ts";
import { ipFromChain, ipToChain } from "./address.ts";
import { explainError } from "./errors.ts";
import {
  type CommitCall,
  createLedger,
  type Ledger,
  type LedgerCommit,
  type LedgerHyperparameters,
  type LedgerResult,
  type LedgerSubnet,
  uidOf,
} from "./ledger.ts";
import { type Beacon, createBeacon } from "./local-beacon.ts";
import {
  type CommitPayload,
  decodePayload,
  decryptWithSignature,
  encodePayload,
  encryptToRound,
  statefulRound,
  TimelockError,
} from "./timelock/index.ts";
import { type Chain, ChainError, type ChainOutcome, type SetWeights } from "./types.ts";

export interface LocalChainOptions {
  /** ms of a block; undefined: blocks come by `advance` only. */
  readonly blockMs?: number;
  readonly subnets?: readonly {
    readonly netuid: number;
    readonly hyperparameters?: Partial<LedgerHyperparameters>;
  }[];
  /** Takes 127.0.0.1 for an axon, which the real chain refuses. */
  readonly allowLoopback?: boolean;
  /** Told of weights that were committed in vain, as soon as that is known; the real chain never says so. */
  readonly onLostCommit?: (lost: LostCommit) => void;
}

/** A commit whose weights are never set. */
export interface LostCommit {
  readonly netuid: number;
  readonly hotkey: string;
  /** "committed": it can be told already; "epoch": it was dropped just now. */
  readonly when: "committed" | "epoch";
  readonly reason: string;
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
  /** Commits weights from outside, and tells when they can't be opened here. */
  commitWeights(hotkey: string, call: CommitCall, lastDrandRound: bigint): LedgerResult;
  /** The weights on chain that a uid has set, by uid; empty when none. */
  weightsOf(netuid: number, uid: number): ReadonlyMap<number, number>;
  /** Calls back within each new block, before anybody else hears of it. @returns what ends that */
  onBlock(listener: (block: number) => void): () => void;
  /** Reveals this chain's commits, in the epoch that is due; clients from outside encrypt to its key. */
  readonly beacon: Beacon;
  /** The state itself, for other faces of this chain. */
  readonly ledger: Ledger;
}

export function createLocalChain(options: LocalChainOptions = {}): LocalChain {
  const ledger = createLedger({ allowLoopback: options.allowLoopback ?? false });
  for (const { netuid, hyperparameters = {} } of options.subnets ?? [{ netuid: 17 }]) {
    ledger.addSubnet(netuid, hyperparameters);
  }
  const beacon = createBeacon();
  const onLostCommit = options.onLostCommit ?? (() => undefined);
  const events = new EventEmitter().setMaxListeners(0);
  const stop = new AbortController();

  const listeners = new Set<(block: number) => void>();
  const advance = (blocks = 1): number => {
    for (let made = 0; made < blocks; made += 1) {
      const block = ledger.advance();
      for (const subnet of ledger.subnets.values()) {
        revealDue(ledger, beacon, subnet, onLostCommit);
      }
      for (const listener of listeners) {
        listener(block);
      }
      events.emit("block", block);
    }
    return ledger.block;
  };
  // The clock alone keeps no process alive.
  const timer =
    options.blockMs === undefined ? undefined : setInterval(advance, options.blockMs).unref();

  const subnetOf = (netuid: number): LedgerSubnet => {
    const subnet = ledger.subnets.get(netuid);
    if (subnet === undefined) {
      throw new ChainError(`the local chain has no subnet ${netuid}`);
    }
    return subnet;
  };
  const outcome = (result: LedgerResult): ChainOutcome =>
    result.kind === "done"
      ? { kind: "included", block: ledger.block, revealRound: undefined }
      : { kind: "refused", name: result.error, message: explainError(result.error) };

  const commit = (subnet: LedgerSubnet, set: SetWeights): ChainOutcome => {
    const { hyperparameters, lastEpochBlock, epochIndex: subnetEpochIndex } = subnet;
    const payload = encodePayload({
      publicKey: set.hotkey.publicKey,
      uids: set.weights.map(({ uid }) => uid),
      values: set.weights.map(({ weight }) => weight),
      versionKey: BigInt(set.versionKey),
    });
    const { block } = ledger;
    const blocksSinceLastStep = block - lastEpochBlock;
    const { tempo, commitRevealPeriod, commitRevealVersion } = hyperparameters;
    const revealRound = statefulRound(
      { lastEpochBlock, pendingEpochAt: 0, subnetEpochIndex, tempo, blocksSinceLastStep, block },
      {
        periodEpochs: commitRevealPeriod,
        blockTimeS: (options.blockMs ?? 12_000) / 1000,
        nowS: Date.now() / 1000,
      },
    );
    const result = commitWeights(
      set.hotkey.ss58,
      {
        netuid: set.netuid,
        mechanism: 0,
        commit: encryptToRound(payload, revealRound, { publicKey: beacon.publicKey }),
        revealRound,
        version: commitRevealVersion,
      },
      0n,
    );
    return result.kind === "done" ? { kind: "included", block, revealRound } : outcome(result);
  };

  const commitWeights = (
    hotkey: string,
    call: CommitCall,
    lastDrandRound: bigint,
  ): LedgerResult => {
    const result = ledger.commitWeights(hotkey, call, lastDrandRound);
    if (result.kind === "done") {
      const opened = openCommit(beacon, { ...call, hotkey });
      if (typeof opened === "string") {
        onLostCommit({ netuid: call.netuid, hotkey, when: "committed", reason: opened });
      }
    }
    return result;
  };

  return {
    name: "local",
    beacon,
    ledger,
    blockNumber: async () => ledger.block,
    async *blocks(signal) {
      const end = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      if (end.aborted) {
        return;
      }
      try {
        for await (const [block] of on(events, "block", { signal: end })) {
          yield Number(block);
        }
      } catch (error) {
        if (!end.aborted) {
          throw error;
        }
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
    weights: async (netuid, uid) => subnetOf(netuid).neurons[uid]?.weights ?? new Map(),
    async serveAxon({ netuid, hotkey, address, version = sdkVersionNumber("9.9.0") }) {
      const { ip, ipType } = ipToChain(address.ip);
      const known = subnetOf(netuid).axons.get(hotkey.ss58);
      if (known?.ip === ip && known.port === address.port && known.version === version) {
        return { kind: "unchanged" };
      }
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
    async setWeights(set) {
      const subnet = subnetOf(set.netuid);
      if (subnet.hyperparameters.commitRevealEnabled) {
        return commit(subnet, set);
      }
      return outcome(
        ledger.setWeights(set.hotkey.ss58, {
          netuid: set.netuid,
          mechanism: 0,
          uids: set.weights.map(({ uid }) => uid),
          values: set.weights.map(({ weight }) => weight),
          versionKey: BigInt(set.versionKey),
        }),
      );
    },
    register({ netuid, hotkey, coldkey = hotkey, stakeTao }) {
      const uid = ledger.register(netuid, hotkey, coldkey);
      if (stakeTao !== undefined) {
        ledger.setStake(hotkey, stakeTao);
      }
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
    commitWeights,
    weightsOf: (netuid, uid) => subnetOf(netuid).neurons[uid]?.weights ?? new Map(),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      stop.abort();
    },
  };
}

/** Opens the commits whose epoch has come, and sets their weights; what can't be is dropped. */
function revealDue(
  ledger: Ledger,
  beacon: Beacon,
  subnet: LedgerSubnet,
  onLostCommit: (lost: LostCommit) => void,
): void {
  const { commitRevealPeriod } = subnet.hyperparameters;
  const isDue = ({ epoch }: LedgerCommit): boolean =>
    subnet.epochIndex >= epoch + BigInt(commitRevealPeriod);
  const due = subnet.commits.filter(isDue);
  if (due.length === 0) {
    return;
  }
  subnet.commits = subnet.commits.filter((commit) => !isDue(commit));
  const { netuid } = subnet;
  for (const commit of due) {
    const { hotkey } = commit;
    const opened = openCommit(beacon, commit);
    const result =
      typeof opened === "string"
        ? opened
        : ledger.revealWeights(hotkey, { ...opened, netuid, mechanism: 0 });
    const reason =
      typeof result === "string"
        ? result
        : result.kind === "refused"
          ? explainError(result.error)
          : undefined;
    if (reason !== undefined) {
      onLostCommit({ netuid, hotkey, when: "epoch", reason });
    }
  }
}

/** What a commit holds, or why the chain drops it. */
function openCommit(
  beacon: Beacon,
  { hotkey, commit, revealRound }: Pick<LedgerCommit, "hotkey" | "commit" | "revealRound">,
): CommitPayload | string {
  try {
    const payload = decodePayload(decryptWithSignature(commit, beacon.sign(revealRound)));
    return ss58Of(payload.publicKey) === hotkey
      ? payload
      : "the commit was made by another key than the one that sent it";
  } catch (error) {
    if (!(error instanceof TimelockError || error instanceof RangeError)) {
      throw error;
    }
    return "the commit is not encrypted to this chain's beacon (the SDKs encrypt to drand's quicknet)";
  }
}
