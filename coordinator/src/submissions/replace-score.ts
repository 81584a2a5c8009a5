/** Puts what another worker found in the place of a verdict's score (U8). */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type RenderScoreResult, ReplacedScoreSchema, type ScoreReport } from "@turntable/proto";
import type { Miners } from "../miners/index.ts";
import type { Reports } from "../reports/index.ts";
import { fidelityOf, type RuleSet } from "../rules/index.ts";
import type { Assignment, Tasks, VerdictKind } from "../tasks/index.ts";
import type { Duplicates } from "./duplicates.ts";
import type { Submission } from "./submission.ts";
import { verdictOf } from "./verdict.ts";

/** What a submission was worth before, and is now. */
export interface ReplacedScore {
  readonly submissionId: string;
  /** The miner's, ss58. */
  readonly hotkey: string;
  readonly verdict: VerdictKind;
  /** 0 to 1; 0 where nothing was scored. */
  readonly before: { readonly score: number; readonly fidelity: number };
  readonly after: { readonly score: number; readonly fidelity: number };
  /** Whether the miner's reward follows the new score: its window still holds the old one. */
  readonly isRewarded: boolean;
}

export interface ReplaceScoreParts {
  readonly tasks: Tasks;
  readonly miners: Miners;
  readonly reports: Pick<Reports, "save" | "get">;
  readonly rules: RuleSet;
  readonly duplicates: Duplicates;
  /** Whether another try of the miner's at the task was accepted. */
  readonly wasAcceptedBefore: (assignment: Assignment) => boolean;
}

/**
 * The verdict, and what became of the task, stay as they were told; score, reward and report follow what is known now.
 * To be called in a transaction, for a submission that has its verdict and with a result that is no fault.
 */
export function replaceScore(
  parts: ReplaceScoreParts,
  submission: Submission,
  assignment: Assignment,
  result: RenderScoreResult,
  now: number,
): ReplacedScore | undefined {
  const { miners, tasks, rules } = parts;
  const found = verdictOf(result, rules);
  const verdict = submission.feedback?.verdict;
  if (verdict === undefined || found.kind === "system-fault") {
    return undefined;
  }
  const { id: submissionId } = submission;
  const { hotkey } = assignment;
  const earned = miners.earned(submissionId, now);
  const score = found.score ?? 0;
  const before = { score: assignment.score ?? 0, fidelity: earned ?? 0 };
  const isGood = found.kind === "accepted" && earned !== undefined;
  const mayEarn =
    isGood && (before.fidelity > 0 || mayBeRewarded(parts, submission, assignment, result, now));
  const after = { score, fidelity: mayEarn ? fidelityOf(rules, score) : 0 };
  tasks.replaceScore(submissionId, found.score);
  if (earned !== undefined && earned !== after.fidelity) {
    miners.replaceFidelity(
      {
        ...{ hotkey, assignmentId: submissionId, verdict, score, fidelity: after.fidelity },
        reason: `scored again: ${said(found.score)} instead of ${said(assignment.score)}, since the worker that scored it differs from others`,
      },
      now,
    );
  }
  saveReport(parts, submission, result, { hotkey, before, after }, now);
  return {
    ...{ submissionId, hotkey, verdict, before, after },
    isRewarded: earned !== undefined && earned !== after.fidelity,
  };
}

function said(score: number | undefined): string {
  return score === undefined ? "invalid" : score.toFixed(3);
}

/** What was not rewarded may be now, unless something else stands against it; it then counts as the original. */
function mayBeRewarded(
  { miners, duplicates, wasAcceptedBefore }: ReplaceScoreParts,
  submission: Submission,
  assignment: Assignment,
  { geometry }: RenderScoreResult,
  now: number,
): boolean {
  const verdict = submission.feedback?.verdict;
  if ((verdict !== "rejected" && verdict !== "invalid-asset") || wasAcceptedBefore(assignment)) {
    return false;
  }
  const { earlier, later } = duplicates.sameObject(submission, assignment, geometry, now);
  if (earlier.length > 0) {
    return false;
  }
  for (const id of later) {
    miners.withdraw(id);
  }
  duplicates.keep(submission.id, geometry, now);
  return true;
}

/** The report has both scores. Of an asset that is invalid there is none; an older one says what it was worth. */
function saveReport(
  { reports }: ReplaceScoreParts,
  submission: Submission,
  { outcome }: RenderScoreResult,
  { hotkey, before, after }: Pick<ReplacedScore, "hotkey" | "before" | "after">,
  now: number,
): void {
  const { id } = submission;
  const old = reports.get(id);
  const base: ScoreReport | undefined = outcome.case === "scored" ? outcome.value : old;
  if (base === undefined) {
    return;
  }
  const replaced =
    old === undefined
      ? []
      : [
          create(ReplacedScoreSchema, {
            ...{ score: old.score, fidelity: before.fidelity, workerId: old.workerId },
            replaceTime: timestampFromMs(now),
          }),
        ];
  reports.save(submission, {
    ...{ ...base, jobId: id, submissionId: id, minerHotkey: hotkey, fidelity: after.fidelity },
    replacedScores: [...(old?.replacedScores ?? []), ...replaced],
  });
}
