/**
 * Submissions and their verdicts.
 *
 * U1 A submission is on disk, asset and row, before anybody is told that it was taken.
 * U2 One assignment has one submission, and one verdict that counts: applying a result again changes nothing.
 * U3 A verdict, the miner's record, the task's state and the report are written in one transaction.
 * U4 Only the miner's own fault costs the miner: a system fault neither rewards nor punishes, and a replayed job may
 *    still overrule it.
 * U5 A miner's tries at one task are rewarded once, whichever of them a replayed job still accepts.
 * U6 Of a miner's faults within a few assignments some are let go, each further one is looked into: another worker
 *    decides, and an asset that kills that one as well, while others are scored, is what is wrong.
 * U7 What was handed in for a task that is cancelled ends with it, without a score and without a cost.
 * U8 A score that is found wrong later is replaced, and the reward follows while the miner's window holds it; what was
 *    told, and what became of the task, stays.
 */
import { EventEmitter, once } from "node:events";
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { activeTraceparent } from "@turntable/process";
import {
  JobClass,
  type RenderScoreJob,
  RenderScoreJobSchema,
  type RenderScoreResult,
} from "@turntable/proto";
import { z } from "zod";
import type { Miners, RecordVerdict } from "../miners/index.ts";
import type { Reports } from "../reports/index.ts";
import { fidelityOf, type RuleSet } from "../rules/index.ts";
import type { AssetFiles, Store } from "../store/index.ts";
import {
  type Assignment,
  type CancelOutcome,
  cancelledReason,
  type Tasks,
  type Verdict,
} from "../tasks/index.ts";
import {
  createDuplicates,
  type DuplicateLimits,
  defaultDuplicateLimits,
  type SameObject,
} from "./duplicates.ts";
import { type ReplacedScore, replaceScore } from "./replace-score.ts";
import { type Feedback, keepOf, parseSubmission, type Submission } from "./submission.ts";
import { verdictOf } from "./verdict.ts";

export interface ReceiveSubmission
  extends Pick<
    Submission,
    | "validator"
    | "format"
    | "formatVersion"
    | "compression"
    | "submitTime"
    | "signature"
    | "protocolYear"
  > {
  readonly assignment: Assignment;
  /** The asset; nobody changes the bytes any more. */
  readonly bytes: Uint8Array;
  /** The SHA-256 of the bytes in hex, where it is known. */
  readonly sha256?: string;
}

export interface Received {
  readonly submission: Submission;
  /** False when another call has stored it. */
  readonly isNew: boolean;
}

/** What applying a result did. */
export type ResultOutcome =
  /** The submission has its verdict now. */
  | {
      readonly kind: "applied";
      readonly submission: Submission;
      readonly hotkey: string;
      readonly feedback: Feedback;
    }
  /** The fault is one too many: a second worker decides, and the submission waits on. */
  | { readonly kind: "again"; readonly submission: Submission; readonly hotkey: string }
  /** It had one that counts; nothing changed. */
  | { readonly kind: "repeated" }
  /** There is no such submission. */
  | { readonly kind: "unknown" };

