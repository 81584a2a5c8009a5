/**
 * Submissions and their verdicts.
 *
 * U1 A submission is on disk, asset and row, before anybody is told that it was taken.
 * U2 One assignment has one submission, and one verdict that counts: applying a result again changes nothing.
 * U3 A verdict, the miner's record, the task's state and the report are written in one transaction.
 * U4 Only the miner's own fault costs the miner: a system fault neither rewards nor punishes, and a replayed job may
 *    still overrule it.
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
import { fidelityOf, type Miners, type RuleSet } from "../miners/index.ts";
import type { Reports } from "../reports/index.ts";
import type { AssetFiles, Store } from "../store/index.ts";
import type { Assignment, Tasks, Verdict } from "../tasks/index.ts";
import { type Feedback, keepOf, parseSubmission, type Submission } from "./submission.ts";
import { verdictOf } from "./verdict.ts";

export interface ReceiveSubmission
  extends Pick<
    Submission,
    "validator" | "format" | "formatVersion" | "compression" | "submitTime" | "signature"
  > {
  readonly assignment: Assignment;
  /** The asset; nobody changes the bytes any more. */
  readonly bytes: Uint8Array;
  /** Of the bytes, in hex, where it is known. */
  readonly sha256?: string;
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
  /** It had one that counts; nothing changed. */
  | { readonly kind: "repeated" }
  /** There is no such submission. */
  | { readonly kind: "unknown" };

/** `now` is ms since 1970 UTC throughout. */
export interface Submissions {
  /**
   * Stores a submission (U1); the stored one when the assignment has one already (U2), undefined when the assignment
   * ended without one.
   */
  receive(submission: ReceiveSubmission, now: number): Promise<Submission | undefined>;
  /** Whether some submission's asset is this one and still kept. */
  keepsAsset(sha256: string): boolean;
  /** By its id, which is its assignment's. */
  get(id: string): Submission | undefined;
  /** Ends an assignment without scoring anything: the miner's fault, told by the verdict's reason. */
  refuse(assignment: Assignment, verdict: Verdict, now: number): Feedback;
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
  /** Ends a submission that can never be scored, as a fault of ours. */
  fail(id: string, reason: string, now: number): ResultOutcome;
  /** Applies what a worker found (U2, U3). */
  applyResult(result: RenderScoreResult, now: number): ResultOutcome;
}

export interface SubmissionsOptions {
  readonly store: Store;
  readonly assets: AssetFiles;
  readonly tasks: Tasks;
  readonly miners: Miners;
  readonly reports: Reports;
  readonly rules: RuleSet;
}

const countRow = z.object({ count: z.number() });

