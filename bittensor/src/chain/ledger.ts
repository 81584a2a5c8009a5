/**
 * The state machine of the local chain: registrations, axons, weights and commits of some subnets, with the real
 * chain's checks in the real chain's order and its names for errors. Time is the block number; nothing here waits.
 */
import { isServable } from "./address.ts";
import type { Hyperparameters } from "./types.ts";

/** Names of errors as the runtime's metadata has them. */
export type LedgerError =
  | "CanNotSetRootNetworkWeights"
  | "CommitRevealDisabled"
  | "CommitRevealEnabled"
  | "CommittingWeightsTooFast"
  | "DuplicateUids"
  | "HotKeyNotRegisteredInNetwork"
  | "HotKeyNotRegisteredInSubNet"
  | "IncorrectCommitRevealVersion"
  | "IncorrectWeightVersionKey"
  | "InvalidIpAddress"
  | "InvalidIpType"
  | "InvalidPort"
  | "InvalidRevealRound"
  | "MaxWeightExceeded"
  | "MechanismDoesNotExist"
  | "NeuronNoValidatorPermit"
  | "NotEnoughStakeToSetWeights"
  | "ServingRateLimitExceeded"
  | "SettingWeightsTooFast"
  | "SubnetNotExists"
  | "TooManyUnrevealedCommits"
  | "UidVecContainInvalidOne"
  | "UidsLengthExceedUidsInSubNet"
  | "WeightVecLengthIsLow"
  | "WeightVecNotEqualSize";

export type LedgerResult =
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly error: LedgerError };

export interface LedgerHyperparameters extends Hyperparameters {
  /** TAO that a hotkey needs to set weights. */
  readonly stakeThresholdTao: number;
  /** Neurons with the most stake that have a permit. */
  readonly maxValidators: number;
  /** The only commit version that is taken. */
  readonly commitRevealVersion: number;
}

export interface LedgerNeuron {
  readonly hotkey: string;
  readonly coldkey: string;
  readonly registeredAt: number;
  lastUpdate: number;
  validatorPermit: boolean;
  incentive: number;
  /** u16 by uid, upscaled so that the largest is 65535. */
  weights: ReadonlyMap<number, number>;
}

export interface LedgerAxon {
  readonly block: number;
  readonly version: number;
  readonly ip: bigint;
  readonly port: number;
  readonly ipType: number;
  readonly protocol: number;
}

export interface LedgerCommit {
  readonly hotkey: string;
  readonly commit: Uint8Array;
  readonly revealRound: bigint;
  readonly block: number;
  readonly epoch: bigint;
}

export interface LedgerSubnet {
  readonly netuid: number;
  hyperparameters: LedgerHyperparameters;
  /** By uid. */
  readonly neurons: LedgerNeuron[];
  readonly axons: Map<string, LedgerAxon>;
  commits: readonly LedgerCommit[];
  lastEpochBlock: number;
  epochIndex: bigint;
}

export interface WeightsCall {
  readonly netuid: number;
  readonly mechanism: number;
  readonly uids: readonly number[];
  readonly values: readonly number[];
  readonly versionKey: bigint;
}

export interface ServeCall extends Omit<LedgerAxon, "block"> {
  readonly netuid: number;
}

export interface CommitCall {
  readonly netuid: number;
  readonly mechanism: number;
  readonly commit: Uint8Array;
  readonly revealRound: bigint;
  readonly version: number;
}

export interface Ledger {
  readonly block: number;
  readonly subnets: ReadonlyMap<number, LedgerSubnet>;
  stakeTaoOf(hotkey: string): number;
  setStake(hotkey: string, tao: number): void;
  addSubnet(netuid: number, hyperparameters: Partial<LedgerHyperparameters>): LedgerSubnet;
  register(netuid: number, hotkey: string, coldkey: string): number;
  serveAxon(hotkey: string, call: ServeCall): LedgerResult;
  setWeights(hotkey: string, call: WeightsCall): LedgerResult;
  commitWeights(hotkey: string, call: CommitCall, lastDrandRound: bigint): LedgerResult;
  /** Weights that a commit held, applied with the rules of setting them; commit-reveal and rate limit aside. */
  revealWeights(hotkey: string, call: WeightsCall): LedgerResult;
  /** The next block; epochs of subnets happen in it. */
  advance(): number;
}

