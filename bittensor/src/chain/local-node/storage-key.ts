/** Keys of storage items: the hashed names of pallet and item, then the hashed parts. */
import { blake2AsU8a, xxhashAsU8a } from "@polkadot/util-crypto";
import { publicKeyOf, ss58Of } from "../../keys/index.ts";
import { littleEndian, type StorageEntry } from "./scale.ts";

export function prefixOf({ pallet, name }: StorageEntry): string {
  return hexOf(Buffer.concat([xxhashAsU8a(pallet, 128), xxhashAsU8a(name, 128)]));
}

/** Bytes of the hash in front of a key's part. */
const hashLengths: Readonly<Record<string, number>> = {
  Identity: 0,
  identity: 0,
  Blake2_128Concat: 16,
  blake2128Concat: 16,
  Blake2128Concat: 16,
  Twox64Concat: 8,
  twox64Concat: 8,
};

/** undefined when the key is too short, or hashed so that nothing can be read back. */
export function parseKey(
  entry: StorageEntry,
  bytes: Uint8Array,
): readonly (number | string)[] | undefined {
  let offset = 0;
  const parts: (number | string)[] = [];
  for (const [index, hasher] of entry.hashers.entries()) {
    const skipped = hashLengths[hasher];
    if (skipped === undefined) {
      return undefined;
    }
    offset += skipped;
    const rest = bytes.length - offset;
    // Parts are u16 or accounts here; the last one takes what is left
    const isLast = index === entry.hashers.length - 1;
    const length = isLast ? rest : rest >= 32 && isAccountFirst(entry) ? 32 : 2;
    if (rest < length || length <= 0) {
      return undefined;
    }
    const part = bytes.subarray(offset, offset + length);
    parts.push(
      length === 32 ? ss58Of(part) : Number(Buffer.from(part).readUIntLE(0, Math.min(length, 6))),
    );
    offset += length;
  }
  return parts;
}

function isAccountFirst({ name }: StorageEntry): boolean {
  return name === "IsNetworkMember";
}

export function keyOf(entry: StorageEntry, parts: readonly (number | string)[]): string {
  const encoded = parts.map((part, index) => {
    const bytes =
      typeof part === "string"
        ? (publicKeyOf(part) ?? new Uint8Array())
        : littleEndian(BigInt(part), 2);
    const length = hashLengths[entry.hashers[index] ?? ""] ?? 0;
    if (length === 16) {
      return Buffer.concat([blake2AsU8a(bytes, 128), bytes]);
    }
    return length === 8 ? Buffer.concat([xxhashAsU8a(bytes, 64), bytes]) : bytes;
  });
  return hexOf(Buffer.concat([Buffer.from(prefixOf(entry).slice(2), "hex"), ...encoded]));
}

export function hexOf(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
