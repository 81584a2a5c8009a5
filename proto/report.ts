/** What is agreed about reports beside their fields: the form that is signed, and the threshold that they go by. */
import { toJson } from "@bufbuild/protobuf";
import { type ScoreReport, ScoreReportSchema } from "./gen/turntable/v1/report_pb.ts";

/**
 * The subnet's acceptance threshold, 0 to 1: from this score on a submission is accepted. Rule sets may have another;
 * jobs and reports say which. It also stands for the zero of jobs and reports from before they did.
 */
export const subnetAcceptance = 0.6;

/** Canonical JSON of a report without its signature, as report.proto says it; what is signed are its UTF-8 bytes. */
export function canonicalReport(report: ScoreReport): string {
  return JSON.stringify(
    sorted(toJson(ScoreReportSchema, { ...report, signature: new Uint8Array(0) })),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
