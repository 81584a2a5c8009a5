/** The ledger's state under the names of the real chain's storage. */
import type { LocalChain } from "../index.ts";
import { axonOf, raoPerTao } from "./records.ts";
import type { StorageEntry } from "./scale.ts";

type Key = readonly (number | string)[];

/** Storage of mechanism m of a subnet is kept under netuid + 4096 × m. */
const mechanismStep = 4096;

export interface ValueContext {
  readonly chain: LocalChain;
  /** Transactions of an account that are in blocks. */
  readonly nonceOf: (ss58: string) => number;
  readonly lastDrandRound: () => bigint;
  /** Unix ms */
  readonly now: () => number;
}

/** The keys that a map has now. */
export function keysOf({ chain }: ValueContext, { name }: StorageEntry): readonly Key[] {
  const { subnets } = chain.ledger;
  const all = Array.from(subnets.values());
  const neurons = all.flatMap(({ netuid, neurons }) =>
    neurons.map(({ hotkey, weights }, uid) => ({ netuid, uid, hotkey, weights })),
  );
  switch (name) {
    case "Uids":
      return neurons.map(({ netuid, hotkey }) => [netuid, hotkey]);
    case "IsNetworkMember":
      return neurons.map(({ netuid, hotkey }) => [hotkey, netuid]);
    case "Keys":
      return neurons.map(({ netuid, uid }) => [netuid, uid]);
    case "Weights":
      return neurons
        .filter(({ weights }) => weights.size > 0)
        .map(({ netuid, uid }) => [netuid, uid]);
    case "Axons":
      return all.flatMap(({ netuid, axons }) =>
        Array.from(axons.keys(), (hotkey) => [netuid, hotkey]),
      );
    case "NetworksAdded":
    case "TokenSymbol":
    case "AlphaSqrtPrice":
      return all.map(({ netuid }) => [netuid]);
    default:
      return [];
  }
}

/** What an item holds; undefined when nothing is stored there. */
export function storageValue(
  context: ValueContext,
  { pallet, name }: StorageEntry,
  key: Key,
): unknown {
  const { chain } = context;
  if (pallet === "System") {
    if (name === "Number") {
      return chain.ledger.block;
    }
    if (name === "Account") {
      return {
        nonce: context.nonceOf(String(key[0])),
        providers: 1,
        data: { free: 1_000_000_000_000n },
      };
    }
    return undefined;
  }
  if (pallet === "Timestamp") {
    return name === "Now" ? BigInt(context.now()) : undefined;
  }
  if (pallet === "Drand") {
    return name === "LastStoredRound" ? context.lastDrandRound() : undefined;
  }
  // A price of 1 TAO, in 64 bits and 64 of fraction
  if (pallet === "Swap") {
    return name === "AlphaSqrtPrice" && chain.ledger.subnets.has(Number(key[0]))
      ? 1n << 64n
      : undefined;
  }
  if (pallet !== "SubtensorModule") {
    return undefined;
  }
  if (name === "Owner") {
    return ownerOf(chain, String(key[0]));
  }
  if (name === "IsNetworkMember") {
    const [hotkey, netuid] = key;
    return (
      chain.ledger.subnets.get(Number(netuid))?.neurons.some((one) => one.hotkey === hotkey) ||
      undefined
    );
  }
  const [first] = Array.from(chain.ledger.subnets.values());
  if (name === "StakeThreshold") {
    return BigInt((first?.hyperparameters.stakeThresholdTao ?? 0) * raoPerTao);
  }
  if (name === "CommitRevealWeightsVersion") {
    return first?.hyperparameters.commitRevealVersion;
  }
  if (name === "TotalNetworks") {
    return chain.ledger.subnets.size;
  }
  const subnet = chain.ledger.subnets.get(Number(key[0]) % mechanismStep);
  if (subnet === undefined) {
    return undefined;
  }
  const { hyperparameters: hyper, neurons } = subnet;
  const second = key[1];
  switch (name) {
    case "Uids": {
      const uid = neurons.findIndex(({ hotkey }) => hotkey === second);
      return uid === -1 ? undefined : uid;
    }
    case "Keys":
      return neurons[Number(second)]?.hotkey;
    case "Weights": {
      const weights = neurons[Number(second)]?.weights;
      return weights === undefined || weights.size === 0 ? undefined : Array.from(weights);
    }
    case "Axons":
      return axonOf(subnet.axons.get(String(second)));
    case "NetworksAdded":
      return true;
    case "TokenSymbol":
      return Buffer.from("L");
    case "NetworkRegistrationAllowed":
      return true;
    case "Burn":
      return 0n; // registering costs nothing here
    case "SubnetEpochConsensus":
      return "Yuma";
    case "MechanismCountCurrent":
      return 1;
    case "SubnetworkN":
      return neurons.length;
    case "LastUpdate":
      return neurons.map(({ lastUpdate }) => lastUpdate);
    case "ValidatorPermit":
      return neurons.map(({ validatorPermit }) => validatorPermit);
    case "Active":
      return neurons.map(() => true);
    case "Incentive":
      return neurons.map(({ incentive }) => Math.floor(incentive * 65535));
    case "Tempo":
      return hyper.tempo;
    case "MinAllowedWeights":
      return hyper.minAllowedWeights;
    case "MaxWeightsLimit":
      return hyper.maxWeightsLimit;
    case "MaxAllowedUids":
      return hyper.maxUids;
    case "MaxAllowedValidators":
      return hyper.maxValidators;
    case "ImmunityPeriod":
      return hyper.immunityPeriod;
    case "WeightsSetRateLimit":
      return hyper.weightsRateLimit;
    case "WeightsVersionKey":
      return hyper.weightsVersion;
    case "ServingRateLimit":
      return hyper.servingRateLimit;
    case "CommitRevealWeightsEnabled":
      return hyper.commitRevealEnabled;
    case "RevealPeriodEpochs":
      return hyper.commitRevealPeriod;
    case "BlocksSinceLastStep":
      return chain.ledger.block - subnet.lastEpochBlock;
    case "LastEpochBlock":
      return subnet.lastEpochBlock;
    case "PendingEpochAt":
      return 0;
    case "SubnetEpochIndex":
      return subnet.epochIndex;
    default:
      return undefined;
  }
}

function ownerOf(chain: LocalChain, hotkey: string): string | undefined {
  for (const { neurons } of chain.ledger.subnets.values()) {
    const found = neurons.find((neuron) => neuron.hotkey === hotkey);
    if (found !== undefined) {
      return found.coldkey;
    }
  }
  return undefined;
}
