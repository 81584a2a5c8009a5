/** The plain text of committed weights, in SCALE: signer, uids, values, version key. */

export interface CommitPayload {
  /** 32 bytes, of the key that signs the extrinsic; a commit with another is dropped without a word. */
  readonly publicKey: Uint8Array;
  readonly uids: readonly number[];
  readonly values: readonly number[];
  readonly versionKey: bigint;
}

export function encodePayload({ publicKey, uids, values, versionKey }: CommitPayload): Uint8Array {
  const version = Buffer.alloc(8);
  version.writeBigUInt64LE(versionKey);
  return Buffer.concat([
    compact(publicKey.length),
    publicKey,
    compact(uids.length),
    u16s(uids),
    compact(values.length),
    u16s(values),
    version,
  ]);
}

/** @throws RangeError when the bytes are no such payload */
export function decodePayload(bytes: Uint8Array): CommitPayload {
  const reader = createReader(bytes);
  const publicKey = reader.take(reader.compact());
  if (publicKey.length !== 32) {
    throw new RangeError("the committer's key has not 32 bytes");
  }
  const uids = reader.u16s(reader.compact());
  const values = reader.u16s(reader.compact());
  if (uids.length !== values.length) {
    throw new RangeError("as many uids as values are needed");
  }
  return { publicKey, uids, values, versionKey: Buffer.from(reader.take(8)).readBigUInt64LE() };
}

function compact(value: number): Uint8Array {
  if (value < 1 << 6) {
    return Uint8Array.of(value << 2);
  }
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value < 1 << 14 ? (value << 2) | 1 : ((value << 2) | 2) >>> 0);
  return value < 1 << 14 ? bytes.subarray(0, 2) : bytes;
}

function u16s(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) {
    bytes.writeUInt16LE(value, index * 2);
  }
  return bytes;
}

function createReader(bytes: Uint8Array) {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    if (offset + length > bytes.length) {
      throw new RangeError("the payload is cut off");
    }
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  return {
    take,
    compact(): number {
      const first = take(1)[0] ?? 0;
      const mode = first & 3;
      if (mode === 0) {
        return first >> 2;
      }
      if (mode === 3) {
        throw new RangeError("the payload's length is out of range");
      }
      const rest = take(mode === 1 ? 1 : 3);
      const whole = Buffer.alloc(4);
      whole.set([first, ...rest]);
      return whole.readUInt32LE() >>> 2;
    },
    u16s(count: number): readonly number[] {
      const part = Buffer.from(take(count * 2));
      return Array.from({ length: count }, (_, index) => part.readUInt16LE(index * 2));
    },
  };
}
