import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ScoreReport, ScoreReportSchema } from "@turntable/proto";
import { z } from "zod";
import type { Store } from "../store/index.ts";

export interface Reports {
  /** Keeps the report of a submission, with the validator's hotkey put in. */
  save(submissionId: string, report: ScoreReport): void;
  /** The report of the submission that an assignment got; undefined when nothing of it was scored. */
  ofAssignment(assignmentId: string): ScoreReport | undefined;
}

const row = z.object({ report: z.instanceof(Uint8Array).nullable() });

/** @param validatorHotkey ss58 of who vouches for the reports. */
export function createReports(store: Store, validatorHotkey: string): Reports {
  return {
    save: (submissionId, report) =>
      store.run(
        "UPDATE submissions SET report = ? WHERE id = ?",
        toBinary(ScoreReportSchema, { ...report, validatorHotkey }),
        submissionId,
      ),
    ofAssignment(assignmentId) {
      const found = row
        .optional()
        .parse(store.get("SELECT report FROM submissions WHERE assignment_id = ?", assignmentId));
      return found?.report ? fromBinary(ScoreReportSchema, found.report) : undefined;
    },
  };
}
