import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Keypair } from "@turntable/bittensor/keys";
import { canonicalReport, type ScoreReport, ScoreReportSchema } from "@turntable/proto";
import { z } from "zod";
import type { Store } from "../store/index.ts";

export interface Reports {
  /**
   * Keeps the report of a submission, signed by the hotkey of the axon that took it, which is put in. A report that is
   * there already is replaced: a replayed job may overrule what was found before.
   */
  save(submission: { readonly id: string; readonly validator: string }, report: ScoreReport): void;
  /** The report of a submission, by the submission's id; undefined when it was not scored. */
  get(id: string): ScoreReport | undefined;
}

const row = z.object({ report: z.instanceof(Uint8Array) });

type Validator = Pick<Keypair, "ss58" | "sign">;

/**
 * The signed reports in `store`.
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
        "INSERT OR REPLACE INTO reports (id, report) VALUES (?, ?)",
        submission.id,
        toBinary(ScoreReportSchema, { ...vouched, signature }),
      );
    },
    get(id) {
      const found = store.get("SELECT report FROM reports WHERE id = ?", id);
      return found === undefined
        ? undefined
        : fromBinary(ScoreReportSchema, row.parse(found).report);
    },
  };
}
