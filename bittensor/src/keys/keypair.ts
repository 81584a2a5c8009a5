/**
 * sr25519 keys as Bittensor uses them: signing context `substrate`, ss58 prefix 42. Secrets stay inside the closures
 * of this module; a Keypair shows only what is public.
 */
import { ristretto255 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { hexToU8a } from "@polkadot/util";
import {
  cryptoWaitReady,
  keyExtractSuri,
  keyFromPath,
  mnemonicGenerate,
  mnemonicToMiniSecret,
  mnemonicValidate,
  sr25519PairFromSeed,
  sr25519Sign,
} from "@polkadot/util-crypto";
import { ss58Of } from "./ss58.ts";

/** A key that signs. Texts are signed as UTF-8; neither kind is wrapped or decoded. */
export interface Keypair {
  readonly ss58: string;
  /** 32 bytes */
  readonly publicKey: Uint8Array;
  /** @returns 64 bytes; two signatures over one message differ, both are valid. */
  sign(message: string | Uint8Array): Uint8Array;
}

/** Broken key material: what was wrong, never the material itself. */
export class KeyError extends Error {
  override name = "KeyError";
}

/** Loads the WebAssembly that signs and verifies. Await it once before any other call of this entry. */
export async function ready(): Promise<void> {
  if (!(await cryptoWaitReady())) {
    throw new KeyError("the sr25519 WebAssembly could not be loaded");
  }
}

/** A development key such as `//Alice`, a phrase, or a 0x seed, each with derivation path. */
export function keypairFromUri(uri: string): Keypair {
  const { phrase, path, password } = keyExtractSuri(uri.startsWith("//") ? devPhrase + uri : uri);
  if (password !== undefined) {
    throw new KeyError("a /// password is not supported");
  }
  const root = phrase.startsWith("0x")
    ? sr25519PairFromSeed(seedBytes(phrase))
    : sr25519PairFromSeed(miniSecretOf(phrase));
  const pair = keyFromPath(root, path, "sr25519");
  return keypair(pair.publicKey, pair.secretKey);
}

/** @param mnemonic 12 to 24 words of the English BIP39 list */
export function keypairFromMnemonic(mnemonic: string): Keypair {
  return keypairFromSeed(miniSecretOf(mnemonic));
}

/** @param seed the 32-byte mini-secret, `secretSeed` in key files */
export function keypairFromSeed(seed: Uint8Array): Keypair {
  if (seed.length !== 32) {
    throw new KeyError(`a seed has 32 bytes, not ${seed.length}`);
  }
  const pair = sr25519PairFromSeed(seed);
  return keypair(pair.publicKey, pair.secretKey);
}

/**
 * @param secret 64 bytes, scalar and nonce as schnorrkel has them: `privateKey` in key files. polkadot-js keeps the
 * scalar times eight; `form: "polkadot"` takes that.
 */
export function keypairFromSecret(
  secret: Uint8Array,
  form: "canonical" | "polkadot" = "canonical",
): Keypair {
  if (secret.length !== 64) {
    throw new KeyError(`a private key has 64 bytes, not ${secret.length}`);
  }
  const expanded = form === "polkadot" ? secret : timesCofactor(secret);
  const scalar = bytesToNumberLE(expanded.subarray(0, 32)) / cofactor;
  if (scalar === 0n || scalar >= ristretto255.Point.Fn.ORDER) {
    throw new KeyError("the private key is out of range");
  }
  return keypair(ristretto255.Point.BASE.multiply(scalar).toBytes(), expanded);
}

/** A new phrase of twelve words, from the system's randomness. */
export function createMnemonic(): string {
  return mnemonicGenerate(12);
}

/** The 32-byte mini-secret of a phrase; throws KeyError when it is none. */
export function miniSecretOf(mnemonic: string): Uint8Array {
  const words = mnemonic.trim().toLowerCase().split(/\s+/).join(" ");
  if (!mnemonicValidate(words)) {
    throw new KeyError("the mnemonic is not a valid BIP39 phrase");
  }
  return mnemonicToMiniSecret(words);
}

const cofactor = 8n;
const devPhrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

function keypair(publicKey: Uint8Array, secretKey: Uint8Array): Keypair {
  return {
    ss58: ss58Of(publicKey),
    publicKey,
    sign: (message) => sr25519Sign(message, { publicKey, secretKey }),
  };
}

function seedBytes(hex: string): Uint8Array {
  if (!/^0x[0-9a-fA-F]{64}$/.test(hex)) {
    throw new KeyError("a seed is 0x and 64 hex digits");
  }
  return hexToU8a(hex);
}

/** polkadot's form of a private key to the canonical one, which wallets write; the reverse of `timesCofactor`. */
export function canonicalSecret(polkadotSecret: Uint8Array): Uint8Array {
  const divided = polkadotSecret.slice();
  for (const [index, byte] of polkadotSecret.subarray(0, 32).entries()) {
    const next = index < 31 ? (polkadotSecret[index + 1] ?? 0) : 0;
    divided[index] = (byte >> 3) | ((next & 7) << 5);
  }
  return divided;
}

/** Canonical scalar to polkadot's form: times eight, little endian; the nonce stays. */
function timesCofactor(secret: Uint8Array): Uint8Array {
  const shifted = secret.slice();
  let carry = 0;
  for (const [index, byte] of secret.subarray(0, 32).entries()) {
    shifted[index] = ((byte << 3) | carry) & 0xff;
    carry = byte >> 5;
  }
  return shifted;
}
