import { isMessage } from "@bufbuild/protobuf";
import { canonicalReport, type ScoreReport } from "@turntable/proto";

/** Options of `verifyReport`. */
export interface VerifyReportOptions {
  /** The validator that is trusted, ss58; without it whoever the report names is believed to be that validator. */
  readonly validatorHotkey?: string | undefined;
}

/** Whether a report is what its validator vouched for. */
export type ReportSignature =
  | { readonly kind: "verified" }
  /** Nobody signed it; workers print such reports. */
  | { readonly kind: "unsigned" }
  /** It was changed after it was signed, or the signature is not of the validator that it names. */
  | { readonly kind: "mismatch" }
  /** It has fields that this package does not know and cannot check: a newer version can. */
  | { readonly kind: "newer" }
  /** It names another validator than the trusted one. */
  | { readonly kind: "other-validator" };

/**
 * Checks the validator's sr25519 signature over a report (its canonical JSON, as report.proto says it). A server that
 * is newer than this package may sign fields that it does not know: such a report is `newer`, as far as they came along.
 */
export async function verifyReport(
  report: ScoreReport,
  { validatorHotkey = report.validatorHotkey }: VerifyReportOptions = {},
): Promise<ReportSignature> {
  if (report.validatorHotkey !== validatorHotkey) {
    return { kind: "other-validator" };
  }
  if (report.signature.length === 0) {
    return { kind: "unsigned" };
  }
  // Loaded when first needed: the cryptography takes longer to start than everything else in this package.
  const { readyToVerify, verifySignature } = await import("@turntable/bittensor/verify");
  await readyToVerify();
  const isTrue = verifySignature(canonicalReport(report), report.signature, validatorHotkey);
  if (isTrue) {
    return { kind: "verified" };
  }
  return { kind: hasUnknownFields(report) ? "newer" : "mismatch" };
}

/** In it or in a message within it. */
function hasUnknownFields(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.some(hasUnknownFields);
  }
  return (
    isMessage(value) &&
    ((value.$unknown?.length ?? 0) > 0 || Object.values(value).some(hasUnknownFields))
  );
}
