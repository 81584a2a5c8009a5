/**
 * Audits: some verdicts are looked at again by a second worker, and a worker whose scores differ is shut out.
 *
 *   verdict ─▶ open ─▶ agreed | other-model | drifted | undecided | replaced      (by what workers say)
 *                   └▶ no-second-worker | expired | asset-gone | failed | released (without)
 *
 * A1 A verdict never waits for its audit. Whether there is one is drawn in the verdict's transaction: the worker cannot
 *    know it while it scores, and a restart does not draw again.
 * A2 An audit is done by workers that have said nothing of the asset yet, and is judged once. Its end, whoever it finds
 *    drifting, and what follows from that are written in one transaction.
 * A3 Two workers that differ prove nothing about either: a third decides, and without one nobody is blamed.
 * A4 Who was found drifting so often within the miners' window is quarantined. What it scored within the window is done
 *    again by others, newest first, up to a limit.
 * A5 Of a quarantined worker nothing is taken, whatever it does, until it is released; a restart of ours, or of its own
 *    under the same name, changes nothing.
 * A6 What is open, what is in the queue, and what is remembered is bounded.
 */
import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Context } from "@opentelemetry/api";
import {
  FaultCause,
  JobClass,
  type RenderScoreJob,
  type RenderScoreResult,
} from "@turntable/proto";
import { z } from "zod";
import type { Store } from "../store/index.ts";
import type { ReplacedScore, Submission } from "../submissions/index.ts";
import { differenceOf, isSame, judge, type Opinion, opinionOf, opinionSchema } from "./judge.ts";
import { createShutOut, type Quarantined } from "./shut-out.ts";

export interface AuditOptions {
  /** This share of all verdicts that a worker gave is audited, 0 to 1. */
  readonly share: number;
  /** Those whose score is no further from the acceptance than this are audited in any case; 0 to 1. */
  readonly margin: number;
  /** The largest difference between scores of honest workers, 0 to 1; 0 measures differences and judges nobody. */
  readonly tolerance: number;
  /** So often within the miners' window a worker is found drifting before it is quarantined. */
  readonly findings: number;
}

export const defaultAudits: AuditOptions = {
  share: 0.02,
  margin: 0.01,
  tolerance: 0.02,
  findings: 2,
};

/** Why an asset is scored again: it was drawn, is close to the acceptance, or its worker is quarantined. */
const auditReason = z.enum(["sample", "margin", "redo"]);
export type AuditReason = z.infer<typeof auditReason>;

export type AuditOutcome =
  | "agreed"
  | "other-model"
  | "drifted"
  | "undecided"
  /** By one whose worker is quarantined: the score was found wrong. */
  | "replaced"
  /** Only workers that had said something already were there. */
  | "no-second-worker"
  /** Nobody did it in time. */
  | "expired"
  /** The asset was removed before. */
  | "asset-gone"
  /** Workers gave it up. */
  | "failed"
  /** The quarantine that it followed from was lifted. */
  | "released"
  /** There were too many. */
  | "not-queued";

/** An audit that has not ended. */
export interface OpenAudit {
  /** Its job's id, too. */
  readonly id: string;
  readonly sequence: number;
  readonly submissionId: string;
  readonly reason: AuditReason;
  readonly dispatch: number;
  readonly replica: number;
  /** ms since 1970 UTC */
  readonly expiresAt: number;
  /** The verdict's own first. */
  readonly opinions: readonly Opinion[];
  /** That of its submission. */
  readonly trace: Context;
}

export type AuditEvent =
  | {
      readonly kind: "ended";
      readonly reason: AuditReason;
      readonly outcome: AuditOutcome;
      readonly submissionId: string;
      readonly opinions: readonly Opinion[];
      /** Between the first two scores; undefined where there are none. */
      readonly difference: number | undefined;
      readonly drifted: string | undefined;
    }
  | { readonly kind: "replaced"; readonly worker: string; readonly replaced: ReplacedScore }
  | ({ readonly kind: "quarantined"; readonly redone: number } & Quarantined)
  | { readonly kind: "released"; readonly worker: string }
  /** A result was not taken: its worker is quarantined, or must not audit itself. */
  | { readonly kind: "discarded"; readonly worker: string; readonly jobId: string };

