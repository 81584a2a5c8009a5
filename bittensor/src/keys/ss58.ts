import { base58Decode, decodeAddress, encodeAddress } from "@polkadot/util-crypto";

/** The network prefix of every Bittensor address. */
const ss58Prefix = 42;

/** The address of a 32-byte public key. */
export function ss58Of(publicKey: Uint8Array): string {
  return encodeAddress(publicKey, ss58Prefix);
}

/** The public key of an address; undefined when the text is no Bittensor address. */
export function publicKeyOf(ss58: string): Uint8Array | undefined {
  // Longer texts are never decoded: base58 costs the square of the length. Hex, which polkadot would take, is refused.
  if (ss58.length < 46 || ss58.length > 48) {
    return undefined;
  }
  try {
    base58Decode(ss58);
    const key = decodeAddress(ss58, false, ss58Prefix);
    return key.length === 32 ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the text is an address with prefix 42 and a right checksum. */
export function isSs58(text: string): boolean {
  return publicKeyOf(text) !== undefined;
}
