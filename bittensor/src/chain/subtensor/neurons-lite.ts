/**
 * `NeuronInfoRuntimeApi.get_neurons_lite` by hand: its layout has not changed since 2024, while old metadata does not
 * describe it. Up to spec 208 the bytes come wrapped in a Vec<u8>.
 */
import { ss58Of } from "../../keys/index.ts";
import { ipFromChain } from "../address.ts";
import type { Neuron } from "../types.ts";

/** @throws RangeError unless all bytes are used up: a wrong layout must not pass for odd values */
export function decodeNeuronsLite(bytes: Uint8Array, wrapped: boolean): readonly Neuron[] {
  const outer = createReader(bytes);
  const reader = wrapped ? createReader(outer.take(Number(outer.compact()))) : outer;
  const count = Number(reader.compact());
  const neurons: Neuron[] = [];
  for (let read = 0; read < count; read += 1) {
    neurons.push(readNeuron(reader));
  }
  if (!reader.isDone() || !outer.isDone()) {
    throw new RangeError("the node's list of neurons has another layout than expected");
  }
  return neurons;
}

function readNeuron(reader: Reader): Neuron {
  const hotkey = ss58Of(reader.take(32));
  const coldkey = ss58Of(reader.take(32));
  const uid = Number(reader.compact());
  reader.compact(); // netuid
  reader.take(1); // active
  const axon = readAxon(reader);
  reader.take(8 + 4 + 16 + 2 + 1); // prometheus: block, version, ip, port, ip type
  let stakeRao = 0n;
  for (let left = Number(reader.compact()); left > 0; left -= 1) {
    reader.take(32);
    stakeRao += reader.compact();
  }
  reader.compact(); // rank
  reader.compact(); // emission
  const incentive = Number(reader.compact()) / 65535;
  for (let skipped = 0; skipped < 4; skipped += 1) {
    reader.compact(); // consensus, trust, validator trust, dividends
  }
  const lastUpdate = Number(reader.compact());
  const validatorPermit = reader.take(1)[0] === 1;
  reader.compact(); // pruning score
  const stakeTao = Number(stakeRao) / 1e9;
  return { uid, hotkey, coldkey, stakeTao, validatorPermit, lastUpdate, incentive, axon };
}

function readAxon(reader: Reader): Neuron["axon"] {
  reader.take(8 + 4); // block, version
  const ip = integerLE(reader.take(16));
  const port = Number(integerLE(reader.take(2)));
  const [ipType = 4] = reader.take(1);
  reader.take(3); // protocol, placeholders
  return ip === 0n ? undefined : { ip: ipFromChain({ ip, ipType }), port };
}

type Reader = ReturnType<typeof createReader>;

function createReader(bytes: Uint8Array) {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    if (offset + length > bytes.length) {
      throw new RangeError("the node's answer is cut off");
    }
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  return {
    take,
    isDone: (): boolean => offset === bytes.length,
    compact(): bigint {
      const [first = 0] = take(1);
      const mode = first & 3;
      if (mode === 3) {
        return integerLE(take((first >> 2) + 4));
      }
      const rest = take((1 << mode) - 1);
      return integerLE(Uint8Array.of(first, ...rest)) >> 2n;
    },
  };
}

function integerLE(bytes: Uint8Array): bigint {
  return bytes.reduceRight((integer, byte) => (integer << 8n) | BigInt(byte), 0n);
}