/** `now` is ms since 1970 UTC throughout. */
export interface Audits {
  /** Draws whether a verdict is audited (A1); to be called in its transaction. */
  choose(submissionId: string, result: RenderScoreResult, now: number): void;
  /** The worker's results are not taken (A5). */
  isQuarantined(worker: string): boolean;
  /** The latest first. */
  quarantined(): readonly Quarantined[];
  /** Their names, as many as a job carries. */
  shutOut(): readonly string[];
  /** Lifts a quarantine, and forgets what was found; false when there is none. */
  release(worker: string, now: number): boolean;
  /** As many as may be in the queue now, of those that came after the one with the sequence number `after`. */
  pending(after: number, limit: number): readonly OpenAudit[];
  stillPending(id: string): OpenAudit | undefined;
  /** Undefined when the asset is gone. */
  job(audit: OpenAudit): Promise<RenderScoreJob | undefined>;
  markDispatched(id: string, dispatch: number): void;
  /** Ends one whose job can never be queued. */
  fail(id: string, now: number): void;
  /** Applies what a worker found; false when it is no audit's result. */
  applyResult(result: RenderScoreResult, now: number): boolean;
  /** Does not take a result: the job is queued once more, for others. */
  discard(result: RenderScoreResult): void;
  /** Ends those that nobody did in time, and forgets old ones; gives those whose jobs can be taken back. */
  tick(now: number): readonly string[];
  countOpen(): number;
}

export interface AuditsOptions extends AuditOptions {
  readonly store: Store;
  /** From this score on a submission is accepted, 0 to 1. */
  readonly acceptance: number;
  /** The miners' window, in ms. */
  readonly windowMs: number;
  readonly submissionOf: (id: string) => Submission | undefined;
  /** The job that a submission is; undefined when its asset is gone. */
  readonly submissionJob: (submission: Submission) => Promise<RenderScoreJob | undefined>;
  /** Puts what a worker found in the place of a verdict's score; undefined when nothing can be replaced any more. */
  readonly replaceScore: (
    submissionId: string,
    result: RenderScoreResult,
    now: number,
  ) => ReplacedScore | undefined;
  /** 0 to 1, from a source that nobody can predict. */
  readonly random: () => number;
  /** Told of what happened once it is on disk. */
  readonly onEvent: (event: AuditEvent) => void;
}

/**
 * So many audit jobs are in the queue at one time: their assets are in it, and where they wait for a second worker they
 * must not look like work for one more (the `lagThreshold` of k8s/components/keda).
 */
const inQueueAtOnce = 8;
/** Of audits that were drawn so many may be open; what comes on top has none. */
const mostOpen = 1_000;
/** So many scores of a quarantined worker are done again. */
export const mostRedone = 500;
/** An audit that was drawn has this long, in ms. */
const openMs = 3_600_000;
/** Results that are not taken for an audit before it is given up. */
const mostDiscards = 5;
/** For how long an audit that has ended is remembered, in ms; at least the window. */
const rememberedMs = 7 * 86_400_000;
/** A job carries the names of so many; the results of the others are not taken either. */
const mostNamed = 32;
const atOnce = 100;

const auditRow = z.object({
  id: z.string(),
  sequence: z.number(),
  submission: z.string(),
  reason: auditReason,
  dispatch: z.number(),
  replica: z.number(),
  expires_at: z.number(),
  opinions: z.string(),
});
const countRow = z.object({ count: z.number() });
const scoredRow = z.object({ id: z.string(), score: z.number().nullable() });

