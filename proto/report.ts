/** The form of a ScoreReport that is signed and compared. */
import { toJson } from "@bufbuild/protobuf";
import { type ScoreReport, ScoreReportSchema } from "./gen/turntable/v1/report_pb.ts";

/** Canonical JSON of a report without its signature, as report.proto says it; what is signed are its UTF-8 bytes. */
export function canonicalReport(report: ScoreReport): string {
  return JSON.stringify(
    sorted(toJson(ScoreReportSchema, { ...report, signature: new Uint8Array(0) })),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
