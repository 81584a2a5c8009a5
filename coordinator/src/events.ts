/** One function for each thing that happens: the counter and the log line together. Hotkeys go to logs only. */
import type { AxonEvent, Refusal } from "@turntable/bittensor/axon";
import { QueueUnavailableError } from "@turntable/bus";
import type { CallMetricNames, CallSeries, Logger, Metrics } from "@turntable/process";
import type { RenderScoreResult } from "@turntable/proto";
import type { ApiCallEvent } from "./api/index.ts";
import { type BackgroundEvents, createBackgroundEvents } from "./background-events.ts";
import type { AxonAnnouncement } from "./chain/index.ts";
import type { Removed } from "./retention/index.ts";
import type { ScoringEnd } from "./scorings/index.ts";
import type { Status } from "./status/index.ts";
import type { ResultOutcome, Submission } from "./submissions/index.ts";
import type { Assignment, Task } from "./tasks/index.ts";

export interface Events extends BackgroundEvents {
  /** A call of the public API has ended. */
  apiCall(event: ApiCallEvent): void;
  /** A miner's request was answered. */
  axonRequest(event: AxonEvent): void;
  /** A limit of an axon was reached. */
  axonRefused(refusal: Refusal): void;
  /** The chain was told an axon's address, or did not take it. */
  axonAnnounced(event: AxonAnnouncement): void;
  /** A task was lent to a miner. */
  assigned(task: Task, hotkey: string): void;
  /** A miner lost a task: it said nothing until its deadline, is not registered any more, or the client cancelled. */
  lost(assignment: Assignment, cause: "silence" | "unregistered" | "cancelled"): void;
  /** A submission is on disk. */
  submitted(submission: Submission, hotkey: string): void;
  /**
   * A worker's result was applied, or had nothing to change.
   * @param now ms since 1970 UTC
   */
  result(result: RenderScoreResult, outcome: ResultOutcome, now: number): void;
  /** A submission was ended without a worker; as `result`. */
  ended(outcome: ResultOutcome, now: number): void;
  /** An asset that a client brought was scored, or will not be. */
  scoringEnded(end: ScoringEnd): void;
  /** The machine's time was set, by so many ms. */
  clockSet(offMs: number): void;
  /** Something was not taken or lent, since the disk is nearly full, too much waits or somebody paused it. */
  intakeRefused(kind: "disk" | "backlog" | "paused"): void;
  /** Retention has removed something, or nothing. */
  removed(removed: Removed): void;
  /** How things are, once a minute. */
  minute(status: Status): void;
  /** A fault that is tried again. */
  trouble(what: string, error: unknown): void;
  /** After a trouble of queueing jobs. */
  jobsQueuedAgain(): void;
}

/** Bounds of the buckets of scores: narrow where thresholds of rules are. */
const scoreBuckets = [0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1];
/** Refusals for one reason are logged this often, in ms. */
const refusalLogMs = 60_000;

