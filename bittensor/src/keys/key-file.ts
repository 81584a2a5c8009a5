/**
 * Key files of every version of the Python wallets: one JSON object, in which the secret is a phrase, a seed, a
 * private key, or absent (public files). What each version writes and loads: `keyfiles` of the test vectors.
 */
import { open } from "node:fs/promises";
import { hexToU8a, u8aToHex } from "@polkadot/util";
import { encryptionOf } from "./encryption.ts";
import {
  createMnemonic,
  KeyError,
  type Keypair,
  keypairFromMnemonic,
  keypairFromSecret,
  keypairFromSeed,
  miniSecretOf,
} from "./keypair.ts";
import { publicKeyOf, ss58Of } from "./ss58.ts";

/** What a key file holds. `keypair` is undefined in a public file. */
export interface KeyFile {
  readonly ss58: string;
  readonly publicKey: Uint8Array;
  readonly keypair: Keypair | undefined;
}

/** A key file that can't be used: the path and the reason. */
export class KeyFileError extends Error {
  override name = "KeyFileError";
  readonly path: string;
  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}`, options);
    this.path = path;
  }
}

/** @throws KeyError when the text is no key file, or its parts contradict each other. */
export function parseKeyFile(text: string): KeyFile {
  const trimmed = text.replace(/^\uFEFF/, "").trim();
  if (/^0x[0-9a-fA-F]{64}$/.test(trimmed)) {
    return publicOnly(hexToU8a(trimmed)); // the oldest public files
  }
  const fields = parseFields(trimmed);
  const keypair = secretOf(fields);
  const named = publicKeyIn(fields);
  if (keypair === undefined) {
    if (named === undefined) {
      throw new KeyError("the key file has neither a secret nor an address");
    }
    return publicOnly(named);
  }
  if (named !== undefined && ss58Of(named) !== keypair.ss58) {
    throw new KeyError("the key file's secret and its address belong to different keys");
  }
  return { ss58: keypair.ss58, publicKey: keypair.publicKey, keypair };
}

/** What a text is instead of JSON, without a word of what may be secret. */
function noJson(text: string): string {
  if (text === "") {
    return "the key file is empty";
  }
  const areWords = /^[a-z]{3,8}(\s+[a-z]{3,8}){11,23}$/.test(text);
  return areWords
    ? "the key file holds bare words: `bittensor-wallet regen --mnemonic-file` makes a key file of them"
    : "the key file is not JSON";
}

/** The secrets that a key file holds, for those who want to see them written out. */
export function secretsIn(text: string): {
  readonly mnemonic: string | undefined;
  readonly seed: string | undefined;
  /** As the wallets write it; the only one of a key that was derived by path, such as //Alice. */
  readonly privateKey: string | undefined;
} {
  const fields = parseFields(text.trim());
  return {
    mnemonic: textIn(fields, "secretPhrase"),
    seed: textIn(fields, "secretSeed"),
    privateKey: textIn(fields, "privateKey"),
  };
}

/**
 * Writes a new hotkey with mode 0600 in the form that every wallet version reads, and returns it.
 * @throws KeyFileError when the file exists already: keys are never overwritten.
 */
export async function createHotkeyFile(
  path: string,
  mnemonic: string = createMnemonic(),
): Promise<Keypair> {
  await writeKeyFile(path, keyFileText(mnemonic));
  return keypairFromMnemonic(mnemonic);
}

/** Writes a new file with mode 0600. @throws KeyFileError when it exists already: keys are never overwritten. */
export async function writeKeyFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await using file = await open(path, "wx", 0o600);
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    throw new KeyFileError(path, `can't be written (${String(error)})`, { cause: error });
  }
}

/**
 * The file that all versions load: texts only (btwallet 2.1 to 4.0 refuse numbers), with phrase or seed (6.9 can't use
 * `privateKey`), without byte order mark or final newline.
 */
