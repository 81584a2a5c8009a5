/**
 * Timelock encryption as subtensor decrypts it: identity-based encryption to a future round of drand's quicknet, whose
 * signature, once published, is the key. A different format from drand's own tlock.
 *
 * Layout of a commit (lengths are u64, little endian):
 *   U (G2, 96) | 32 | V (32) | 32 | W (32) | body length | aes length | aes | 12 | nonce (12) | 8 | "AES_GCM_"
 * Everything hashes with SHA-256; scalars and points are big endian, pairing values little endian.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { bls12_381 as bls } from "@noble/curves/bls12-381.js";
import { bytesToNumberBE } from "@noble/curves/utils.js";

/** drand quicknet. */
export const quicknet = {
  publicKey: Buffer.from(
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
    "hex",
  ),
  /** Unix seconds of round 1. */
  genesis: 1_692_803_367,
  /** Seconds between rounds. */
  period: 3,
} as const;

/** The chain stores no longer ones. */
export const maxCommitBytes = 5000;

/** A commit that can't be made or opened. */
export class TimelockError extends Error {
  override name = "TimelockError";
}

/** Randomness of one encryption, handed in by tests only. */
export interface TimelockSecrets {
  /** 32 bytes: the AES key, and what the round's signature gives back. */
  readonly esk: Uint8Array;
  /** 32 bytes */
  readonly sigma: Uint8Array;
  /** 12 bytes */
  readonly nonce: Uint8Array;
}

export interface EncryptOptions {
  /** Public key of the beacon: 96 bytes, G2 compressed; that of quicknet by default. */
  readonly publicKey?: Uint8Array;
  readonly secrets?: TimelockSecrets;
}

/** @throws TimelockError when the commit would be longer than the chain takes */
export function encryptToRound(
  plain: Uint8Array,
  round: bigint,
  options: EncryptOptions = {},
): Uint8Array {
  const { esk, sigma, nonce } = options.secrets ?? drawSecrets();
  const scalar = bindingScalar(sigma, esk);
  const beacon = bls.G2.Point.fromBytes(options.publicKey ?? quicknet.publicKey);
  const u = bls.G2.Point.BASE.multiply(scalar);
  const shared = bls.pairing(roundPoint(round).multiply(scalar), beacon);
  const v = xor(sigma, sha256(gtBytes(shared)));
  const w = xor(esk, sha256(sigma));
  const cipher = createCipheriv("aes-256-gcm", esk, nonce);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const body = Buffer.concat([vector(sealed), vector(nonce)]);
  const commit = Buffer.concat([
    u.toBytes(true),
    vector(v),
    vector(w),
    vector(body),
    vector(suite),
  ]);
  if (commit.length > maxCommitBytes) {
    throw new TimelockError(
      `the commit has ${commit.length} bytes, the chain takes ${maxCommitBytes}: set fewer weights`,
    );
  }
  return commit;
}

/**
 * What the chain does when the round's signature comes.
 * @param signature of the round, G1 compressed, 48 bytes
 * @throws TimelockError when it is another round's, or the commit is damaged
 */
export function decryptWithSignature(commit: Uint8Array, signature: Uint8Array): Uint8Array {
  const parts = parseCommit(commit);
  try {
    const u = bls.G2.Point.fromBytes(parts.u);
    const shared = bls.pairing(bls.G1.Point.fromBytes(signature), u);
    const sigma = xor(parts.v, sha256(gtBytes(shared)));
    const esk = xor(parts.w, sha256(sigma));
    if (!bls.G2.Point.BASE.multiply(bindingScalar(sigma, esk)).equals(u)) {
      throw new TimelockError("the signature is not that of the commit's round");
    }
    const decipher = createDecipheriv("aes-256-gcm", esk, parts.nonce);
    decipher.setAuthTag(parts.sealed.subarray(-16));
    return Buffer.concat([decipher.update(parts.sealed.subarray(0, -16)), decipher.final()]);
  } catch (cause) {
    if (cause instanceof TimelockError) {
      throw cause;
    }
    throw new TimelockError("the commit can't be decrypted", { cause });
  }
}

/** The point that the beacon signs for a round: its number is hashed, and that is hashed to the curve. */
export function roundPoint(round: bigint): InstanceType<typeof bls.G1.Point> {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(round);
  const point = bls.G1.hashToCurve(sha256(number), { DST: signatureDomain });
  return bls.G1.Point.fromAffine(point.toAffine());
}

/** Says G1, as quicknet's scheme does. */
const signatureDomain = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
const suite = Buffer.from("AES_GCM_", "latin1");

interface CommitParts {
  readonly u: Uint8Array;
  readonly v: Uint8Array;
  readonly w: Uint8Array;
  readonly sealed: Uint8Array;
  readonly nonce: Uint8Array;
}

/** Bytes after the suite, and in the body after the nonce, are ignored, as the node does. */
function parseCommit(commit: Uint8Array): CommitParts {
  const outer = createReader(commit);
  const u = outer.take(96);
  const v = outer.vector();
  const w = outer.vector();
  const body = createReader(outer.vector());
  outer.vector();
  const sealed = body.vector();
  const nonce = body.vector();
  if (v.length !== 32 || w.length !== 32 || nonce.length !== 12 || sealed.length < 16) {
    throw new TimelockError("a part of the commit has the wrong length");
  }
  return { u, v, w, sealed, nonce };
}

function createReader(bytes: Uint8Array) {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    if (offset + length > bytes.length) {
      throw new TimelockError("the commit is cut off");
    }
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  return {
    take,
    vector(): Uint8Array {
      const length = Buffer.from(take(8)).readBigUInt64LE();
      if (length > BigInt(bytes.length)) {
        throw new TimelockError("the commit is cut off");
      }
      return take(Number(length));
    },
  };
}

function drawSecrets(): TimelockSecrets {
  return { esk: randomBytes(32), sigma: randomBytes(32), nonce: randomBytes(12) };
}

/** Binds the ciphertext to both secrets; the chance of zero is nil. */
function bindingScalar(sigma: Uint8Array, esk: Uint8Array): bigint {
  const scalar = bytesToNumberBE(sha256(Buffer.concat([sigma, esk]))) % bls.fields.Fr.ORDER;
  if (scalar === 0n) {
    throw new TimelockError("the secrets give no scalar: draw again");
  }
  return scalar;
}

/** arkworks' order: the coefficients from the lowest, each 48 bytes little endian. (noble's own is big endian.) */
function gtBytes(value: ReturnType<typeof bls.pairing>): Uint8Array {
  const coefficients = [value.c0, value.c1].flatMap((six) =>
    [six.c0, six.c1, six.c2].flatMap((two) => [two.c0, two.c1]),
  );
  return Buffer.concat(
    coefficients.map((coefficient) =>
      Buffer.from(coefficient.toString(16).padStart(96, "0"), "hex").reverse(),
    ),
  );
}

function vector(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([length, bytes]);
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
