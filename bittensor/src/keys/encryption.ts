/**
 * The three ways in which wallets have encrypted key files: NaCl (today's), Ansible Vault and Fernet (legacy). Slow key
 * derivation is their point: NaCl needs 512 MiB and seconds, Fernet ten million rounds.
 */
import * as crypto from "node:crypto";
import { promisify } from "node:util";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { KeyError } from "./keypair.ts";

export type Encryption = "NaCl" | "Ansible Vault" | "Fernet";

/** How a key file is encrypted; undefined when it is plain. */
export function encryptionOf(file: Uint8Array): Encryption | undefined {
  const start = Buffer.from(file.subarray(0, 16)).toString("latin1");
  if (start.startsWith(naclPrefix)) {
    return "NaCl";
  }
  if (start.startsWith("$ANSIBLE_VAULT")) {
    return "Ansible Vault";
  }
  return start.startsWith("gAAAAA") ? "Fernet" : undefined;
}

/** The plain text of an encrypted key file. @throws KeyError for a wrong password, a broken file, or a plain one */
export async function decryptKeyFile(file: Uint8Array, password: string): Promise<string> {
  const plain = await decrypted(file, password);
  return Buffer.from(plain).toString("utf8");
}

/** Encrypts as today's wallets do. */
export async function encryptKeyFile(text: string, password: string): Promise<Uint8Array> {
  const nonce = crypto.randomBytes(naclNonceBytes);
  const key = await naclKey(password);
  const sealed = xsalsa20poly1305(key, nonce).encrypt(Buffer.from(text));
  return Buffer.concat([Buffer.from(naclPrefix), nonce, sealed]);
}

async function decrypted(file: Uint8Array, password: string): Promise<Uint8Array> {
  const encryption = encryptionOf(file);
  switch (encryption) {
    case "NaCl":
      return openNacl(file, password);
    case "Ansible Vault":
      return openAnsible(Buffer.from(file).toString("latin1"), password);
    case "Fernet":
      return openFernet(Buffer.from(file).toString("latin1").trim(), password);
    case undefined:
      throw new KeyError("the key file is not encrypted");
  }
}

const naclPrefix = "$NACL";
const naclNonceBytes = 24;
/** Fixed in the wallets' source: the password alone decides the key. */
const naclSalt = Buffer.from("137183dff15a09bc9c90b5518739e9b1", "hex");
/** libsodium's "sensitive" Argon2i: passes, and memory in KiB. */
const naclPasses = 8;
const naclMemoryKib = 512 * 1024;

async function naclKey(password: string): Promise<Uint8Array> {
  if (typeof crypto.argon2 !== "function") {
    throw new KeyError("key files with NaCl encryption need Node 24.7 or newer");
  }
  return promisify(crypto.argon2)("argon2i", {
    message: password,
    nonce: naclSalt,
    parallelism: 1,
    tagLength: 32,
    memory: naclMemoryKib,
    passes: naclPasses,
  });
}

async function openNacl(file: Uint8Array, password: string): Promise<Uint8Array> {
  const start = naclPrefix.length;
  const nonce = file.subarray(start, start + naclNonceBytes);
  const sealed = file.subarray(start + naclNonceBytes);
  if (sealed.length < 16) {
    throw new KeyError("the key file is cut off");
  }
  const key = await naclKey(password);
  try {
    return xsalsa20poly1305(key, nonce).decrypt(sealed);
  } catch {
    throw wrongPassword();
  }
}

const pbkdf2 = promisify(crypto.pbkdf2);

/** Ansible Vault 1.1: hex of three hex texts: salt, HMAC, ciphertext. */
async function openAnsible(text: string, password: string): Promise<Uint8Array> {
  const [head = "", ...lines] = text.trim().split(/\r?\n/);
  if (!/^\$ANSIBLE_VAULT;1\.[12];AES256/.test(head)) {
    throw new KeyError(`an Ansible Vault of this kind is not known: ${head.slice(0, 40)}`);
  }
  const inner = Buffer.from(lines.join("").trim(), "hex").toString("latin1").split("\n");
  const [salt, mac, sealed] = inner.map((part) => Buffer.from(part, "hex"));
  if (salt === undefined || mac === undefined || sealed === undefined) {
    throw new KeyError("the key file is cut off");
  }
  const derived = await pbkdf2(password, salt, 10_000, 80, "sha256");
  const expected = crypto.createHmac("sha256", derived.subarray(32, 64)).update(sealed).digest();
  if (!isEqual(expected, mac)) {
    throw wrongPassword();
  }
  const decipher = crypto.createDecipheriv(
    "aes-256-ctr",
    derived.subarray(0, 32),
    derived.subarray(64, 80),
  );
  const padded = Buffer.concat([decipher.update(sealed), decipher.final()]);
  return padded.subarray(0, padded.length - (padded.at(-1) ?? 0)); // PKCS#7
}

/** In the wallets' source too. */
const fernetSalt = "Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins";
const fernetRounds = 10_000_000;

/** Fernet: version, time (8), IV (16), AES-128-CBC, HMAC-SHA256 (32); the key's first half signs. */
async function openFernet(token: string, password: string): Promise<Uint8Array> {
  const bytes = Buffer.from(token, "base64url");
  if (bytes.length < 73 || bytes[0] !== 0x80) {
    throw new KeyError("the key file is cut off");
  }
  const key = await pbkdf2(password, fernetSalt, fernetRounds, 32, "sha256");
  const signed = bytes.subarray(0, -32);
  const expected = crypto.createHmac("sha256", key.subarray(0, 16)).update(signed).digest();
  if (!isEqual(expected, bytes.subarray(-32))) {
    throw wrongPassword();
  }
  const decipher = crypto.createDecipheriv("aes-128-cbc", key.subarray(16), bytes.subarray(9, 25));
  return Buffer.concat([decipher.update(signed.subarray(25)), decipher.final()]);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && crypto.timingSafeEqual(a, b);
}

function wrongPassword(): KeyError {
  return new KeyError("the password is wrong, or the key file is damaged");
}
