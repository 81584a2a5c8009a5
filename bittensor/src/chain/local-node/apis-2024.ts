/**
 * Runtime APIs as SDKs 6 and 7 expect them: the metadata of 2024 describe none, and the bytes come in a Vec<u8>. Options
 * have no byte in front, and hyperparameters end with the difficulty.
 */
import { publicKeyOf } from "../../keys/index.ts";
import type { LocalChain } from "../index.ts";
import type { LedgerSubnet } from "../ledger.ts";
import { hyperparametersOf, neuronOf } from "./records.ts";
import { byteVector, compact, littleEndian } from "./scale.ts";

/** The answer in SCALE; undefined when it is not served. */
export function answerOf2024(
  chain: LocalChain,
  name: string,
  netuid: number,
  argument: Uint8Array,
): Uint8Array | undefined {
  const subnet = chain.ledger.subnets.get(netuid);
  const count = subnet?.neurons.length ?? 0;
  const one = (argument[2] ?? 0) | ((argument[3] ?? 0) << 8);
  switch (name) {
    case "NeuronInfoRuntimeApi_get_neurons":
    case "NeuronInfoRuntimeApi_get_neurons_lite": {
      const neurons = Array.from({ length: count }, (_, uid) =>
        neuronBytes(chain, netuid, uid, name.endsWith("neurons")),
      );
      return byteVector(Buffer.concat([compact(BigInt(count)), ...neurons]));
    }
    case "NeuronInfoRuntimeApi_get_neuron":
    case "NeuronInfoRuntimeApi_get_neuron_lite":
      return byteVector(
        one < count ? neuronBytes(chain, netuid, one, name.endsWith("neuron")) : new Uint8Array(),
      );
    case "SubnetInfoRuntimeApi_get_subnet_hyperparams":
      return byteVector(subnet === undefined ? new Uint8Array() : hyperparameterBytes(subnet));
    default:
      return undefined;
  }
}

function hyperparameterBytes(subnet: LedgerSubnet): Uint8Array {
  const all = Object.entries(hyperparametersOf(subnet));
  const last = all.findIndex(([name]) => name === "difficulty");
  return Buffer.concat(
    all
      .slice(0, last + 1)
      .map(([, value]) =>
        typeof value === "boolean" ? Uint8Array.of(value ? 1 : 0) : compact(BigInt(value)),
      ),
  );
}

/** NeuronInfoLite, or NeuronInfo with its weights and bonds. */
export function neuronBytes(
  chain: LocalChain,
  netuid: number,
  uid: number,
  whole: boolean,
): Uint8Array {
  const neuron = neuronOf(chain, netuid, uid);
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
