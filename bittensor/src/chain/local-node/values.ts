/** The ledger's state under the names of the real chain's storage and runtime APIs. */

import { publicKeyOf, ss58Of } from "../../keys/index.ts";
import type { LocalChain } from "../index.ts";
import {
  byteVector,
  compact,
  encode,
  littleEndian,
  type Runtime,
  type StorageEntry,
  someZero,
} from "./scale.ts";

type Key = readonly (number | string)[];

const raoPerTao = 1e9;
/** Storage of mechanism m of a subnet is kept under netuid + 4096 × m. */
const mechanismStep = 4096;

export interface ValueContext {
  readonly chain: LocalChain;
  /** Transactions of an account that are in blocks. */
  readonly nonceOf: (ss58: string) => number;
  readonly lastDrandRound: () => bigint;
}

/** The keys that a map has now. */
export function keysOf({ chain }: ValueContext, { name }: StorageEntry): readonly Key[] {
  const { subnets } = chain.ledger;
  const all = Array.from(subnets.values());
  const neurons = all.flatMap(({ netuid, neurons }) =>
    neurons.map(({ hotkey }, uid) => ({ netuid, uid, hotkey })),
  );
  switch (name) {
    case "Uids":
      return neurons.map(({ netuid, hotkey }) => [netuid, hotkey]);
    case "IsNetworkMember":
      return neurons.map(({ netuid, hotkey }) => [hotkey, netuid]);
    case "Keys":
    case "Weights":
      return neurons.map(({ netuid, uid }) => [netuid, uid]);
    case "Axons":
      return all.flatMap(({ netuid, axons }) =>
        Array.from(axons.keys(), (hotkey) => [netuid, hotkey]),
      );
    case "NetworksAdded":
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
    if (name === "Number") return chain.ledger.block;
    if (name === "Account")
      return {
        nonce: context.nonceOf(String(key[0])),
        providers: 1,
        data: { free: 1_000_000_000_000n },
      };
    return undefined;
  }
  if (pallet === "Drand") return name === "LastStoredRound" ? context.lastDrandRound() : undefined;
  if (pallet !== "SubtensorModule") return undefined;
  if (name === "Owner") return ownerOf(chain, String(key[0]));
  if (name === "IsNetworkMember") {
    const [hotkey, netuid] = key;
    return (
      chain.ledger.subnets.get(Number(netuid))?.neurons.some((one) => one.hotkey === hotkey) ||
      undefined
    );
  }
  const [first] = Array.from(chain.ledger.subnets.values());
  if (name === "StakeThreshold")
    return BigInt((first?.hyperparameters.stakeThresholdTao ?? 0) * raoPerTao);
  if (name === "CommitRevealWeightsVersion") return first?.hyperparameters.commitRevealVersion;
  if (name === "TotalNetworks") return chain.ledger.subnets.size;
  const subnet = chain.ledger.subnets.get(Number(key[0]) % mechanismStep);
  if (subnet === undefined) return undefined;
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

/** The numbers of the fields that the selective metagraph of the smallest runtime has. */
const fieldNumbers: Readonly<Record<string, number>> = {
  netuid: 0,
  block: 7,
  num_uids: 30,
  hotkeys: 52,
  coldkeys: 53,
  axons: 55,
  validator_permit: 57,
  last_update: 59,
  incentives: 62,
  total_stake: 69,
};

/** The answer of a runtime API in SCALE; undefined when it is not served. */
export function callApi(
  context: ValueContext,
  runtime: Runtime,
  name: string,
  argument: Uint8Array,
  wrapped: boolean,
): Uint8Array | undefined {
  if (name === "AccountNonceApi_account_nonce")
    return encodeNumber(context.nonceOf(ss58Of(argument.subarray(0, 32))), 4);
  const netuid = (argument[0] ?? 0) | ((argument[1] ?? 0) << 8);
  if (wrapped) return wrappedAnswer(context, name, netuid, argument);
  const output = runtime.apis.get(name);
  return output === undefined
    ? undefined
    : encode(runtime, output, answerOf(context, runtime, name, netuid, argument, output));
}

/** As in 2024: the metadata describes no APIs, and the bytes come in a Vec<u8>. */
function wrappedAnswer(
  context: ValueContext,
  name: string,
  netuid: number,
  argument: Uint8Array,
): Uint8Array | undefined {
  const count = context.chain.ledger.subnets.get(netuid)?.neurons.length ?? 0;
  const one = (argument[2] ?? 0) | ((argument[3] ?? 0) << 8);
  switch (name) {
    case "NeuronInfoRuntimeApi_get_neurons_lite": {
      const neurons = Array.from({ length: count }, (_, uid) =>
        neuronBytes(context, netuid, uid, false),
      );
      return byteVector(Buffer.concat([compact(BigInt(count)), ...neurons]));
    }
    case "NeuronInfoRuntimeApi_get_neuron":
      return byteVector(one < count ? neuronBytes(context, netuid, one, true) : new Uint8Array());
    default:
      return undefined;
  }
}

/** NeuronInfoLite, or NeuronInfo with its weights and bonds. */
function neuronBytes(
  context: ValueContext,
  netuid: number,
  uid: number,
  whole: boolean,
): Uint8Array {
  const neuron = neuronOf(context, netuid, uid);
  const axon = neuron.axon_info;
  const account = (ss58: string | undefined): Uint8Array =>
    publicKeyOf(ss58 ?? "") ?? new Uint8Array(32);
  const small = (value: number | bigint | undefined): Uint8Array => compact(BigInt(value ?? 0));
  const pairs = neuron.weights.flatMap(([target, weight]) => [small(target), small(weight)]);
  return Buffer.concat([
    account(neuron.hotkey),
    account(neuron.coldkey),
    small(uid),
    small(netuid),
    Uint8Array.of(1),
    littleEndian(BigInt(axon?.block ?? 0), 8),
    littleEndian(BigInt(axon?.version ?? 0), 4),
    littleEndian(axon?.ip ?? 0n, 16),
    littleEndian(BigInt(axon?.port ?? 0), 2),
    Uint8Array.of(axon?.ip_type ?? 0, axon?.protocol ?? 0, 0, 0),
    new Uint8Array(8 + 4 + 16 + 2 + 1), // prometheus
    small(1),
    account(neuron.coldkey),
    small(neuron.total),
    small(0), // rank
    small(0), // emission
    small(neuron.incentive),
    ...[0, 0, 0, 0].map(small), // consensus, trust, validator trust, dividends
    small(neuron.last_update),
    Uint8Array.of(neuron.validator_permit === true ? 1 : 0),
    ...(whole ? [small(neuron.weights.length), ...pairs, small(0)] : []),
    small(0), // pruning score
  ]);
}

function answerOf(
  context: ValueContext,
  runtime: Runtime,
  name: string,
  netuid: number,
  argument: Uint8Array,
  output: number,
): unknown {
  const { ledger } = context.chain;
  const subnet = ledger.subnets.get(netuid);
  const neurons = subnet?.neurons.map((_, uid) => neuronOf(context, netuid, uid)) ?? [];
  switch (name.replace(/^[^_]*_/, "")) {
    case "get_neurons":
    case "get_neurons_lite":
      return neurons;
    case "get_neuron":
    case "get_neuron_lite":
      return neurons[(argument[2] ?? 0) | ((argument[3] ?? 0) << 8)];
    case "get_metagraph":
      return subnet === undefined ? undefined : metagraphOf(context, netuid);
    case "get_selective_metagraph":
    case "get_selective_mechagraph": {
      if (subnet === undefined) return undefined;
      const known: Readonly<Record<string, unknown>> = metagraphOf(context, netuid);
      const asked = indexesOf(argument.subarray(name.endsWith("mechagraph") ? 3 : 2));
      const names = structFields(runtime, output);
      const wanted = names.filter((field, place) =>
        asked.has(names.length > 60 ? place : (fieldNumbers[field] ?? -1)),
      );
      return Object.fromEntries(wanted.map((field) => [field, known[field] ?? someZero]));
    }
    case "get_subnet_state":
      return subnet === undefined
        ? undefined
        : {
            netuid,
            hotkeys: neurons.map(({ hotkey }) => hotkey),
            coldkeys: neurons.map(({ coldkey }) => coldkey),
            active: neurons.map(() => true),
            validator_permit: neurons.map(({ validator_permit }) => validator_permit),
            pruning_score: neurons.map(() => 0),
            last_update: neurons.map(({ last_update }) => last_update),
            emission: neurons.map(() => 0),
            dividends: neurons.map(() => 0),
            incentives: neurons.map(({ incentive }) => incentive),
            consensus: neurons.map(() => 0),
            trust: neurons.map(() => 0),
            rank: neurons.map(() => 0),
            block_at_registration: neurons.map(() => 0),
            alpha_stake: neurons.map(({ total }) => total),
            tao_stake: neurons.map(() => 0),
            total_stake: neurons.map(({ total }) => total),
            emission_history: [],
          };
    case "get_subnet_hyperparams":
    case "get_subnet_hyperparams_v2":
      return subnet === undefined
        ? undefined
        : {
            immunity_period: subnet.hyperparameters.immunityPeriod,
            min_allowed_weights: subnet.hyperparameters.minAllowedWeights,
            max_weights_limit: subnet.hyperparameters.maxWeightsLimit,
            tempo: subnet.hyperparameters.tempo,
            weights_version: subnet.hyperparameters.weightsVersion,
            weights_rate_limit: subnet.hyperparameters.weightsRateLimit,
            registration_allowed: true,
            serving_rate_limit: subnet.hyperparameters.servingRateLimit,
            max_validators: subnet.hyperparameters.maxValidators,
            commit_reveal_period: subnet.hyperparameters.commitRevealPeriod,
            commit_reveal_weights_enabled: subnet.hyperparameters.commitRevealEnabled,
            subnet_is_active: true,
          };
    default:
      return undefined;
  }
}

function metagraphOf({ chain }: ValueContext, netuid: number) {
  const { ledger } = chain;
  const subnet = ledger.subnets.get(netuid);
  const neurons = subnet?.neurons ?? [];
  const hyper = subnet?.hyperparameters;
  const stakes = neurons.map(({ hotkey }) =>
    BigInt(Math.round(ledger.stakeTaoOf(hotkey) * raoPerTao)),
  );
  return {
    netuid,
    name: Array.from(Buffer.from("local")),
    symbol: Array.from(Buffer.from("L")),
    block: ledger.block,
    tempo: hyper?.tempo,
    last_step: subnet?.lastEpochBlock,
    blocks_since_last_step: ledger.block - (subnet?.lastEpochBlock ?? 0),
    min_allowed_weights: hyper?.minAllowedWeights,
    max_weights_limit: hyper?.maxWeightsLimit,
    weights_version: hyper?.weightsVersion,
    weights_rate_limit: hyper?.weightsRateLimit,
    max_validators: hyper?.maxValidators,
    num_uids: neurons.length,
    max_uids: hyper?.maxUids,
    registration_allowed: true,
    immunity_period: hyper?.immunityPeriod,
    serving_rate_limit: hyper?.servingRateLimit,
    commit_reveal_weights_enabled: hyper?.commitRevealEnabled,
    commit_reveal_period: hyper?.commitRevealPeriod,
    hotkeys: neurons.map(({ hotkey }) => hotkey),
    coldkeys: neurons.map(({ coldkey }) => coldkey),
    identities: neurons.map(() => null),
    axons: neurons.map(({ hotkey }) => axonOf(subnet?.axons.get(hotkey))),
    active: neurons.map(() => true),
    validator_permit: neurons.map(({ validatorPermit }) => validatorPermit),
    pruning_score: neurons.map(() => 0),
    last_update: neurons.map(({ lastUpdate }) => lastUpdate),
    emission: neurons.map(() => 0),
    dividends: neurons.map(() => 0),
    incentives: neurons.map(({ incentive }) => Math.floor(incentive * 65535)),
    consensus: neurons.map(() => 0),
    trust: neurons.map(() => 0),
    rank: neurons.map(() => 0),
    block_at_registration: neurons.map(({ registeredAt }) => registeredAt),
    alpha_stake: stakes,
    tao_stake: neurons.map(() => 0),
    total_stake: stakes,
  };
}

function neuronOf({ chain }: ValueContext, netuid: number, uid: number) {
  const subnet = chain.ledger.subnets.get(netuid);
  const neuron = subnet?.neurons[uid];
  const total = BigInt(Math.round(chain.ledger.stakeTaoOf(neuron?.hotkey ?? "") * raoPerTao));
  return {
    hotkey: neuron?.hotkey,
    coldkey: neuron?.coldkey,
    uid,
    netuid,
    active: true,
    axon_info: axonOf(subnet?.axons.get(neuron?.hotkey ?? "")),
    stake: [[neuron?.coldkey, total]],
    total,
    incentive: Math.floor((neuron?.incentive ?? 0) * 65535),
    last_update: neuron?.lastUpdate,
    validator_permit: neuron?.validatorPermit,
    weights: Array.from(neuron?.weights ?? []),
    bonds: [],
  };
}

function axonOf(
  axon:
    | {
        readonly block: number;
        readonly version: number;
        readonly ip: bigint;
        readonly port: number;
        readonly ipType: number;
        readonly protocol: number;
      }
    | undefined,
) {
  if (axon === undefined) return undefined;
  const { block, version, ip, port, protocol } = axon;
  return { block, version, ip, port, ip_type: axon.ipType, protocol };
}

function ownerOf(chain: LocalChain, hotkey: string): string | undefined {
  for (const { neurons } of chain.ledger.subnets.values()) {
    const found = neurons.find((neuron) => neuron.hotkey === hotkey);
    if (found !== undefined) return found.coldkey;
  }
  return undefined;
}

/** Names of the fields of the struct in an Option. */
function structFields(runtime: Runtime, option: number): readonly string[] {
  const variants = runtime.types.get(option)?.def.variant as
    | { variants: { name: string; fields: { type: number }[] }[] }
    | undefined;
  const inner = variants?.variants.find(({ name }) => name === "Some")?.fields[0]?.type ?? -1;
  const composite = runtime.types.get(inner)?.def.composite as
    | { fields: { name: string }[] }
    | undefined;
  return composite?.fields.map(({ name }) => name) ?? [];
}

function indexesOf(bytes: Uint8Array): ReadonlySet<number> {
  const first = bytes[0] ?? 0;
  const start = (first & 3) === 0 ? 1 : 2;
  const found = new Set<number>();
  for (let offset = start; offset + 1 < bytes.length; offset += 2)
    found.add((bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8));
  return found;
}

function encodeNumber(value: number, width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, index) => (value >>> (8 * index)) & 0xff);
}