/** `now` is ms since 1970 UTC throughout. */
export interface Submissions {
  /**
   * Stores a submission (U1); the stored one when the assignment has one already (U2), undefined when the assignment
   * ended without one. Bytes that were submitted before get their verdict at once, see `Duplicates`.
   */
  receive(submission: ReceiveSubmission, now: number): Promise<Received | undefined>;
  /** Whether some submission's asset is this one and still kept. */
  keepsAsset(sha256: string): boolean;
  /** By its id, which is its assignment's. */
  get(id: string): Submission | undefined;
  /**
   * Ends an assignment without scoring anything: the miner's fault, told by the verdict's reason, and where it is a
   * violation counted as one in the same transaction.
   */
  refuse(assignment: Assignment, verdict: Verdict, now: number, beside?: "violation"): Feedback;
  /** The miner gives its task back: the assignment ends, and that has its cooldown. */
  giveBack(assignment: Assignment, now: number): void;
  /** Waits for the verdict; undefined when `signal` is aborted first. */
  feedback(id: string, signal: AbortSignal): Promise<Feedback | undefined>;
  /** Those without a verdict that came after the one with the sequence number `after`, oldest first. */
  pending(after: number, limit: number): readonly Submission[];
  /** How many have no verdict. */
  countPending(): number;
  /** The submission while it has no verdict. */
  stillPending(id: string): Submission | undefined;
  /** The job that a submission is, its asset inline; undefined when the asset is gone. */
  job(submission: Submission): Promise<RenderScoreJob | undefined>;
  /** The job is queued once more, under a new dispatch number. */
  markDispatched(id: string, dispatch: number): void;
  /** Ends those that nobody has scored so long after their task's time, as faults of ours; some at a time. */
  failOverdue(now: number): readonly ResultOutcome[];
  /** Ends a submission that can never be scored, as a fault of ours. */
  fail(id: string, reason: string, now: number): ResultOutcome;
  /** Ends a task that its client does not want any more, with what was handed in for it (U7). */
  cancel(taskId: string, now: number): CancelOutcome;
  /** Applies what a worker found (U2, U3). */
  applyResult(result: RenderScoreResult, now: number): ResultOutcome;
  /** Does not take a result: the submission waits on, for another job. */
  discard(result: RenderScoreResult): void;
  /**
   * Puts what another worker found in the place of a verdict's score (U8); undefined when there is nothing to replace.
   * To be called in a transaction.
   */
  replaceScore(id: string, result: RenderScoreResult, now: number): ReplacedScore | undefined;
}

export interface SubmissionsOptions {
  readonly store: Store;
  readonly assets: AssetFiles;
  readonly tasks: Tasks;
  readonly miners: Miners;
  readonly reports: Pick<Reports, "save" | "get">;
  readonly rules: RuleSet;
  readonly duplicates?: DuplicateLimits;
  /** Called in the transaction that accepts a submission, with its picture where the rules have duels. */
  readonly onAccepted?: (accepted: Accepted, now: number) => void;
  /** Called in the transaction in which a worker's result gives a submission its verdict. */
  readonly onJudged?: (id: string, result: RenderScoreResult, now: number) => void;
}

export interface Accepted extends Pick<Submission, "id" | "assetSha256" | "assetSizeBytes"> {
  /** The miner's, ss58. */
  readonly hotkey: string;
  readonly prompt: string;
  /** JPEG; empty when the worker made none. */
  readonly picture: Uint8Array;
}

/** Side of each of the four views in a picture for duels: what vision models look at without making it smaller. */
const duelPicturePx = 256;

/** Overdue submissions that are ended at one look, so that no look takes long. */
const overdueAtOnce = 100;
const killsWorkersReason =
  "kills-workers: two workers in turn could not score it, while they scored others";
const sameBytesReason = "duplicate: the same bytes were submitted before";
const sameObjectReason = "duplicate: the same object was submitted before";
const countRow = z.object({ count: z.number() });

