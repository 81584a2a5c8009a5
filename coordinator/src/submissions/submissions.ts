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
import type { RenderScoreJob, RenderScoreResult } from "@turntable/proto";
import { JobClass, RenderScoreJobSchema } from "@turntable/proto";
import { z } from "zod";
import { fidelityOf, type Miners, type RuleSet } from "../miners/index.ts";
import type { Reports } from "../reports/index.ts";
import type { AssetFiles, Store } from "../store/index.ts";
import type { Assignment, Tasks, Verdict, VerdictKind } from "../tasks/index.ts";

/** What the miner is told about its work; kept, so that asking again gets the same answer. */
export interface Feedback {
  readonly verdict: VerdictKind;
  /** For the miner: empty when there is nothing to add. */
  readonly reason: string;
  /** 0 to 1 */
  readonly score: number;
  /** 0 to 1 */
  readonly fidelity: number;
  /** 0 to 1 */
  readonly averageFidelity: number;
  /** Accepted results in the window. */
  readonly observations: number;
  readonly reward: number;
  /** ms since 1970 */
  readonly cooldownUntil: number;
}

export interface Submission {
  /** The job's id too: one submission is one job. */
  readonly id: string;
  readonly assignmentId: string;
  /** Hotkey of the axon that took it, for which the miner signed; empty when there was only one. */
  readonly validator: string;
  readonly assetSha256: string;
  readonly assetSizeBytes: number;
  readonly format: string;
  readonly formatVersion: number;
  readonly compression: number;
  /** Nanoseconds since 1970 by the miner's clock. */
  readonly submitTime: bigint;
  /** sr25519, 64 bytes */
  readonly signature: Uint8Array;
  readonly receivedAt: number;
  readonly traceparent: string | undefined;
  /** How often the job was queued on purpose, less one. */
  readonly dispatch: number;
  /** Undefined while there is no verdict. */
  readonly feedback: Feedback | undefined;
}

export interface ReceiveSubmission {
  readonly assignment: Assignment;
  readonly validator: string;
  readonly bytes: Uint8Array;
  readonly format: string;
  readonly formatVersion: number;
  readonly compression: number;
  readonly submitTime: bigint;
  readonly signature: Uint8Array;
  readonly traceparent: string | undefined;
}

export interface Submissions {
  /**
   * Stores a submission (U1); the stored one when the assignment has one already (U2), undefined when the
   * assignment ended without one.
   */
  receive(submission: ReceiveSubmission, now: number): Promise<Submission | undefined>;
  ofAssignment(assignmentId: string): Submission | undefined;
  /** Ends an assignment without scoring anything: the miner's fault, told by `reason`. */
  refuse(assignment: Assignment, verdict: Verdict, now: number): Feedback;
  /** Waits for the verdict; undefined when `signal` is aborted first. */
  feedback(submission: Submission, signal: AbortSignal): Promise<Feedback | undefined>;
  /** Those without a verdict, oldest first. */
  pending(): readonly Submission[];
  /** The job that a submission is, its asset inline; undefined when the asset is gone. */
  job(submission: Submission): Promise<RenderScoreJob | undefined>;
  /** Ends a submission that can never be scored, as a fault of ours; undefined when it has its verdict. */
  fail(submission: Submission, reason: string, now: number): Feedback | undefined;
  /** The job was queued on purpose once more. */
  markDispatched(id: string, dispatch: number): void;
  /** Applies what a worker found (U2, U3). */
  applyResult(result: RenderScoreResult, now: number): "applied" | "repeated" | "unknown";
}

export interface SubmissionsOptions {
  readonly store: Store;
  readonly assets: AssetFiles;
  readonly tasks: Tasks;
  readonly miners: Miners;
  readonly reports: Reports;
  readonly rules: RuleSet;
}

const feedbackJson = z.object({
  verdict: z.enum(["accepted", "rejected", "invalid-asset", "system-fault"]),
  reason: z.string(),
  score: z.number(),
  fidelity: z.number(),
  averageFidelity: z.number(),
  observations: z.number(),
  reward: z.number(),
  cooldownUntil: z.number(),
});

const row = z.object({
  id: z.string(),
  assignment_id: z.string(),
  validator: z.string(),
  asset_sha256: z.string(),
  asset_size: z.number(),
  format: z.string(),
  format_version: z.number(),
  compression: z.number(),
  submit_time: z.string(),
  signature: z.instanceof(Uint8Array),
  received_at: z.number(),
  traceparent: z.string().nullable(),
  dispatch: z.number(),
  feedback: z.string().nullable(),
});