/** The submissions in `store`. */
export function createSubmissions(options: SubmissionsOptions): Submissions {
  const { store, assets, tasks, miners, reports, rules } = options;
  const verdicts = new EventEmitter().setMaxListeners(0);
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
    if (!tasks.applyVerdict(assignment.id, verdict, now)) return undefined;
    const fidelity = verdict.kind === "accepted" ? fidelityOf(rules, verdict.score ?? 0) : 0;
    if (verdict.kind !== "system-fault") {
      miners.applyScore(assignment.hotkey, assignment.id, fidelity, now);
    }
    const miner = miners.get(assignment.hotkey, now);
    return {
      verdict: verdict.kind,
      reason: verdict.reason ?? "",
      score: verdict.score ?? 0,
      fidelity,
      averageFidelity: miner.averageFidelity,
      observations: miner.observations,
      reward: miner.reward,
      cooldownUntil: miner.cooldownUntil,
    };
  };

  /** Gives a submission its verdict, in one transaction with what `alongside` writes (U3). */
  const end = (
    id: string,
    verdict: Verdict,
    now: number,
    alongside: (submission: Submission, hotkey: string, feedback: Feedback) => void = () => {},
  ): ResultOutcome => {
    const submission = get(id);
    const assignment = submission === undefined ? undefined : tasks.assignment(id);
    if (submission === undefined || assignment === undefined) return { kind: "unknown" };
    const { hotkey } = assignment;
    return store.transaction(() => {
      const feedback = countVerdict(assignment, verdict, now);
      if (feedback === undefined) return { kind: "repeated" };
      store.run(
        `UPDATE submissions SET verdict = ?1, feedback = ?2, ended_at = ?3,
         keep = CASE WHEN keep IS NULL THEN NULL ELSE ?4 END WHERE id = ?5`,
        feedback.verdict,
        JSON.stringify(feedback),
        now,
        keepOf(feedback.verdict, tasks.get(assignment.taskId)?.class),
        id,
      );
      if (submission.feedback === undefined) countPending(-1);
      alongside(submission, hotkey, feedback);
      store.afterCommit(() => verdicts.emit(id));
      return { kind: "applied", submission: { ...submission, feedback }, hotkey, feedback };
    });
  };

  /** Saves the asset and its row (U1); undefined, and nothing saved, when the assignment has ended meanwhile. */
  const take = async (input: ReceiveSubmission, now: number): Promise<Submission | undefined> => {
    let sha256: string;
    {
      using saved = await assets.save(input.bytes, input.sha256);
      sha256 = saved.sha256;
      const made = insert(input, sha256, now);
      if (made !== undefined) return made;
    }
    if (!keepsAsset(sha256)) await assets.remove(sha256);
    return undefined;
  };

  const insert = (input: ReceiveSubmission, sha256: string, now: number): Submission | undefined =>
    store.transaction(() => {
      const { id } = input.assignment;
      if (!tasks.markSubmitted(id, now)) return undefined;
      store.run(
        `INSERT INTO submissions (id, validator, asset_sha256, asset_size, format, format_version,
         compression, submit_time, signature, received_at, traceparent)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        input.validator,
        sha256,
        input.bytes.byteLength,
        input.format,
        input.formatVersion,
        input.compression,
        input.submitTime.toString(),
        input.signature,
        now,
        activeTraceparent() ?? null,
      );
      countPending(1);
      return get(id);
    });

  return {
    async receive(input, now) {
      const { id } = input.assignment;
      const known = get(id);
      if (known !== undefined) return known;
      // Claimed first, then saved: of many at one time one is written, and the others get what became of it.
      const running = receiving.get(id);
      if (running !== undefined) return running;
      const taking = take(input, now).finally(() => receiving.delete(id));
      receiving.set(id, taking);
      return taking;
    },
    keepsAsset,
    get,
    refuse: (assignment, verdict, now) =>
      store.transaction(() => {
        const feedback = countVerdict(assignment, verdict, now);
        if (feedback === undefined) throw new Error(`assignment ${assignment.id} has ended`);
        return feedback;
      }),
    async feedback(id, signal) {
      for (;;) {
        const found = get(id)?.feedback;
        if (found !== undefined || signal.aborted) return found;
        await once(verdicts, id, { signal }).catch((error: unknown) => {
          if (!signal.aborted) throw error;
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
      if (task === undefined) throw new Error(`submission ${submission.id} has no task`);
      const asset = await assets.load(submission.assetSha256);
      if (asset === undefined) return undefined;
      return create(RenderScoreJobSchema, {
        jobId: submission.id,
        taskId: task.id,
        submissionId: submission.id,
        class: task.class === "organic" ? JobClass.ORGANIC : JobClass.SYNTHETIC,
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
      });
    },
    markDispatched: (id, dispatch) =>
      store.run("UPDATE submissions SET dispatch = ? WHERE id = ?", dispatch, id),
    fail: (id, reason, now) => end(id, { kind: "system-fault", reason }, now),
    applyResult: (result, now) =>
      end(result.submissionId, verdictOf(result, rules), now, (submission, hotkey, feedback) => {
        if (result.outcome.case !== "scored") return;
        const { fidelity } = feedback;
        reports.save(submission, { ...result.outcome.value, fidelity, minerHotkey: hotkey });
      }),
  };
}
