/** XXH64 with the seed 0, of which zstd keeps the low half. Source: the xxHash specification 0.1.1. */

const [prime1, prime2, prime3, prime4, prime5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const stripeBytes = 32;

/** Goes on with each `add`. */
export function startXxh64(): { add(bytes: Uint8Array): void; low(): number } {
  const lanes = BigUint64Array.of(wrap(prime1 + prime2), prime2, 0n, wrap(-prime1));
  const pending = new Uint8Array(stripeBytes);
  const pendingView = new DataView(pending.buffer);
  let [pendingBytes, size] = [0, 0];
  return {
    add(bytes) {
      size += bytes.length;
      let at = 0;
      if (pendingBytes > 0) {
        at = Math.min(stripeBytes - pendingBytes, bytes.length);
        pending.set(bytes.subarray(0, at), pendingBytes);
        pendingBytes += at;
        if (pendingBytes < stripeBytes) {
          return;
        }
        takeStripes(lanes, pendingView, 0, stripeBytes);
      }
      const end = bytes.length - ((bytes.length - at) % stripeBytes);
      takeStripes(lanes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at, end);
      pending.set(bytes.subarray(end));
      pendingBytes = bytes.length - end;
    },
    low: () => Number(finish(lanes, pendingView, pendingBytes, size) & 0xffffffffn),
  };
}

function takeStripes(lanes: BigUint64Array, view: DataView, from: number, end: number): void {
  let [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
  for (let at = from; at < end; at += stripeBytes) {
    a = round(a, view.getBigUint64(at, true));
    b = round(b, view.getBigUint64(at + 8, true));
    c = round(c, view.getBigUint64(at + 16, true));
    d = round(d, view.getBigUint64(at + 24, true));
  }
  lanes.set([a, b, c, d]);
}

function finish(lanes: BigUint64Array, rest: DataView, restBytes: number, size: number): bigint {
  const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
  let hash = prime5;
  if (size >= stripeBytes) {
    hash = wrap(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n));
    for (const lane of [a, b, c, d]) {
      hash = wrap((hash ^ round(0n, lane)) * prime1 + prime4);
    }
  }
  hash = wrap(hash + BigInt(size));
  let at = 0;
  for (; at + 8 <= restBytes; at += 8) {
    const next = hash ^ round(0n, rest.getBigUint64(at, true));
    hash = wrap(rotate(next, 27n) * prime1 + prime4);
  }
  if (at + 4 <= restBytes) {
    const next = hash ^ wrap(BigInt(rest.getUint32(at, true)) * prime1);
    hash = wrap(rotate(next, 23n) * prime2 + prime3);
    at += 4;
  }
  for (; at < restBytes; at++) {
    const next = hash ^ wrap(BigInt(rest.getUint8(at)) * prime5);
    hash = wrap(rotate(next, 11n) * prime1);
  }
  hash = wrap((hash ^ (hash >> 33n)) * prime2);
  hash = wrap((hash ^ (hash >> 29n)) * prime3);
  return hash ^ (hash >> 32n);
}

function round(lane: bigint, input: bigint): bigint {
  return wrap(rotate(wrap(lane + wrap(input * prime2)), 31n) * prime1);
}

function rotate(value: bigint, by: bigint): bigint {
  return wrap(value << by) | (value >> (64n - by));
}

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