export function createSubmissions(options: SubmissionsOptions): Submissions {
  const { store, assets, tasks, miners, reports, rules } = options;
  const verdicts = new EventEmitter().setMaxListeners(0);

  const ofAssignment = (assignmentId: string): Submission | undefined => {
    const found = store.get("SELECT * FROM submissions WHERE assignment_id = ?", assignmentId);
    return found === undefined ? undefined : parse(found);
  };
  const byId = (id: string): Submission | undefined => {
    const found = store.get("SELECT * FROM submissions WHERE id = ?", id);
    return found === undefined ? undefined : parse(found);
  };

  /** Counts the verdict for the miner and ends the assignment; false when it had ended. To be called in a transaction. */
  const settle = (assignment: Assignment, verdict: Verdict, now: number): Feedback | undefined => {
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

  /** Settles the assignment and keeps what its miner is told; as `settle`. */
  const conclude = (
    submission: Submission,
    assignment: Assignment,
    verdict: Verdict,
    now: number,
  ): Feedback | undefined => {
    const feedback = settle(assignment, verdict, now);
    if (feedback === undefined) return undefined;
    store.run(
      "UPDATE submissions SET verdict = ?, feedback = ? WHERE id = ?",
      feedback.verdict,
      JSON.stringify(feedback),
      submission.id,
    );
    store.afterCommit(() => verdicts.emit(submission.id));
    return feedback;
  };

  return {
    async receive(input, now) {
      const { assignment } = input;
      const known = ofAssignment(assignment.id);
      if (known !== undefined) return known;
      const sha256 = await assets.save(input.bytes);
      return store.transaction(() => {
        const raced = ofAssignment(assignment.id);
        if (raced !== undefined) return raced;
        if (!tasks.markSubmitted(assignment.id, now)) return undefined;
        store.run(
          `INSERT INTO submissions (id, assignment_id, asset_sha256, asset_size, format, format_version,
           compression, submit_time, signature, received_at, traceparent, validator)
           VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`,
          assignment.id,
          sha256,
          input.bytes.byteLength,
          input.format,
          input.formatVersion,
          input.compression,
          input.submitTime.toString(),
          input.signature,
          now,
          input.traceparent ?? null,
          input.validator,
        );
        return ofAssignment(assignment.id);
      });
    },
    ofAssignment,
    refuse: (assignment, verdict, now) =>
      store.transaction(() => {
        const feedback = settle(assignment, verdict, now);
        if (feedback === undefined) throw new Error(`assignment ${assignment.id} has ended`);
        return feedback;
      }),
    async feedback(submission, signal) {
      for (;;) {
        const found = byId(submission.id)?.feedback;
        if (found !== undefined || signal.aborted) return found;
        await once(verdicts, submission.id, { signal }).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
      }
    },
    pending: () =>
      store
        .all("SELECT * FROM submissions WHERE verdict IS NULL ORDER BY received_at, id")
        .map(parse),
    async job(submission) {
      const assignment = tasks.assignment(submission.assignmentId);
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
        deadline: {
          seconds: BigInt(Math.floor(task.expiresAt.getTime() / 1000)),
          nanos: 0,
        },
      });
    },
    markDispatched: (id, dispatch) =>
      store.run("UPDATE submissions SET dispatch = ? WHERE id = ?", dispatch, id),
    fail(submission, reason, now) {
      const assignment = tasks.assignment(submission.assignmentId);
      if (assignment === undefined)
        throw new Error(`submission ${submission.id} has no assignment`);
      const verdict = { kind: "system-fault", reason } as const;
      return store.transaction(() => conclude(submission, assignment, verdict, now));
    },
    applyResult(result, now) {
      const submission = byId(result.submissionId);
      const assignment =
        submission === undefined ? undefined : tasks.assignment(submission.assignmentId);
      if (submission === undefined || assignment === undefined) return "unknown";
      const verdict = verdictOf(result, rules);
      return store.transaction(() => {
        const feedback = conclude(submission, assignment, verdict, now);
        if (feedback === undefined) return "repeated";
        if (result.outcome.case === "scored") {
          const report = { fidelity: feedback.fidelity, minerHotkey: assignment.hotkey };
          reports.save(submission, { ...result.outcome.value, ...report });
        }
        return "applied";
      });
    },
  };
}

function verdictOf(result: RenderScoreResult, rules: RuleSet): Verdict {
  const { outcome } = result;
  switch (outcome.case) {
    case "scored": {
      const { score, model } = outcome.value;
      // A score that is no probability says that the worker is broken, not that the asset is bad.
      if (!(score >= 0 && score <= 1)) {
        return { kind: "system-fault", reason: "scoring failed" };
      }
      const demonstration = model?.demonstration ?? false;
      return { kind: score >= rules.acceptance ? "accepted" : "rejected", score, demonstration };
    }
    case "invalidAsset":
      return {
        kind: "invalid-asset",
        reason: `${outcome.value.code}: ${outcome.value.message}`,
      };
    case "systemFault":
    case undefined:
      return { kind: "system-fault", reason: "scoring failed" };
    default:
      throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
  }
}

function parse(value: unknown): Submission {
  const found = row.parse(value);
  return {
    id: found.id,
    assignmentId: found.assignment_id,
    validator: found.validator,
    assetSha256: found.asset_sha256,
    assetSizeBytes: found.asset_size,
    format: found.format,
    formatVersion: found.format_version,
    compression: found.compression,
    submitTime: BigInt(found.submit_time),
    signature: found.signature,
    receivedAt: found.received_at,
    traceparent: found.traceparent ?? undefined,
    dispatch: found.dispatch,
    feedback: found.feedback === null ? undefined : feedbackJson.parse(JSON.parse(found.feedback)),
  };
}