/** Subnet 17's values, where the chain's own defaults would not suit it. */
export const defaultHyperparameters: LedgerHyperparameters = {
  tempo: 360,
  weightsRateLimit: 100,
  weightsVersion: 0,
  minAllowedWeights: 1,
  maxWeightsLimit: 65535,
  commitRevealEnabled: false,
  commitRevealPeriod: 1,
  servingRateLimit: 50,
  maxUids: 256,
  immunityPeriod: 5000,
  stakeThresholdTao: 1000,
  maxValidators: 64,
  commitRevealVersion: 4,
};

/** Unrevealed commits of one hotkey in one epoch. */
const maxUnrevealedCommits = 10;

export function createLedger(options: { readonly allowLoopback: boolean }): Ledger {
  const subnets = new Map<number, LedgerSubnet>();
  const stakes = new Map<string, number>();
  // Not 0, which the chain takes for "never" in several places.
  let block = 1;

  const stakeTaoOf = (hotkey: string): number => stakes.get(hotkey) ?? 0;

  const updatePermits = (subnet: LedgerSubnet): void => {
    const ranked = subnet.neurons
      .filter((neuron) => stakeTaoOf(neuron.hotkey) > 0)
      .toSorted((a, b) => stakeTaoOf(b.hotkey) - stakeTaoOf(a.hotkey))
      .slice(0, subnet.hyperparameters.maxValidators);
    const permitted = new Set(ranked);
    for (const neuron of subnet.neurons) {
      neuron.validatorPermit = permitted.has(neuron);
    }
  };

  /** The checks that setting and revealing weights share, from the version key on; stores the weights. */
  const applyWeights = (subnet: LedgerSubnet, uid: number, call: WeightsCall): LedgerResult => {
    const { hyperparameters, neurons } = subnet;
    const neuron = neurons[uid];
    if (neuron === undefined) {
      return refused("HotKeyNotRegisteredInSubNet");
    }
    const { uids, values } = call;
    const isSelfWeight = uids.length === 1 && uids[0] === uid;
    if (!neuron.validatorPermit && !isSelfWeight) {
      return refused("NeuronNoValidatorPermit");
    }
    if (new Set(uids).size !== uids.length) {
      return refused("DuplicateUids");
    }
    if (uids.some((target) => target >= neurons.length)) {
      return refused("UidVecContainInvalidOne");
    }
    const least = Math.min(neurons.length, hyperparameters.minAllowedWeights);
    if (uids.length < least && !isSelfWeight) {
      return refused("WeightVecLengthIsLow");
    }
    const upscaled = upscale(values);
    if (!isSelfWeight && exceedsLimit(upscaled, hyperparameters.maxWeightsLimit)) {
      return refused("MaxWeightExceeded");
    }
    neuron.weights = new Map(uids.map((target, index) => [target, upscaled[index] ?? 0]));
    return done;
  };

  const weightsCaller = (
    hotkey: string,
    call: WeightsCall,
  ): { readonly subnet: LedgerSubnet; readonly uid: number } | LedgerError => {
    if (call.netuid === 0) {
      return "CanNotSetRootNetworkWeights";
    }
    if (call.uids.length !== call.values.length) {
      return "WeightVecNotEqualSize";
    }
    const subnet = subnets.get(call.netuid);
    if (subnet === undefined) {
      return "SubnetNotExists";
    }
    if (call.mechanism !== 0) {
      return "MechanismDoesNotExist";
    }
    if (call.uids.length > subnet.neurons.length) {
      return "UidsLengthExceedUidsInSubNet";
    }
    const uid = uidOf(subnet, hotkey);
    if (uid === undefined) {
      return "HotKeyNotRegisteredInSubNet";
    }
    const { stakeThresholdTao, weightsVersion } = subnet.hyperparameters;
    if (stakeTaoOf(hotkey) < stakeThresholdTao) {
      return "NotEnoughStakeToSetWeights";
    }
    if (weightsVersion !== 0 && call.versionKey < BigInt(weightsVersion)) {
      return "IncorrectWeightVersionKey";
    }
    return { subnet, uid };
  };

  const isTooFast = (subnet: LedgerSubnet, uid: number): boolean => {
    const last = subnet.neurons[uid]?.lastUpdate ?? 0;
    return last !== 0 && block - last < subnet.hyperparameters.weightsRateLimit;
  };

  const runEpoch = (subnet: LedgerSubnet): void => {
    subnet.lastEpochBlock = block;
    subnet.epochIndex += 1n;
    updatePermits(subnet);
    // The stake-weighted mean of the weights; the real chain's consensus clips outliers besides.
    const shares = new Map<number, number>();
    for (const neuron of subnet.neurons) {
      const sum = Array.from(neuron.weights.values()).reduce((total, value) => total + value, 0);
      if (sum === 0 || !neuron.validatorPermit) {
        continue;
      }
      const stake = stakeTaoOf(neuron.hotkey);
      for (const [uid, value] of neuron.weights) {
        shares.set(uid, (shares.get(uid) ?? 0) + (stake * value) / sum);
      }
    }
    const total = Array.from(shares.values()).reduce((sum, value) => sum + value, 0);
    for (const [uid, neuron] of subnet.neurons.entries()) {
      neuron.incentive = total === 0 ? 0 : (shares.get(uid) ?? 0) / total;
    }
  };

  return {
    get block() {
      return block;
    },
    subnets,
    stakeTaoOf,
    setStake(hotkey, tao) {
      stakes.set(hotkey, tao);
      for (const subnet of subnets.values()) {
        updatePermits(subnet);
      }
    },
    addSubnet(netuid, hyperparameters) {
      const subnet: LedgerSubnet = {
        netuid,
        hyperparameters: { ...defaultHyperparameters, ...hyperparameters },
        neurons: [],
        axons: new Map(),
        commits: [],
        lastEpochBlock: block,
        epochIndex: 0n,
      };
      subnets.set(netuid, subnet);
      return subnet;
    },
    register(netuid, hotkey, coldkey) {
      const subnet = subnets.get(netuid);
      if (subnet === undefined) {
        throw new RangeError(`there is no subnet ${netuid}`);
      }
      const known = uidOf(subnet, hotkey);
      if (known !== undefined) {
        return known;
      }
      const uid =
        subnet.neurons.length < subnet.hyperparameters.maxUids
          ? subnet.neurons.length
          : uidToPrune(subnet, block);
      const replaced = subnet.neurons[uid];
      if (replaced !== undefined) {
        subnet.axons.delete(replaced.hotkey);
      }
      subnet.neurons[uid] = {
        hotkey,
        coldkey,
        registeredAt: block,
        lastUpdate: block,
        validatorPermit: false,
        incentive: 0,
        weights: new Map(),
      };
      updatePermits(subnet);
      return uid;
    },
    serveAxon(hotkey, call) {
      const isAnywhere = Array.from(subnets.values()).some(
        (subnet) => uidOf(subnet, hotkey) !== undefined,
      );
      if (!isAnywhere) {
        return refused("HotKeyNotRegisteredInNetwork");
      }
      const subnet = subnets.get(call.netuid);
      if (subnet === undefined) {
        return refused("SubnetNotExists");
      }
      if (call.ipType !== 4 && call.ipType !== 6) {
        return refused("InvalidIpType");
      }
      const isLoopback = call.ipType === 4 && call.ip === 0x7f000001n;
      if (!isServable(call) && !(isLoopback && options.allowLoopback)) {
        return refused("InvalidIpAddress");
      }
      const last = subnet.axons.get(hotkey);
      if (last !== undefined && block - last.block < subnet.hyperparameters.servingRateLimit) {
        return refused("ServingRateLimitExceeded");
      }
      if (call.port === 0) {
        return refused("InvalidPort");
      }
      const { version, ip, port, ipType, protocol } = call;
      subnet.axons.set(hotkey, { block, version, ip, port, ipType, protocol });
      return done;
    },
    setWeights(hotkey, call) {
      if (subnets.get(call.netuid)?.hyperparameters.commitRevealEnabled === true) {
        return refused("CommitRevealEnabled");
      }
      const caller = weightsCaller(hotkey, call);
      if (typeof caller === "string") {
        return refused(caller);
      }
      const { subnet, uid } = caller;
      if (isTooFast(subnet, uid)) {
        return refused("SettingWeightsTooFast");
      }
      const result = applyWeights(subnet, uid, call);
      const neuron = subnet.neurons[uid];
      if (result.kind === "done" && neuron !== undefined) {
        neuron.lastUpdate = block;
      }
      return result;
    },
    commitWeights(hotkey, call, lastDrandRound) {
      const subnet = subnets.get(call.netuid);
      if (subnet === undefined) {
        return refused("SubnetNotExists");
      }
      if (call.mechanism !== 0) {
        return refused("MechanismDoesNotExist");
      }
      const { hyperparameters } = subnet;
      if (!hyperparameters.commitRevealEnabled) {
        return refused("CommitRevealDisabled");
      }
      if (call.version !== hyperparameters.commitRevealVersion) {
        return refused("IncorrectCommitRevealVersion");
      }
      const uid = uidOf(subnet, hotkey);
      if (uid === undefined) {
        return refused("HotKeyNotRegisteredInSubNet");
      }
      if (stakeTaoOf(hotkey) < hyperparameters.stakeThresholdTao) {
        return refused("NotEnoughStakeToSetWeights");
      }
      if (isTooFast(subnet, uid)) {
        return refused("CommittingWeightsTooFast");
      }
      if (call.revealRound < lastDrandRound) {
        return refused("InvalidRevealRound");
      }
      const epoch = subnet.epochIndex;
      const unrevealed = subnet.commits.filter(
        (commit) => commit.hotkey === hotkey && commit.epoch === epoch,
      );
      if (unrevealed.length >= maxUnrevealedCommits) {
        return refused("TooManyUnrevealedCommits");
      }
      const { commit, revealRound } = call;
      subnet.commits = [...subnet.commits, { hotkey, commit, revealRound, block, epoch }];
      const neuron = subnet.neurons[uid];
      if (neuron !== undefined) {
        neuron.lastUpdate = block;
      }
      return done;
    },
    revealWeights(hotkey, call) {
      const caller = weightsCaller(hotkey, call);
      return typeof caller === "string"
        ? refused(caller)
        : applyWeights(caller.subnet, caller.uid, call);
    },
    advance() {
      block += 1;
      for (const subnet of subnets.values()) {
        if (block - subnet.lastEpochBlock >= subnet.hyperparameters.tempo) {
          runEpoch(subnet);
        }
      }
      return block;
    },
  };
}