export function keyFileText(secret: string | { readonly seed: Uint8Array }): string {
  const phrase =
    typeof secret === "string" ? secret.trim().toLowerCase().split(/\s+/).join(" ") : undefined;
  const seed = typeof secret === "string" ? miniSecretOf(secret) : secret.seed;
  const pair = keypairFromSeed(seed);
  return JSON.stringify({
    accountId: u8aToHex(pair.publicKey),
    publicKey: u8aToHex(pair.publicKey),
    ...(phrase === undefined ? {} : { secretPhrase: phrase }),
    secretSeed: u8aToHex(seed),
    ss58Address: pair.ss58,
  });
}

/** The public half of a key file, as `coldkeypub.txt` and `hotkeys/<name>pub.txt` have it. */
export function publicKeyFileText(publicKey: Uint8Array): string {
  const hex = u8aToHex(publicKey);
  return JSON.stringify({ accountId: hex, publicKey: hex, ss58Address: ss58Of(publicKey) });
}

/** A number in what wallets write; texts have been seen to load too. */
const sr25519Types: readonly unknown[] = [1, "1", "sr25519", null];

type Fields = Readonly<Record<string, unknown>>;

function parseFields(text: string): Fields {
  const encryption = encryptionOf(Buffer.from(text.slice(0, 16)));
  if (encryption !== undefined) {
    throw new KeyError(`the key file is encrypted (${encryption}): its password is needed`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new KeyError(noJson(text)); // no cause: its message would quote the secret
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new KeyError("the key file is not a JSON object");
  }
  const fields = { ...parsed };
  if ("encoded" in fields && "encoding" in fields) {
    throw new KeyError("the key file is an export of polkadot.js: its password is needed");
  }
  if ("cryptoType" in fields && !sr25519Types.includes(fields.cryptoType)) {
    throw new KeyError("the key is not sr25519 (cryptoType 1), the only kind that hotkeys may be");
  }
  return fields;
}

/** Phrase, seed, private key: the first that is there and well formed decides. */
function secretOf(fields: Fields): Keypair | undefined {
  const phrase = textIn(fields, "secretPhrase");
  if (phrase !== undefined) {
    return keypairFromMnemonic(phrase);
  }
  // btwallet once wrote raw bytes here when they happened to be UTF-8; another secret then serves.
  const seed = hexIn(fields, "secretSeed", 32);
  if (seed !== undefined) {
    return keypairFromSeed(seed);
  }
  const secret = hexIn(fields, "privateKey", 64);
  if (secret !== undefined) {
    return keypairFromSecret(secret);
  }
  if (textIn(fields, "secretSeed") !== undefined || textIn(fields, "privateKey") !== undefined) {
    throw new KeyError("the key file's secret is not hex of the right length");
  }
  return undefined;
}

function publicKeyIn(fields: Fields): Uint8Array | undefined {
  const key = hexIn(fields, "publicKey", 32) ?? hexIn(fields, "accountId", 32);
  const ss58 = textIn(fields, "ss58Address");
  if (ss58 === undefined) {
    return key;
  }
  const ofAddress = publicKeyOf(ss58);
  if (ofAddress === undefined) {
    throw new KeyError("ss58Address is not an address with prefix 42");
  }
  if (key !== undefined && ss58Of(key) !== ss58) {
    throw new KeyError("publicKey and ss58Address belong to different keys");
  }
  return ofAddress;
}

function publicOnly(publicKey: Uint8Array): KeyFile {
  return { ss58: ss58Of(publicKey), publicKey, keypair: undefined };
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function hexIn(fields: Fields, name: string, bytes: number): Uint8Array | undefined {
  const value = textIn(fields, name);
  return value !== undefined && new RegExp(`^(0x)?[0-9a-fA-F]{${bytes * 2}}$`).test(value)
    ? hexToU8a(value.startsWith("0x") ? value : `0x${value}`)
    : undefined;
}
