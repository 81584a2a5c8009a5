/** What a neuron reads from the chain, through whatever the node's runtime offers: newer APIs first. */
import type { ApiPromise } from "@polkadot/api";
import type { Codec } from "@polkadot/types/types";
import { hexToU8a } from "@polkadot/util";
import { ipFromChain } from "../address.ts";
import type { EpochState } from "../timelock/index.ts";
import { ChainError, type Hyperparameters, type Metagraph, type Neuron } from "../types.ts";
import { decodeNeuronsLite } from "./neurons-lite.ts";

/** Fields of the selective metagraph that make up ours, by their numbers; 0 (netuid) must always be among them. */
const metagraphFields = [0, 7, 30, 52, 53, 55, 57, 59, 62, 69];

const raoPerTao = 1e9;

/** Whether the runtime keeps such an item. */
export function hasStorage(api: ApiPromise, item: string): boolean {
  return api.query.subtensorModule?.[item] !== undefined;
}

/** @throws ChainError when the runtime has no such item, or its value is no number */
export async function readNumber(
  api: ApiPromise,
  item: string,
  ...key: unknown[]
): Promise<number> {
  return numberOf(await readStorage(api, item, ...key), item);
}

export async function readStorage(
  api: ApiPromise,
  item: string,
  ...key: unknown[]
): Promise<unknown> {
  const entry = api.query.subtensorModule?.[item];
  if (entry === undefined) {
    throw new ChainError(`the chain's runtime has no ${item}`);
  }
  const value: Codec = await entry(...key);
  return value.toJSON();
}

/** undefined: not registered */
export async function readUid(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
): Promise<number | undefined> {
  const uid = await readStorage(api, "uids", netuid, hotkey);
  return uid === null ? undefined : numberOf(uid, "uids");
}

export async function readHyperparameters(
  api: ApiPromise,
  netuid: number,
): Promise<Hyperparameters> {
  const exists = await readStorage(api, "networksAdded", netuid);
  if (exists !== true) {
    throw new ChainError(`there is no subnet ${netuid}`);
  }
  const [
    tempo,
    weightsRateLimit,
    weightsVersion,
    minAllowedWeights,
    servingRateLimit,
    maxUids,
    immunityPeriod,
  ] = await Promise.all(
    [
      "tempo",
      "weightsSetRateLimit",
      "weightsVersionKey",
      "minAllowedWeights",
      "servingRateLimit",
      "maxAllowedUids",
      "immunityPeriod",
    ].map((item) => readNumber(api, item, netuid)),
  );
  return {
    tempo: tempo ?? 0,
    weightsRateLimit: weightsRateLimit ?? 0,
    weightsVersion: weightsVersion ?? 0,
    minAllowedWeights: minAllowedWeights ?? 0,
    servingRateLimit: servingRateLimit ?? 0,
    maxUids: maxUids ?? 0,
    immunityPeriod: immunityPeriod ?? 0,
    // Gone from newer runtimes, where it is 65535 for all; so is commit-reveal from older ones.
    maxWeightsLimit: hasStorage(api, "maxWeightsLimit")
      ? await readNumber(api, "maxWeightsLimit", netuid)
      : 65535,
    commitRevealEnabled: await isCommitReveal(api, netuid),
    commitRevealPeriod: hasStorage(api, "revealPeriodEpochs")
      ? await readNumber(api, "revealPeriodEpochs", netuid)
      : 1,
  };
}

export async function isCommitReveal(api: ApiPromise, netuid: number): Promise<boolean> {
  return (
    hasStorage(api, "commitRevealWeightsEnabled") &&
    (await readStorage(api, "commitRevealWeightsEnabled", netuid)) === true
  );
}

/** u16 by uid; of the subnet's first mechanism, where there are several. */
export async function readWeights(
  api: ApiPromise,
  netuid: number,
  uid: number,
): Promise<ReadonlyMap<number, number>> {
  const pairs = await readStorage(api, "weights", netuid, uid);
  if (!Array.isArray(pairs)) {
    throw new ChainError("the chain's weights are not what was expected");
  }
  return new Map(
    pairs.map((pair: unknown) => {
      const [target, weight]: readonly unknown[] = Array.isArray(pair) ? pair : [];
      return [numberOf(target, "weights"), numberOf(weight, "weights")];
    }),
  );
}

/** The axon that the chain has for a hotkey; undefined when none. */
export async function readAxon(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
): Promise<{ readonly ip: bigint; readonly port: number; readonly version: number } | undefined> {
  const axon = await readStorage(api, "axons", netuid, hotkey);
  if (axon === null) {
    return undefined;
  }
  const fields = fieldsOf(axon, "axons");
  return {
    ip: bigintOf(fields.ip, "axons.ip"),
    port: numberOf(fields.port, "axons.port"),
    version: numberOf(fields.version, "axons.version"),
  };
}

