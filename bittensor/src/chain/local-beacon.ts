/** A drand of our own, which signs any round at once: the local chain reveals commits without waiting for the real one. */
import { randomBytes } from "node:crypto";
import { bls12_381 as bls } from "@noble/curves/bls12-381.js";
import { bytesToNumberBE } from "@noble/curves/utils.js";
import { roundPoint } from "./timelock/index.ts";

export interface Beacon {
  /** G2 compressed: what commits for this chain are encrypted to. */
  readonly publicKey: Uint8Array;
  /** G1 compressed */
  sign(round: bigint): Uint8Array;
}

export function createBeacon(): Beacon {
  // 48 bytes, so that the remainder is as good as uniform
  const secret = (bytesToNumberBE(randomBytes(48)) % (bls.fields.Fr.ORDER - 1n)) + 1n;
  return {
    publicKey: bls.G2.Point.BASE.multiply(secret).toBytes(true),
    sign: (round) => roundPoint(round).multiply(secret).toBytes(true),
  };
}