/** The audits in `store`. */
export function createAudits(options: AuditsOptions): Audits {
  const { store, tolerance, windowMs } = options;
  const shutOut = createShutOut(store);
  const countOpen = (): number =>
    countRow.parse(store.get("SELECT count(*) AS count FROM audits WHERE outcome IS NULL")).count;

  const parse = (value: unknown): OpenAudit | undefined => {
    const row = auditRow.parse(value);
    const submission = options.submissionOf(row.submission);
    return (
      submission && {
        ...{ id: row.id, sequence: row.sequence, submissionId: row.submission, reason: row.reason },
        ...{ dispatch: row.dispatch, replica: row.replica, expiresAt: row.expires_at },
        opinions: z.array(opinionSchema).parse(JSON.parse(row.opinions)),
        trace: submission.trace,
      }
    );
  };

  const stillPending = (id: string): OpenAudit | undefined => {
    const row = store.get("SELECT * FROM audits WHERE id = ? AND outcome IS NULL", id);
    return row === undefined ? undefined : parse(row);
  };

  const open = (
    submissionId: string,
    reason: AuditReason,
    first: Opinion,
    openForMs: number,
    now: number,
  ): void =>
    store.run(
      `INSERT INTO audits (id, submission, reason, created_at, expires_at, opinions)
       VALUES (?, ?, ?, ?, ?, ?)`,
      ...[randomUUID(), submissionId, reason, now, now + openForMs, JSON.stringify([first])],
    );

  /** To be called in a transaction (A2). */
  const end = (
    { id, submissionId, reason, opinions }: OpenAudit,
    outcome: AuditOutcome,
    now: number,
    drifted?: string,
  ): void => {
    store.run(
      "UPDATE audits SET outcome = ?, ended_at = ?, drifted = ?, opinions = ? WHERE id = ?",
      ...[outcome, now, drifted ?? null, JSON.stringify(opinions), id],
    );
    const [first, second] = opinions;
    const difference = first && second && differenceOf(first, second);
    store.afterCommit(() =>
      options.onEvent({
        ...{ kind: "ended", reason, outcome, submissionId, opinions, difference, drifted },
      }),
    );
  };

  const replace = (
    { submissionId, opinions: [first] }: OpenAudit,
    result: RenderScoreResult,
    now: number,
  ): void => {
    const replaced = options.replaceScore(submissionId, result, now);
    if (replaced !== undefined) {
      store.afterCommit(() =>
        options.onEvent({ kind: "replaced", worker: first?.worker ?? "", replaced }),
      );
    }
  };

  /** A4 */
  const quarantine = (worker: string, reason: string, now: number): void => {
    shutOut.add({ worker, at: now, reason });
    const scored = store
      .all(
        `SELECT s.id, a.score FROM submissions s JOIN assignments a ON a.id = s.id
         WHERE s.worker = ? AND s.ended_at > ? AND s.keep IS NOT NULL
           AND s.verdict IN ('accepted', 'rejected', 'invalid-asset')
           AND NOT EXISTS (SELECT 1 FROM audits WHERE submission = s.id AND (outcome IS NULL OR drifted = s.worker))
         ORDER BY s.ended_at DESC LIMIT ?`,
        ...[worker, now - windowMs, mostRedone],
      )
      .map((row) => scoredRow.parse(row));
    for (const { id, score } of scored) {
      open(id, "redo", { worker, score, model: "" }, windowMs, now);
    }
    store.afterCommit(() =>
      options.onEvent({ kind: "quarantined", worker, at: now, reason, redone: scored.length }),
    );
  };

  /** Counts what was found of a worker, in the transaction that found it. */
  const found = (worker: string, now: number): void => {
    if (shutOut.has(worker)) {
      return;
    }
    const { count: findings } = countRow.parse(
      store.get(
        "SELECT count(*) AS count FROM audits WHERE drifted = ? AND ended_at > ?",
        ...[worker, Math.max(now - windowMs, shutOut.releasedAt(worker))],
      ),
    );
    if (findings >= options.findings) {
      const times = findings === 1 ? "once" : `${findings} times`;
      const hours = Math.round(windowMs / 360_000) / 10;
      const reason = `${times} within ${hours} h two other workers agreed on a score that its own differed from by more than ${tolerance}`;
      quarantine(worker, reason, now);
    }
  };

  /** The score of a quarantined worker is weighed against that of one other. */
  const applyRedo = (audit: OpenAudit, result: RenderScoreResult, now: number): void => {
    const [first, second] = audit.opinions;
    if (first === undefined || second === undefined || isSame(first, second, tolerance)) {
      end(audit, "agreed", now);
      return;
    }
    end(audit, "replaced", now);
    replace(audit, result, now);
  };

  const apply = (audit: OpenAudit, result: RenderScoreResult, now: number): void => {
    if (audit.reason === "redo" || shutOut.has(audit.opinions[0]?.worker ?? "")) {
      applyRedo(audit, result, now);
      return;
    }
    const judgement = judge(audit.opinions, tolerance);
    if (judgement.kind === "open") {
      store.run(
        "UPDATE audits SET replica = replica + 1, opinions = ?, expires_at = ? WHERE id = ?",
        ...[JSON.stringify(audit.opinions), now + openMs, audit.id],
      ); // A3
      return;
    }
    if (judgement.kind !== "drifted") {
      end(audit, judgement.kind, now);
      return;
    }
    const { worker } = judgement;
    end(audit, "drifted", now, worker);
    if (worker === audit.opinions[0]?.worker) {
      replace(audit, result, now);
    }
    found(worker, now);
  };

  const discard = ({
    submissionId: id,
    replica,
    workerId: worker,
    jobId,
  }: RenderScoreResult): void => {
    store.run(
      "UPDATE audits SET replica = replica + 1 WHERE id = ? AND replica = ? AND outcome IS NULL",
      ...[id, replica],
    );
    store.afterCommit(() => options.onEvent({ kind: "discarded", worker, jobId }));
  };

  const endWithout = (audit: OpenAudit, outcome: AuditOutcome, now: number): void =>
    // The second opinion is there, and nobody who could be the third.
    end(audit, audit.opinions.length > 1 ? "undecided" : outcome, now);

  return {
    choose(submissionId, result, now) {
      const first = opinionOf(result);
      const { share, margin, acceptance, random } = options;
      if (first === undefined || first.worker === "" || (share === 0 && margin === 0)) {
        return;
      }
      const { score } = first;
      const isNear = margin > 0 && score !== null && Math.abs(score - acceptance) <= margin;
      if (!isNear && random() >= share) {
        return;
      }
      const reason = isNear ? "margin" : "sample";
      if (countOpen() < mostOpen) {
        open(submissionId, reason, first, openMs, now);
        return;
      }
      const event = { reason, submissionId, opinions: [first], difference: undefined } as const;
      store.afterCommit(() =>
        options.onEvent({ ...event, kind: "ended", outcome: "not-queued", drifted: undefined }),
      ); // A6
    },
    isQuarantined: shutOut.has,
    quarantined: shutOut.list,
    shutOut: () =>
      shutOut
        .list()
        .slice(0, mostNamed)
        .map(({ worker }) => worker),
    release: (worker, now) =>
      store.transaction(() => {
        if (!shutOut.has(worker)) {
          return false;
        }
        shutOut.remove(worker, now);
        const redone = store.all(
          `SELECT * FROM audits WHERE outcome IS NULL AND reason = 'redo'
             AND json_extract(opinions, '$[0].worker') = ?`,
          worker,
        );
        for (const audit of redone.flatMap((row) => parse(row) ?? [])) {
          end(audit, "released", now);
        }
        store.afterCommit(() => options.onEvent({ kind: "released", worker }));
        return true;
      }),
    pending(after, limit) {
      const { count: inQueue } = countRow.parse(
        store.get(
          "SELECT count(*) AS count FROM audits WHERE outcome IS NULL AND sequence <= ?",
          after,
        ),
      );
      return store
        .all(
          "SELECT * FROM audits WHERE outcome IS NULL AND sequence > ? ORDER BY sequence LIMIT ?",
          ...[after, Math.max(0, Math.min(limit, inQueueAtOnce - inQueue))],
        )
        .flatMap((row) => parse(row) ?? []);
    },
    stillPending,
    async job({ id, submissionId, replica, opinions, expiresAt }) {
      const submission = options.submissionOf(submissionId);
      const job = submission?.assetKept ? await options.submissionJob(submission) : undefined;
      return (
        job && {
          ...{ ...job, jobId: id, submissionId: id, replica, picturePx: 0 },
          // Behind what anybody waits for, and nothing is left of one that nobody can do.
          ...{ class: JobClass.SYNTHETIC, expendable: true },
          deadline: timestampFromMs(expiresAt),
          excludedWorkerIds: opinions.map(({ worker }) => worker),
        }
      );
    },
    markDispatched: (id, dispatch) =>
      store.run("UPDATE audits SET dispatch = ? WHERE id = ?", dispatch, id),
    fail: (id, now) =>
      store.transaction(() => {
        const audit = stillPending(id);
        if (audit !== undefined) {
          end(audit, "asset-gone", now);
        }
      }),
    applyResult(result, now) {
      const { submissionId: id, workerId, replica, outcome } = result;
      if (store.get("SELECT 1 FROM audits WHERE id = ?", id) === undefined) {
        return false;
      }
      store.transaction(() => {
        const audit = stillPending(id);
        if (audit === undefined || replica !== audit.replica) {
          return; // it was applied before (A2)
        }
        // What was said by one that is quarantined by now counts for nothing, but that it was the verdict's.
        const [first, ...others] = audit.opinions;
        const said = first && [first, ...others.filter(({ worker }) => !shutOut.has(worker))];
        const opinion = opinionOf(result);
        if (said === undefined || opinion === undefined) {
          const isAlone =
            outcome.case === "systemFault" && outcome.value.cause === FaultCause.NOBODY_ELSE;
          endWithout(audit, isAlone ? "no-second-worker" : "failed", now);
          return;
        }
        if (!audit.opinions.some(({ worker }) => worker === workerId)) {
          apply({ ...audit, opinions: [...said, opinion] }, result, now);
          return;
        }
        discard(result);
        if (audit.replica >= mostDiscards) {
          endWithout(audit, "no-second-worker", now);
        }
      });
      return true;
    },
    discard,
    tick: (now) =>
      store.transaction(() => {
        const late = store
          .all(
            "SELECT * FROM audits WHERE outcome IS NULL AND expires_at <= ? ORDER BY sequence LIMIT ?",
            ...[now, atOnce],
          )
          .flatMap((row) => parse(row) ?? []);
        for (const audit of late) {
          endWithout(audit, "expired", now);
        }
        store.run(
          `DELETE FROM audits WHERE sequence IN
             (SELECT sequence FROM audits WHERE ended_at <= ? ORDER BY ended_at LIMIT ?)`,
          ...[now - Math.max(rememberedMs, windowMs), atOnce],
        );
        shutOut.forget(now - windowMs);
        return late.map(({ id }) => id);
      }),
    countOpen,
  };
}