/** undefined: not registered. */
export function uidOf(subnet: LedgerSubnet, hotkey: string): number | undefined {
  const uid = subnet.neurons.findIndex((neuron) => neuron.hotkey === hotkey);
  return uid === -1 ? undefined : uid;
}

const done: LedgerResult = { kind: "done" };

function refused(error: LedgerError): LedgerResult {
  return { kind: "refused", error };
}

/** The neuron that makes room: the least incentive, and of equals the oldest; the immune only if all are. */
function uidToPrune(subnet: LedgerSubnet, block: number): number {
  const entries = Array.from(subnet.neurons.entries());
  const { immunityPeriod } = subnet.hyperparameters;
  const mortal = entries.filter(([, neuron]) => block - neuron.registeredAt >= immunityPeriod);
  const [worst] = (mortal.length > 0 ? mortal : entries).toSorted(
    ([, a], [, b]) => a.incentive - b.incentive || a.registeredAt - b.registeredAt,
  );
  return worst?.[0] ?? 0;
}

function upscale(values: readonly number[]): readonly number[] {
  const largest = Math.max(0, ...values);
  return largest === 0 ? values : values.map((value) => Math.floor((value * 65535) / largest));
}

/** Whether one weight has a larger share of all than the limit allows. */
function exceedsLimit(values: readonly number[], limit: number): boolean {
  if (limit === 65535) {
    return false;
  }
  const sum = values.reduce((total, value) => total + value, 0);
  return sum > 0 && Math.max(...values) / sum > limit / 65535;
}
