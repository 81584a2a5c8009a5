/**
 * The signature of subnet 17 over a submission: sr25519 by the miner's hotkey over texts glued together without
 * separators; from October 2024 on with a consent text in front. Verifying needs no Node.
 */
import type { Keypair } from "../keys/keypair.ts";
import { verifySignature } from "../keys/signature.ts";

/** The years of the subnet's protocol: in 2025's, miners sign the consent text in front of 2024's. */
export type ProtocolYear = "2024" | "2025";

export interface SubmissionFacts {
  /** Nanoseconds since 1970. */
  readonly submitTime: bigint;
  /** Exactly as the validator gave it. */
  readonly prompt: string;
  readonly validatorHotkey: string;
  readonly minerHotkey: string;
}

/** The texts that a miner may have signed; that of 2025 only when the consent text is known. */
export function submissionMessages(
  facts: SubmissionFacts,
  consentText?: string,
): Readonly<Partial<Record<ProtocolYear, string>>> {
  const glued = `${facts.submitTime}${facts.prompt}${facts.validatorHotkey}${facts.minerHotkey}`;
  return consentText === undefined
    ? { "2024": glued }
    : { "2024": glued, "2025": consentText + glued };
}

/** @returns base64 of 64 bytes, as `SubmitResults.signature` wants it: over the text of 2025 when a consent text is given */
export function signSubmission(
  miner: Keypair,
  facts: Omit<SubmissionFacts, "minerHotkey">,
  consentText?: string,
): string {
  const messages = submissionMessages({ ...facts, minerHotkey: miner.ss58 }, consentText);
  return Buffer.from(miner.sign(messages["2025"] ?? messages["2024"] ?? "")).toString("base64");
}

/**
 * The protocol year whose text the miner signed; undefined when neither's, or when the signature is not base64 of 64
 * bytes.
 * @param signature base64 as it came
 */
export function verifySubmission(
  facts: SubmissionFacts,
  signature: string,
  consentText?: string,
): ProtocolYear | undefined {
  const bytes = signatureBytes(signature);
  return bytes && signedYear(facts, bytes, consentText);
}

/**
 * The protocol year whose text the miner signed; undefined when neither's.
 * @param signature 64 bytes; others are nobody's
 */
export function signedYear(
  facts: SubmissionFacts,
  signature: Uint8Array,
  consentText?: string,
): ProtocolYear | undefined {
  return candidates(facts, consentText).find(([, text]) =>
    verifySignature(text, signature, facts.minerHotkey),
  )?.[0];
}

/**
 * As `verifySubmission`, where somebody else verifies signatures.
 * @param hasSigned whether the miner signed the text with these 64 bytes
 */
export async function findSubmissionYear(
  facts: SubmissionFacts,
  signature: string,
  consentText: string | undefined,
  hasSigned: (text: string, signature: Uint8Array) => Promise<boolean>,
): Promise<ProtocolYear | undefined> {
  const bytes = signatureBytes(signature);
  if (bytes === undefined) {
    return undefined;
  }
  for (const [year, text] of candidates(facts, consentText)) {
    if (await hasSigned(text, bytes)) {
      return year;
    }
  }
  return undefined;
}

/** What miners sign now comes first. */
const years = ["2025", "2024"] as const satisfies readonly ProtocolYear[];

function candidates(
  facts: SubmissionFacts,
  consentText: string | undefined,
): readonly (readonly [year: ProtocolYear, text: string])[] {
  const messages = submissionMessages(facts, consentText);
  return years.flatMap((year) => {
    const text = messages[year];
    return text === undefined ? [] : [[year, text] as const];
  });
}

function signatureBytes(signature: string): Uint8Array | undefined {
  return /^[A-Za-z0-9+/]{86}==$/.test(signature) ? Buffer.from(signature, "base64") : undefined;
}