/** The epoch counters at one block, where the runtime keeps them. */
export async function readEpochState(
  api: ApiPromise,
  netuid: number,
): Promise<EpochState | undefined> {
  if (!hasStorage(api, "subnetEpochIndex")) {
    return undefined;
  }
  const header = await api.rpc.chain.getHeader();
  const at = await api.at(header.hash);
  const read = async (item: string): Promise<bigint> => {
    const entry = at.query.subtensorModule?.[item];
    if (entry === undefined) {
      throw new ChainError(`the chain's runtime has no ${item}`);
    }
    return bigintOf((await entry(netuid)).toJSON(), item);
  };
  const [lastEpochBlock, pendingEpochAt, subnetEpochIndex, tempo, blocksSinceLastStep] =
    await Promise.all(
      ["lastEpochBlock", "pendingEpochAt", "subnetEpochIndex", "tempo", "blocksSinceLastStep"].map(
        read,
      ),
    );
  return {
    lastEpochBlock: Number(lastEpochBlock),
    pendingEpochAt: Number(pendingEpochAt),
    subnetEpochIndex: subnetEpochIndex ?? 0n,
    tempo: Number(tempo),
    blocksSinceLastStep: Number(blocksSinceLastStep),
    block: header.number.toNumber(),
  };
}

export async function readMetagraph(api: ApiPromise, netuid: number): Promise<Metagraph> {
  const selective = api.call.subnetInfoRuntimeApi?.getSelectiveMetagraph;
  if (selective !== undefined) {
    const answer = (await selective(netuid, metagraphFields)).toJSON();
    if (answer === null) {
      throw new ChainError(`there is no subnet ${netuid}`);
    }
    return selectiveMetagraph(netuid, fieldsOf(answer, "metagraph"));
  }
  return liteMetagraph(api, netuid);
}

function selectiveMetagraph(netuid: number, fields: Fields): Metagraph {
  const list = (name: string): readonly unknown[] => {
    const value = fields[name];
    if (!Array.isArray(value)) {
      throw new ChainError(`the metagraph lacks ${name}`);
    }
    return value;
  };
  const [hotkeys, coldkeys, axons, permits, updates, incentives, stakes] = [
    "hotkeys",
    "coldkeys",
    "axons",
    "validatorPermit",
    "lastUpdate",
    "incentives",
    "totalStake",
  ].map(list);
  const neurons = (hotkeys ?? []).map((hotkey, uid): Neuron => {
    const axon = fieldsOf(axons?.[uid], "axon");
    const ip = bigintOf(axon.ip, "axon.ip");
    return {
      uid,
      hotkey: String(hotkey),
      coldkey: String(coldkeys?.[uid]),
      stakeTao: Number(bigintOf(stakes?.[uid], "stake")) / raoPerTao,
      validatorPermit: permits?.[uid] === true,
      lastUpdate: numberOf(updates?.[uid], "lastUpdate"),
      incentive: numberOf(incentives?.[uid], "incentive") / 65535,
      axon:
        ip === 0n
          ? undefined
          : {
              ip: ipFromChain({ ip, ipType: numberOf(axon.ipType, "axon.ipType") }),
              port: numberOf(axon.port, "axon.port"),
            },
    };
  });
  return { netuid, block: numberOf(fields.block, "block"), neurons };
}

/** From here on runtime APIs give their structs as they are; before, the bytes came in a Vec<u8>. */
const firstUnwrappedSpec = 233;

/** Before the selective metagraph. */
async function liteMetagraph(api: ApiPromise, netuid: number): Promise<Metagraph> {
  const header = await api.rpc.chain.getHeader();
  const argument = `0x${Buffer.from([netuid & 0xff, netuid >> 8]).toString("hex")}`;
  const answer = await api.rpc.state.call("NeuronInfoRuntimeApi_get_neurons_lite", argument);
  const wrapped = api.runtimeVersion.specVersion.toNumber() < firstUnwrappedSpec;
  const neurons = decodeEither(hexToU8a(answer.toHex()), wrapped);
  const stakes = await totalStakes(api, netuid);
  return {
    netuid,
    block: header.number.toNumber(),
    neurons: neurons.map((neuron) => ({
      ...neuron,
      stakeTao: stakes?.[neuron.uid] ?? neuron.stakeTao,
    })),
  };
}

/** Local chains have served either form under any version; the wrong one never uses up all bytes. */
function decodeEither(bytes: Uint8Array, wrapped: boolean): readonly Neuron[] {
  try {
    return decodeNeuronsLite(bytes, wrapped);
  } catch (error) {
    if (!(error instanceof RangeError)) {
      throw error;
    }
    return decodeNeuronsLite(bytes, !wrapped);
  }
}

/** TAO by uid. Since subnets have tokens of their own, the stake that counts is no more in the list of neurons. */
async function totalStakes(
  api: ApiPromise,
  netuid: number,
): Promise<readonly number[] | undefined> {
  const state = await api.call.subnetInfoRuntimeApi?.getSubnetState?.(netuid);
  const answer = state?.toJSON() ?? null;
  if (answer === null) {
    return undefined;
  }
  const { totalStake } = fieldsOf(answer, "subnet state");
  if (!Array.isArray(totalStake)) {
    throw new ChainError("the subnet's state lacks its stakes");
  }
  return totalStake.map((stake) => Number(bigintOf(stake, "stake")) / raoPerTao);
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ChainError(`the chain's ${what} is not what was expected`);
  }
  return { ...value };
}

/** JSON of polkadot's codecs: numbers up to 2^53, hex texts above. */
function bigintOf(value: unknown, what: string): bigint {
  if (typeof value === "number" || (typeof value === "string" && /^(0x)?[0-9a-f]+$/i.test(value))) {
    return BigInt(value);
  }
  throw new ChainError(`the chain's ${what} is no number`);
}

function numberOf(value: unknown, what: string): number {
  return Number(bigintOf(value, what));
}