/** Makes the counters in `metrics`; the log lines go to `logger`. */
export function createEvents(logger: Logger, metrics: Metrics): Events {
  const { meter } = metrics;
  const apiCalls = keptSeries("method", logger, metrics, {
    count: {
      name: "turntable_api_calls",
      description: "calls of the public API by method and status code",
    },
    seconds: {
      name: "turntable_api_call_seconds",
      description: "duration of the public API's calls",
    },
  });
  const axonRequests = keptSeries("synapse", logger, metrics, {
    count: {
      name: "turntable_axon_requests",
      description: "requests of miners by synapse and status code",
    },
    seconds: {
      name: "turntable_axon_request_seconds",
      description: "duration of the miners' requests",
    },
  });
  const refused = meter.createCounter("turntable_refused", {
    description: "what limits of the axons refused or cut off, by reason",
  });
  const refusals = new Map<string, { count: number; loggedAt: number }>();
  const assignments = meter.createCounter("turntable_assignments", {
    description: "tasks lent to miners by class",
  });
  const losses = meter.createCounter("turntable_assignments_lost", {
    description:
      "tasks that miners lost, by cause: silence until the deadline, no registration any more, or cancelled by the client",
  });
  const submissions = meter.createCounter("turntable_submissions", {
    description: "submissions taken from miners",
  });
  const verdicts = meter.createCounter("turntable_verdicts", {
    description: "verdicts by kind",
  });
  const scores = meter.createHistogram("turntable_score", {
    description: "scores of assets that a worker could score, 0 to 1, by model",
    advice: { explicitBucketBoundaries: scoreBuckets },
  });
  const secondLooks = meter.createCounter("turntable_second_looks", {
    description: "submissions that a second worker decides on, after faults in a row",
  });
  const verdictSeconds = meter.createHistogram("turntable_verdict_seconds", {
    description: "from a submission to its verdict",
  });
  const scorings = meter.createCounter("turntable_scorings", {
    description: "assets of clients that were scored, or failed, by outcome",
  });
  const scoringSeconds = meter.createHistogram("turntable_scoring_seconds", {
    description: "from a client's asset that is whole to its score or failure",
  });
  const intakeRefusals = meter.createCounter("turntable_intake_refused", {
    description: "tasks and submissions that were refused for want of room, by what was full",
  });
  const removals = meter.createCounter("turntable_removed", {
    description: "assets, tasks and files without a submission that retention removed",
  });
  const troubles = meter.createCounter("turntable_troubles", {
    description: "faults of ours that were tried again",
  });
  // What alerts look at begins with 0: the growth of a series that was not there is not seen.
  verdicts.add(0, { kind: "system-fault" });
  scorings.add(0, { outcome: "system-fault" });
  troubles.add(0);
  for (const kind of ["disk", "backlog", "paused"]) {
    intakeRefusals.add(0, { kind });
  }

  const verdict = (
    { submission, hotkey, feedback }: Extract<ResultOutcome, { kind: "applied" }>,
    now: number,
    by?: Pick<RenderScoreResult, "workerId" | "attempt">,
  ): void => {
    const waitedMs = now - submission.receivedAt;
    verdicts.add(1, { kind: feedback.verdict });
    verdictSeconds.record(waitedMs / 1000);
    logger[feedback.verdict === "system-fault" ? "error" : "info"](
      {
        job_id: submission.id,
        hotkey,
        outcome: feedback.verdict,
        score: feedback.score,
        reason: feedback.reason || undefined,
        worker_id: by?.workerId,
        attempt: by?.attempt,
        duration_ms: waitedMs,
      },
      "verdict",
    );
  };

  return {
    ...createBackgroundEvents(logger, metrics),
    apiCall(event) {
      const { series, log } = apiCalls(methodOf(event.method), event.code);
      series.record(event.durationMs / 1000);
      const fields = { client: event.client, duration_ms: Math.round(event.durationMs) };
      const { fault } = event;
      if (fault === undefined) {
        log.info(fields, "api call");
      } else {
        log.error({ ...fields, error_id: fault.id, err: fault.cause }, "api call failed");
      }
    },
    axonRequest(event) {
      const { series, log } = axonRequests(event.synapse ?? "unknown", String(event.status));
      series.record(event.durationMs / 1000);
      const fields = {
        hotkey: event.hotkey,
        verified: event.verified,
        remote: event.remoteAddress,
        sdk_version: event.sdkVersion,
        message: event.message,
        body_bytes: event.bodyBytes,
        duration_ms: Math.round(event.durationMs),
        verify_ms: Math.round(event.verifyMs),
        body_ms: Math.round(event.bodyMs),
        handle_ms: Math.round(event.handleMs),
        hung_up: event.hungUp || undefined,
      };
      if (event.error === undefined) {
        log.info(fields, "axon request");
      } else {
        log.error({ ...fields, error_id: event.errorId, err: event.error }, "axon request");
      }
    },
    axonRefused({ reason, remoteAddress }) {
      refused.add(1, { reason });
      // A flood is told in a line a minute, with the address of the last one.
      const told = refusals.get(reason) ?? { count: 0, loggedAt: Number.NEGATIVE_INFINITY };
      refusals.set(reason, told);
      told.count += 1;
      const now = performance.now();
      if (now - told.loggedAt < refusalLogMs) {
        return;
      }
      logger.warn({ reason, remote: remoteAddress, count: told.count }, "axon refused");
      told.count = 0;
      told.loggedAt = now;
    },
    axonAnnounced({ netuid, ip, port, isPrivate, outcome }) {
      const fields = { netuid, ip, port };
      if (isPrivate) {
        logger.warn(
          fields,
          "the announced address is a private one, which miners elsewhere cannot reach; give the outer one to --axon-external-ip",
        );
      }
      if (outcome.kind === "included" || outcome.kind === "unchanged") {
        logger.info({ ...fields, outcome: outcome.kind }, "axon announced");
      } else {
        logger.error({ ...fields, ...outcome }, "the chain did not take the axon's address");
      }
    },
    assigned(task, hotkey) {
      assignments.add(1, { class: task.class });
      logger.info({ task_id: task.id, class: task.class, hotkey }, "task assigned");
    },
    lost({ id, taskId, hotkey }, cause) {
      losses.add(1, { cause });
      logger.info({ job_id: id, task_id: taskId, hotkey, cause }, "task taken back");
    },
    submitted({ id, assetSizeBytes }, hotkey) {
      submissions.add(1);
      logger.info({ job_id: id, hotkey, size_bytes: assetSizeBytes }, "submission taken");
    },
    result(result, outcome, now) {
      if (outcome.kind === "applied" && result.outcome.case === "scored") {
        const { score, model } = result.outcome.value;
        scores.record(score, { model: model?.name ?? "unknown" });
      }
      if (outcome.kind === "applied") {
        return verdict(outcome, now, result);
      }
      if (outcome.kind === "again") {
        secondLooks.add(1);
        const { submission, hotkey } = outcome;
        const fields = { job_id: submission.id, hotkey };
        return logger.warn(fields, "scoring failed too often; a second worker decides");
      }
      logger.info({ job_id: result.jobId, outcome: outcome.kind }, "result without effect");
    },
    ended(outcome, now) {
      if (outcome.kind === "applied") {
        verdict(outcome, now);
      }
    },
    scoringEnded({ scoring, waitedMs, by }) {
      const { id, client, report, failure } = scoring;
      const outcome = failure?.code ?? "scored";
      scorings.add(1, { outcome });
      if (waitedMs !== undefined) {
        scoringSeconds.record(waitedMs / 1000);
      }
      logger[outcome === "system-fault" ? "error" : "info"](
        {
          ...{ job_id: id, client, outcome, score: report?.score, reason: failure?.message },
          ...{ worker_id: by?.workerId, attempt: by?.attempt, duration_ms: waitedMs },
        },
        "scoring ended",
      );
    },
    clockSet(offMs) {
      troubles.add(1);
      logger.warn({ off_ms: Math.round(offMs) }, "the machine's time was set; we follow slowly");
    },
    intakeRefused: (kind) => intakeRefusals.add(1, { kind }),
    removed(removed) {
      const counts = Object.entries(removed);
      for (const [kind, count] of counts) {
        if (count > 0) {
          removals.add(count, { kind });
        }
      }
      if (counts.some(([, count]) => count > 0)) {
        logger.debug({ ...removed }, "removed");
      }
    },
    minute({ at: _, startedAt, ...status }) {
      logger.info({ ...status, started_at: new Date(startedAt).toISOString() }, "status");
    },
    trouble(what, error) {
      troubles.add(1);
      // Whose message says all there is to it.
      const isSaid = error instanceof QueueUnavailableError;
      logger.warn(isSaid ? { reason: error.message } : { err: error }, what);
    },
    jobsQueuedAgain() {
      logger.info("jobs are queued again");
    },
  };
}

/** `CreateTask` of `/turntable.v1.GenerationService/CreateTask` */
const methodOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** What is noted of calls with the same labels: their metrics, and a logger that has the labels printed already. */
interface Kept {
  readonly series: CallSeries;
  readonly log: Logger;
}

/**
 * Finds what belongs to a call's labels, `what` and `code`, without making anything that was made before. Both are small
 * sets: methods or synapses that the server knows, and status codes.
 */
function keptSeries(
  what: string,
  logger: Logger,
  metrics: Metrics,
  names: CallMetricNames,
): (value: string, code: string) => Kept {
  const calls = metrics.createCallMetrics(names);
  const kept = new Map<string, Map<string, Kept>>();
  return (value, code) => {
    const codes = kept.get(value) ?? new Map<string, Kept>();
    const known = codes.get(code);
    if (known !== undefined) {
      return known;
    }
    const labels = { [what]: value, code };
    const made = { series: calls.series(labels), log: logger.child(labels) };
    kept.set(value, codes.set(code, made));
    return made;
  };
}
