/** Answers of the runtime's APIs, made from the ledger's state and encoded by the runtime's own types. */
import { ss58Of } from "../../keys/index.ts";
import type { LocalChain } from "../index.ts";
import type { LedgerSubnet } from "../ledger.ts";
import { answerOf2024 } from "./apis-2024.ts";
import { axonOf, hyperparametersOf, neuronOf, raoPerTao, wideHyperparameters } from "./records.ts";
import { encode, littleEndian, type Runtime, someZero } from "./scale.ts";
import type { ValueContext } from "./values.ts";

/** The answer in SCALE; undefined when it is not served. */
export function callApi(
  context: ValueContext,
  runtime: Runtime,
  name: string,
  argument: Uint8Array,
  isOf2024: boolean,
): Uint8Array | undefined {
  if (name === "AccountNonceApi_account_nonce") {
    return littleEndian(BigInt(context.nonceOf(ss58Of(argument.subarray(0, 32)))), 4);
  }
  const netuid = (argument[0] ?? 0) | ((argument[1] ?? 0) << 8);
  if (isOf2024) {
    return answerOf2024(context.chain, name, netuid, argument);
  }
  const output = runtime.apis.get(name);
  return output === undefined
    ? undefined
    : encode(runtime, output, answerOf(context.chain, runtime, name, netuid, argument, output));
}

/** What is not known here is zero, or nothing where it may be. */
function answerOf(
  chain: LocalChain,
  runtime: Runtime,
  name: string,
  netuid: number,
  argument: Uint8Array,
  output: number,
): unknown {
  const { ledger } = chain;
  const subnet = ledger.subnets.get(netuid);
  const neurons = subnet?.neurons.map((_, uid) => neuronOf(chain, netuid, uid)) ?? [];
  switch (name.replace(/^[^_]*_/, "")) {
    case "get_neurons":
    case "get_neurons_lite":
      return neurons;
    case "get_neuron":
    case "get_neuron_lite":
      return neurons[(argument[2] ?? 0) | ((argument[3] ?? 0) << 8)];
    case "get_all_metagraphs":
    case "get_all_mechagraphs":
      return Array.from(ledger.subnets.values(), (one) => metagraphOf(chain, one));
    case "get_metagraph":
    case "get_mechagraph":
      return subnet && metagraphOf(chain, subnet);
    case "get_selective_metagraph":
    case "get_selective_mechagraph": {
      if (subnet === undefined) {
        return undefined;
      }
      const known: Readonly<Record<string, unknown>> = metagraphOf(chain, subnet);
      const asked = indexesOf(argument.subarray(name.endsWith("mechagraph") ? 3 : 2));
      // A field that is asked for must be there, or the SDKs stumble over it
      const wanted = structFields(runtime, output).filter((_, place) => asked.has(place));
      return Object.fromEntries(wanted.map((field) => [field, known[field] ?? someZero]));
    }
    case "get_dynamic_info":
      return subnet && dynamicInfoOf(chain, subnet);
    case "get_all_dynamic_info":
      return Array.from(ledger.subnets.values(), (one) => dynamicInfoOf(chain, one));
    case "current_alpha_price":
      return raoPerTao;
    case "get_subnet_state":
      return subnet && { ...metagraphOf(chain, subnet), emission_history: [] };
    case "get_subnet_hyperparams":
    case "get_subnet_hyperparams_v2":
      return subnet && hyperparametersOf(subnet);
    case "get_subnet_hyperparams_v3":
      return (
        subnet &&
        Object.entries(hyperparametersOf(subnet)).map(([field, value]) => ({
          name: Buffer.from(field),
          value:
            typeof value === "boolean"
              ? { Bool: [value] }
              : { [wideHyperparameters.has(field) ? "U64" : "U16"]: [value] },
        }))
      );
    default:
      return undefined;
  }
}

/** A subnet's token at a price of 1 TAO; the local chain has no market. */
function dynamicInfoOf(chain: LocalChain, subnet: LedgerSubnet) {
  const { emission: _ofNeurons, ...known } = metagraphOf(chain, subnet);
  return { ...known, subnet_name: subnetName, token_symbol: tokenSymbol };
}

const subnetName = Array.from(Buffer.from("local"));
const tokenSymbol = Array.from(Buffer.from("L"));
/** TAO and alpha in the pool of a subnet, so that a price can be computed. */
const poolRao = 1_000n * BigInt(raoPerTao);

function metagraphOf({ ledger }: LocalChain, subnet: LedgerSubnet) {
  const { netuid, neurons } = subnet;
  const stakes = neurons.map(({ hotkey }) =>
    BigInt(Math.round(ledger.stakeTaoOf(hotkey) * raoPerTao)),
  );
  const zeros = neurons.map(() => 0);
  return {
    ...hyperparametersOf(subnet),
    netuid,
    name: subnetName,
    symbol: tokenSymbol,
    block: ledger.block,
    last_step: subnet.lastEpochBlock,
    blocks_since_last_step: ledger.block - subnet.lastEpochBlock,
    alpha_in: poolRao,
    alpha_out: poolRao,
    tao_in: poolRao,
    num_uids: neurons.length,
    max_uids: subnet.hyperparameters.maxUids,
    hotkeys: neurons.map(({ hotkey }) => hotkey),
    coldkeys: neurons.map(({ coldkey }) => coldkey),
    identities: neurons.map(() => null),
    axons: neurons.map(({ hotkey }) => axonOf(subnet.axons.get(hotkey))),
    active: neurons.map(() => true),
    validator_permit: neurons.map(({ validatorPermit }) => validatorPermit),
    pruning_score: zeros,
    last_update: neurons.map(({ lastUpdate }) => lastUpdate),
    emission: zeros,
    dividends: zeros,
    incentives: neurons.map(({ incentive }) => Math.floor(incentive * 65535)),
    consensus: zeros,
    trust: zeros,
    rank: zeros,
    block_at_registration: neurons.map(({ registeredAt }) => registeredAt),
    alpha_stake: stakes,
    tao_stake: zeros,
    total_stake: stakes,
  };
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
  for (let offset = start; offset + 1 < bytes.length; offset += 2) {
    found.add((bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8));
  }
  return found;
}
