import type { Asset } from "@turntable/proto";

/** Options of `verifyAssetOrigin`. */
export interface VerifyOptions {
  /**
   * The subnet's licence consent text, byte for byte. Miners of 2025 sign it in front of the facts; without it only
   * the form of 2024 can be checked.
   */
  readonly consentText?: string | undefined;
}

/** Whether an asset comes from the miner that it names. */
export type AssetOrigin =
  | {
      readonly kind: "verified";
      /** The protocol year whose text the miner signed: that of 2025 begins with the consent text. */
      readonly form: "2024" | "2025";
    }
  | {
      /** The signature is no signature of that miner over these facts, in any form that could be checked. */
      readonly kind: "mismatch";
    };

/**
 * Checks the miner's sr25519 signature over submit time, prompt, validator and miner. It proves that the miner
 * submitted for this prompt at that time; the subnet's signature does not cover the bytes themselves.
 */
export async function verifyAssetOrigin(
  asset: Asset,
  options: VerifyOptions = {},
): Promise<AssetOrigin> {
  // Loaded when first needed: the cryptography takes longer to start than everything else in this package.
  const { readyToVerify, signedYear } = await import("@turntable/bittensor/verify");
  await readyToVerify();
  const facts = { ...asset, submitTime: asset.submitTimeNs };
  const form = signedYear(facts, asset.signature, options.consentText);
  return form === undefined ? { kind: "mismatch" } : { kind: "verified", form };
}
