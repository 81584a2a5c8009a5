/**
 * Keys as polkadot.js (its extension, its apps page and the wallets made from it) exports them: JSON with the encrypted
 * key in `encoded`. It is turned into the text of a wallet's key file, so that everything else reads one form.
 */
import { u8aToHex } from "@polkadot/util";
import { decodeAddress, jsonDecryptData } from "@polkadot/util-crypto";
import { canonicalSecret, KeyError, keypairFromSecret, keypairFromSeed } from "./keypair.ts";
import { ss58Of } from "./ss58.ts";

/** The parts of an export that matter; what they hold is checked on opening. */
export interface PolkadotExport {
  readonly encoded: string;
  readonly encoding: { readonly content: readonly string[]; readonly type: readonly string[] };
  readonly address: string | undefined;
}

/** undefined when the text is no export of polkadot.js. */
export function parsePolkadotExport(text: string): PolkadotExport | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(parsed) || !isRecord(parsed.encoding) || typeof parsed.encoded !== "string") {
    return undefined;
  }
  const { content, type } = parsed.encoding;
  return {
    encoded: parsed.encoded,
    encoding: { content: textsOf(content), type: textsOf(type) },
    address: typeof parsed.address === "string" ? parsed.address : undefined,
  };
}

/** The exported key's address, which needs no password, in Bittensor's form. */
export function addressOfExport({ address = "" }: PolkadotExport): string | undefined {
  try {
    return ss58Of(decodeAddress(address, true));
  } catch {
    return undefined;
  }
}

export function needsPassword({ encoding }: PolkadotExport): boolean {
  return !encoding.type.includes("none");
}

/**
 * Decrypts it. Takes a good part of a second: the slow key derivation is its point.
 * @param password undefined for an export without one
 * @returns the text of a key file, which holds the private key as wallets write it
 * @throws KeyError for a wrong password, or a key of another kind
 */
export function openPolkadotExport(file: PolkadotExport, password: string | undefined): string {
  const { encoded, encoding } = file;
  if (encoding.content[0] === "batch-pkcs8") {
    throw new KeyError("it is an export of several accounts: export the one account by itself");
  }
  if (encoding.content[1] !== "sr25519") {
    throw new KeyError(
      `it is an export of a key of kind ${encoding.content[1] ?? "unknown"}; hotkeys are sr25519`,
    );
  }
  const type = encryptions.filter((known) => encoding.type.includes(known));
  if (type.length !== encoding.type.length) {
    throw new KeyError(`the export is encrypted in an unknown way: ${encoding.type.join(", ")}`);
  }
  const sealed = encoded.startsWith("0x")
    ? Buffer.from(encoded.slice(2), "hex")
    : Buffer.from(encoded, "base64");
  let bytes: Uint8Array;
  try {
    bytes = jsonDecryptData(sealed, password, type);
  } catch (cause) {
    throw new KeyError("the password is wrong, or the export is damaged", { cause });
  }
  return keyFileOf(bytes);
}

/** How secrets are encrypted in the exports that polkadot.js has written since 2017; `encoding.type` names them. */
const encryptions = ["none", "scrypt", "xsalsa20-poly1305"] as const;

/** In front of the secret, between it and the public key: DER of a PKCS #8 key, as polkadot.js writes it. */
const header = Buffer.from("3053020101300506032b657004220420", "hex");
const divider = Buffer.from("a123032100", "hex");

/** The secret has 64 bytes in polkadot's own form, or 32, a seed, in the oldest exports. */
function keyFileOf(bytes: Uint8Array): string {
  for (const length of [64, 32]) {
    const start = header.length;
    const end = start + length;
    if (!header.equals(bytes.subarray(0, start))) {
      break;
    }
    if (!divider.equals(bytes.subarray(end, end + divider.length))) {
      continue;
    }
    const secret = bytes.subarray(start, end);
    const { publicKey, ss58 } =
      length === 32 ? keypairFromSeed(secret) : keypairFromSecret(secret, "polkadot");
    const named = bytes.subarray(end + divider.length, end + divider.length + 32);
    if (!Buffer.from(publicKey).equals(named)) {
      throw new KeyError("the export's secret and its public key belong to different keys");
    }
    return JSON.stringify({
      accountId: u8aToHex(publicKey),
      publicKey: u8aToHex(publicKey),
      ...(length === 32
        ? { secretSeed: u8aToHex(secret) }
        : { privateKey: u8aToHex(canonicalSecret(secret)) }),
      ss58Address: ss58,
    });
  }
  throw new KeyError("the export holds no key in a form that is known");
}

function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "string");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