/** The submissions in `store`. */
export function createSubmissions(options: SubmissionsOptions): Submissions {
  const { store, assets, tasks, miners, reports, rules } = options;
  const verdicts = new EventEmitter().setMaxListeners(0);
  /** When a worker last scored anything; undefined when none has since the start. */
  let lastScoredAt: number | undefined;
  const duplicates = createDuplicates(store, options.duplicates ?? defaultDuplicateLimits);
  let { count: pendingCount } = countRow.parse(
    store.get("SELECT count(*) AS count FROM submissions WHERE verdict IS NULL"),
  );
  const countPending = (change: 1 | -1): void =>
    store.afterCommit(() => {
      pendingCount += change;
    });
  /** Those that are being saved, by the assignment's id. */
  const receiving = new Map<string, Promise<Submission | undefined>>();

  const get = (id: string): Submission | undefined => {
    const found = store.get("SELECT * FROM submissions WHERE id = ?", id);
    return found === undefined ? undefined : parseSubmission(found);
  };

  /** U5 */
  const wasAcceptedBefore = ({ id, taskId, hotkey }: Assignment): boolean =>
    tasks
      .get(taskId)
      ?.assignments.some((a) => a.id !== id && a.hotkey === hotkey && a.state === "accepted") ??
    false;
  const parts = { tasks, miners, reports, rules, duplicates, wasAcceptedBefore };
  const keepsAsset = (sha256: string): boolean =>
    store.get(
      "SELECT 1 FROM submissions WHERE asset_sha256 = ? AND keep IS NOT NULL LIMIT 1",
      sha256,
    ) !== undefined;

  /**
   * Ends the assignment with the verdict and counts it for the miner; undefined when a verdict that counts has come
   * before. To be called in a transaction.
   */
  const countVerdict = (
    assignment: Assignment,
    verdict: Verdict,
    now: number,
  ): Feedback | undefined => {
    if (!tasks.applyVerdict(assignment.id, verdict, now)) {
      return undefined;
    }
    const fidelity = verdict.kind === "accepted" ? fidelityOf(rules, verdict.score ?? 0) : 0;
    const counts = verdict.kind !== "system-fault" && !wasAcceptedBefore(assignment);
    const averageShare = counts ? miners.applyScore(assignment, fidelity, now) : 0;
    if (verdict.kind === "duplicate" && rules.duplicateCost === "violation") {
      miners.countViolation(assignment.hotkey, now);
    }
    return told(assignment, verdict, { fidelity, averageShare }, now);
  };

  /** What a miner is told of its verdict, kept in its history; to be called in the verdict's transaction. */
  const told = (
    assignment: Assignment,
    verdict: Verdict,
    { fidelity, averageShare }: Pick<RecordVerdict, "fidelity" | "averageShare">,
    now: number,
  ): Feedback => {
    miners.record(
      {
        ...{ hotkey: assignment.hotkey, assignmentId: assignment.id, fidelity, averageShare },
        ...{ verdict: verdict.kind, code: verdict.code ?? verdict.kind },
        ...{ reason: verdict.reason ?? "", score: verdict.score ?? 0 },
      },
      now,
    );
    const miner = miners.get(assignment.hotkey, now);
    return {
      verdict: verdict.kind,
      reason: verdict.reason ?? "",
      score: verdict.score ?? 0,
      fidelity,
      averageFidelity: miner.averageFidelity,
      observations: miner.observations,
      duelRating: miner.duelRating,
      reward: miner.reward,
      cooldownUntil: miner.cooldownUntil,
    };
  };

  /** Writes a submission's verdict, and tells who waits for it. To be called in the verdict's transaction. */
  const settle = (
    { id, feedback: before }: Submission,
    { taskId }: Assignment,
    feedback: Feedback,
    now: number,
  ): void => {
    store.run(
      `UPDATE submissions SET verdict = ?1, feedback = ?2, ended_at = ?3,
       keep = CASE WHEN keep IS NULL THEN NULL ELSE ?4 END WHERE id = ?5`,
      feedback.verdict,
      JSON.stringify(feedback),
      now,
      keepOf(feedback.verdict, tasks.get(taskId)?.class),
      id,
    );
    if (before === undefined) {
      countPending(-1);
    }
    store.afterCommit(() => verdicts.emit(id));
  };

  /** Gives a submission its verdict, in one transaction with what `alongside` writes (U3). */
  const end = (
    id: string,
    verdictFor: (submission: Submission, assignment: Assignment) => Verdict,
    now: number,
    alongside: (submission: Submission, hotkey: string, feedback: Feedback) => void = () => {},
  ): ResultOutcome => {
    const submission = get(id);
    const assignment = submission === undefined ? undefined : tasks.assignment(id);
    if (submission === undefined || assignment === undefined) {
      return { kind: "unknown" };
    }
    const { hotkey } = assignment;
    return store.transaction(() => {
      const feedback = countVerdict(assignment, verdictFor(submission, assignment), now);
      if (feedback === undefined) {
        return { kind: "repeated" };
      }
      settle(submission, assignment, feedback, now);
      alongside(submission, hotkey, feedback);
      return { kind: "applied", submission: { ...submission, feedback }, hotkey, feedback };
    });
  };

  /** U6 */
  const applyFault = (
    { submissionId, replica }: RenderScoreResult,
    fault: Verdict,
    now: number,
  ): ResultOutcome => {
    const submission = get(submissionId);
    const assignment = submission === undefined ? undefined : tasks.assignment(submissionId);
    if (submission === undefined || assignment === undefined) {
      return { kind: "unknown" };
    }
    if (submission.feedback !== undefined || replica !== submission.replica) {
      return { kind: "repeated" };
    }
    const { hotkey, taskId } = assignment;
    if (submission.secondLook) {
      // Where nothing was scored since the submission came, it may as well be the workers.
      const isTheAsset = lastScoredAt !== undefined && lastScoredAt >= submission.receivedAt;
      const verdict: Verdict = { kind: "invalid-asset", reason: killsWorkersReason };
      return end(submissionId, () => (isTheAsset ? verdict : fault), now);
    }
    const { lately, ofTask } = tasks.faults(hotkey, taskId);
    if (Math.max(lately, ofTask) < rules.faultTries) {
      return end(submissionId, () => fault, now);
    }
    store.run(
      "UPDATE submissions SET replica = replica + 1, second_look = 1 WHERE id = ?",
      submissionId,
    );
    return { kind: "again", submission: get(submissionId) ?? submission, hotkey };
  };

  /** Saves the asset and its row (U1); undefined, and nothing saved, when the assignment has ended meanwhile. */
  const take = async (input: ReceiveSubmission, now: number): Promise<Submission | undefined> => {
    let sha256: string;
    {
      using saved = await assets.save(input.bytes, input.sha256);
      sha256 = saved.sha256;
      const made = insert(input, sha256, now);
      if (made !== undefined) {
        return made;
      }
    }
    if (!keepsAsset(sha256)) {
      await assets.remove(sha256);
    }
    return undefined;
  };

  const insert = (input: ReceiveSubmission, sha256: string, now: number): Submission | undefined =>
    store.transaction(() => {
      const { id } = input.assignment;
      if (!tasks.markSubmitted(id, now)) {
        return undefined;
      }
      store.run(
        `INSERT INTO submissions (id, validator, asset_sha256, asset_size, format, format_version,
         compression, submit_time, signature, protocol_year, received_at, traceparent)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        input.validator,
        sha256,
        input.bytes.byteLength,
        input.format,
        input.formatVersion,
        input.compression,
        input.submitTime.toString(),
        input.signature,
        input.protocolYear,
        now,
        activeTraceparent() ?? null,
      );
      countPending(1);
      const made = get(id);
      if (made === undefined || !duplicates.hasSameBytes(made, input.assignment, now)) {
        return made;
      }
      const verdict: Verdict = { kind: "duplicate", reason: sameBytesReason };
      const outcome = end(id, () => verdict, now);
      return outcome.kind === "applied" ? outcome.submission : made;
    });

  return {
    async receive(input, now) {
      const { id } = input.assignment;
      const known = get(id);
      if (known !== undefined) {
        return { submission: known, isNew: false };
      }
      // Claimed first, then saved: of many at one time one is written, and the others get what became of it.
      const running = receiving.get(id);
      const taking = running ?? take(input, now).finally(() => receiving.delete(id));
      receiving.set(id, taking);
      const submission = await taking;
      return submission && { submission, isNew: running === undefined };
    },
    keepsAsset,
    get,
    refuse: (assignment, verdict, now, beside) =>
      store.transaction(() => {
        if (beside === "violation") {
          miners.countViolation(assignment.hotkey, now);
        }
        const feedback = countVerdict(assignment, verdict, now);
        if (feedback === undefined) {
          throw new Error(`assignment ${assignment.id} has ended`);
        }
        return feedback;
      }),
    giveBack: (assignment, now) =>
      store.transaction(() => {
        const { id, hotkey } = assignment;
        tasks.abandon(id, "given back by the miner", now);
        miners.startCooldown(assignment, now);
        miners.record(
          {
            ...{ hotkey, assignmentId: id, verdict: "rejected", code: "given-back" },
            ...{ reason: "given back", score: 0, fidelity: 0, averageShare: 0 },
          },
          now,
        );
      }),
    async feedback(id, signal) {
      for (;;) {
        const found = get(id)?.feedback;
        if (found !== undefined || signal.aborted) {
          return found;
        }
        await once(verdicts, id, { signal }).catch((error: unknown) => {
          if (!signal.aborted) {
            throw error;
          }
        });
      }
    },
    pending: (after, limit) =>
      store
        .all(
          `SELECT * FROM submissions WHERE verdict IS NULL AND sequence > ?
           ORDER BY sequence LIMIT ?`,
          after,
          limit,
        )
        .map(parseSubmission),
    countPending: () => pendingCount,
    stillPending(id) {
      const found = get(id);
      return found?.feedback === undefined ? found : undefined;
    },
    async job(submission) {
      const assignment = tasks.assignment(submission.id);
      const task = assignment === undefined ? undefined : tasks.get(assignment.taskId);
      if (task === undefined) {
        throw new Error(`submission ${submission.id} has no task`);
      }
      const asset = await assets.load(submission.assetSha256);
      if (asset === undefined) {
        return undefined;
      }
      return create(RenderScoreJobSchema, {
        jobId: submission.id,
        taskId: task.id,
        submissionId: submission.id,
        class: task.class === "organic" ? JobClass.ORGANIC : JobClass.SYNTHETIC,
        replica: submission.replica,
        profile: rules.profile,
        acceptance: rules.acceptance,
        prompt: task.prompt,
        cameraSeed: task.cameraSeed,
        encoding: {
          format: submission.format,
          version: submission.formatVersion,
          compression: submission.compression,
        },
        assetSha256: Buffer.from(submission.assetSha256, "hex"),
        assetSizeBytes: BigInt(submission.assetSizeBytes),
        asset: { case: "inlineAsset", value: asset },
        deadline: timestampFromDate(task.expiresAt),
        picturePx: rules.duels.perHour > 0 ? duelPicturePx : 0,
      });
    },
    markDispatched: (id, dispatch) =>
      store.run("UPDATE submissions SET dispatch = ? WHERE id = ?", dispatch, id),
    failOverdue: (now) =>
      tasks.overdue(now - rules.verdictGraceMs, overdueAtOnce).map((id) => {
        const verdict: Verdict = { kind: "system-fault", reason: "nobody scored it in time" };
        return end(id, () => verdict, now);
      }),
    fail: (id, reason, now) => end(id, () => ({ kind: "system-fault", reason }), now),
    cancel: (taskId, now) =>
      store.transaction(() => {
        const outcome = tasks.cancel(taskId, now);
        for (const assignment of outcome.kind === "cancelled" ? outcome.takenBack : []) {
          const verdict: Verdict = { kind: "cancelled", reason: cancelledReason };
          const feedback = told(assignment, verdict, { fidelity: 0, averageShare: 0 }, now);
          const submission = get(assignment.id);
          if (submission !== undefined) {
            settle(submission, assignment, feedback, now);
          }
        }
        return outcome;
      }),
    applyResult(result, now) {
      const { submissionId, outcome, geometry, picture } = result;
      const found = verdictOf(result, rules);
      if (found.kind === "system-fault") {
        return applyFault(result, found, now);
      }
      let same: SameObject | undefined;
      const applied = end(
        submissionId,
        (submission, assignment) => {
          if (found.kind !== "accepted") {
            return found;
          }
          same = duplicates.sameObject(submission, assignment, geometry, now);
          return same.earlier.length === 0
            ? found
            : { kind: "duplicate", reason: sameObjectReason };
        },
        now,
        (submission, hotkey, feedback) => {
          store.run(
            "UPDATE submissions SET worker = ? WHERE id = ?",
            result.workerId,
            submissionId,
          );
          options.onJudged?.(submissionId, result, now);
          if (feedback.verdict === "accepted") {
            // They were scored sooner; clients may have seen their verdicts, which stand, but one reward is enough.
            for (const id of same?.later ?? []) {
              miners.withdraw(id);
            }
            duplicates.keep(submissionId, geometry, now);
            const { taskId = "" } = tasks.assignment(submissionId) ?? {};
            const prompt = tasks.get(taskId)?.prompt ?? "";
            const { assetSha256, assetSizeBytes } = submission;
            options.onAccepted?.(
              { id: submissionId, assetSha256, assetSizeBytes, hotkey, prompt, picture },
              now,
            );
          }
          if (outcome.case !== "scored") {
            return;
          }
          const { fidelity } = feedback;
          reports.save(submission, { ...outcome.value, fidelity, minerHotkey: hotkey });
        },
      );
      if (applied.kind === "applied" && outcome.case === "scored") {
        lastScoredAt = now;
      }
      return applied;
    },
    discard: ({ submissionId, replica }) =>
      store.run(
        "UPDATE submissions SET replica = replica + 1 WHERE id = ? AND replica = ? AND verdict IS NULL",
        submissionId,
        replica,
      ),
    replaceScore(id, result, now) {
      const submission = get(id);
      const assignment = submission === undefined ? undefined : tasks.assignment(id);
      return submission && assignment && replaceScore(parts, submission, assignment, result, now);
    },
  };
}
