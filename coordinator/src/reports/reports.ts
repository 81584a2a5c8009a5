import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Keypair } from "@turntable/bittensor/keys";
import { canonicalReport, type ScoreReport, ScoreReportSchema } from "@turntable/proto";
import { z } from "zod";
import type { Store } from "../store/index.ts";

export interface Reports {
  /** Keeps the report of a submission, signed by the hotkey of the axon that took it, which is put in. */
  save(submission: { readonly id: string; readonly validator: string }, report: ScoreReport): void;
  /** The report of the submission that an assignment got; undefined when nothing of it was scored. */
  ofAssignment(assignmentId: string): ScoreReport | undefined;
}

const row = z.object({ report: z.instanceof(Uint8Array).nullable() });

type Validator = Pick<Keypair, "ss58" | "sign">;

/**
 * @param validator who vouches for reports of submissions whose axon is not, or no more, among the others'
 * @param others by ss58
 */
export function createReports(
  store: Store,
  validator: Validator,
  others: ReadonlyMap<string, Validator> = new Map(),
): Reports {
  return {
    save(submission, report) {
      const { ss58, sign } = others.get(submission.validator) ?? validator;
      const vouched = { ...report, validatorHotkey: ss58 };
      const signature = sign(Buffer.from(canonicalReport(vouched)));
      store.run(
        "UPDATE submissions SET report = ? WHERE id = ?",
        toBinary(ScoreReportSchema, { ...vouched, signature }),
        submission.id,
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
