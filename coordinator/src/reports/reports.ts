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
  /** The report with who vouches for it and the signature, for an asset that is no miner's. */
  vouch(report: ScoreReport): ScoreReport;
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
  const signed = (report: ScoreReport, { ss58, sign }: Validator): ScoreReport => {
    const vouched = { ...report, validatorHotkey: ss58 };
    return { ...vouched, signature: Buffer.from(sign(Buffer.from(canonicalReport(vouched)))) };
  };
  return {
    save(submission, report) {
      const vouched = signed(report, others.get(submission.validator) ?? validator);
      store.run(
        "INSERT OR REPLACE INTO reports (id, report) VALUES (?, ?)",
        submission.id,
        toBinary(ScoreReportSchema, vouched),
      );
    },
    vouch: (report) => signed(report, validator),
    get(id) {
      const found = store.get("SELECT report FROM reports WHERE id = ?", id);
      return found === undefined
        ? undefined
        : fromBinary(ScoreReportSchema, row.parse(found).report);
    },
  };
}
