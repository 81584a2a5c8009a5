import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Keypair } from "@turntable/bittensor/keys";
import { canonicalReport, type ScoreReport, ScoreReportSchema } from "@turntable/proto";
import { z } from "zod";
import type { Store } from "../store/index.ts";

export interface Reports {
  /** Keeps the report of a submission, with the validator's hotkey put in and signed by it. */
  save(submissionId: string, report: ScoreReport): void;
  /** The report of the submission that an assignment got; undefined when nothing of it was scored. */
  ofAssignment(assignmentId: string): ScoreReport | undefined;
}

const row = z.object({ report: z.instanceof(Uint8Array).nullable() });

/** @param validator who vouches for the reports */
export function createReports(store: Store, validator: Pick<Keypair, "ss58" | "sign">): Reports {
  return {
    save(submissionId, report) {
      const vouched = { ...report, validatorHotkey: validator.ss58 };
      const signature = validator.sign(Buffer.from(canonicalReport(vouched)));
      store.run(
        "UPDATE submissions SET report = ? WHERE id = ?",
        toBinary(ScoreReportSchema, { ...vouched, signature }),
        submissionId,
      );
    },
    ofAssignment(assignmentId) {
      const found = row
        .optional()
        .parse(store.get("SELECT report FROM submissions WHERE assignment_id = ?", assignmentId));
      return found?.report ? fromBinary(ScoreReportSchema, found.report) : undefined;
    },
  };
}
