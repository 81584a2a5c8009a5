/** Whether a report is its validator's, found here: the page believes the server in this as little as a reader should. */
import type { ScoreReport } from "@turntable/proto";

export type SignatureKind = "verified" | "unsigned" | "mismatch" | "newer" | "other-validator";

/** Loads the cryptography, some 200 kB, with the first report. */
export async function checkSignature(report: ScoreReport): Promise<SignatureKind> {
  const { verifyReport } = await import("@turntable/client/web");
  return (await verifyReport(report)).kind;
}
