/** Signed calls as they come in: decoded by the runtime's metadata, their signature checked by hand. */

import { blake2AsU8a } from "@polkadot/util-crypto";
import { ss58Of, verifySignature } from "../../keys/index.ts";
import { compact, littleEndian, type Runtime } from "./scale.ts";

export interface SignedCall {
  readonly bytes: Uint8Array;
  readonly signer: string;
  readonly nonce: number;
  /** Whether the signature is valid for a span of blocks alone, its era. */
  readonly mortal: boolean;
  /** Number of the block at which a mortal signature's era begins; 0, the genesis block, for immortal ones. */
  readonly eraBirth: number;
  readonly pallet: string;
  /** As the metadata spells it, e.g. set_weights. */
  readonly call: string;
  /** By the metadata's names. */
  readonly args: Readonly<Record<string, ExtrinsicArg>>;
  isSigned(facts: {
    readonly specVersion: number;
    readonly genesis: Uint8Array;
    readonly birthHash: Uint8Array;
  }): boolean;
}

export interface ExtrinsicArg {
  toU8a(bare?: boolean): Uint8Array;
  toString(): string;
  toJSON(): unknown;
}

/** @throws Error when the bytes are no such call */
export function parseExtrinsic(runtime: Runtime, bytes: Uint8Array, block: number): SignedCall {
  const extrinsic = runtime.registry.createType(
    "Extrinsic",
    `0x${Buffer.from(bytes).toString("hex")}`,
  );
  if (!extrinsic.isSigned) {
    throw new Error("the extrinsic is not signed");
  }
  const { method, era, nonce, tip } = extrinsic;
  const signer = ss58Of(
    runtime.registry.createType("AccountId32", extrinsic.signer.value.toU8a()).toU8a(),
  );
  const signature = extrinsic.signature.toU8a().slice(-64);
  const meta = method.meta;
  const isMortal = era.isMortalEra;
  return {
    bytes,
    signer,
    nonce: nonce.toNumber(),
    mortal: isMortal,
    eraBirth: isMortal ? era.asMortalEra.birth(block) : 0,
    pallet: method.section,
    call: meta.name.toString(),
    args: Object.fromEntries(
      meta.args.map(({ name }, index) => [
        snakeCase(name.toString()),
        method.args[index] as ExtrinsicArg,
      ]),
    ),
    isSigned({ specVersion, genesis, birthHash }) {
      const hashed = runtime.extensions.includes("CheckMetadataHash");
      const payload = Buffer.concat([
        method.toU8a(),
        era.toU8a(),
        compact(BigInt(nonce.toString())),
        compact(BigInt(tip.toString())),
        ...(hashed ? [Uint8Array.of(0)] : []),
        littleEndian(BigInt(specVersion), 4),
        littleEndian(1n, 4),
        genesis,
        isMortal ? birthHash : genesis,
        ...(hashed ? [Uint8Array.of(0)] : []),
      ]);
      const signed = payload.length > 256 ? blake2AsU8a(payload, 256) : payload;
      return verifySignature(signed, signature, signer);
    },
  };
}

/** The library gives names in camel case, the metadata has them in snake case. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
