/** One function for each thing that happens: the counter and the log line together. Hotkeys go to logs only. */
import type { AxonEvent, Refusal } from "@turntable/bittensor/axon";
import { QueueUnavailableError } from "@turntable/bus";
import type { CallMetricNames, CallSeries, Logger, Metrics } from "@turntable/process";
import type { RenderScoreResult } from "@turntable/proto";
import type { ApiCallEvent } from "./api/index.ts";
import type { AuditEvent, Audits } from "./audits/index.ts";
import type { AxonAnnouncement } from "./chain/index.ts";
import type { DuelEvent } from "./duels/index.ts";
import type { PromptsEvent } from "./prompts/index.ts";
import type { Removed, Retention } from "./retention/index.ts";
import type { ScoringEnd } from "./scorings/index.ts";
import type { Status } from "./status/index.ts";
import {
  type StorageEvent,
  type StorageOptions,
  type StorageQueue,
  targetsOf,
} from "./storage/index.ts";
import type { ResultOutcome, Submission } from "./submissions/index.ts";
import type { Assignment, Task, TaskState } from "./tasks/index.ts";
import type { WeightsEvent } from "./weights/index.ts";

export interface Events {
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
  /** Weights were sent, or could not be, or are late. */
  weights(event: WeightsEvent): void;
  /** The prompt service was asked, or a miner has had all prompts. */
  prompts(event: PromptsEvent): void;
  /** A verdict was looked at again, or something followed from that. */
  audit(event: AuditEvent): void;
  /** A duel was judged, or could not be. */
  duel(event: DuelEvent): void;
  /** An accepted asset was stored outside, or not. */
  storage(event: StorageEvent): void;
  /** How things are, once a minute. */
  minute(status: Status): void;
  /** A fault that is tried again. */
  trouble(what: string, error: unknown): void;
  /** After a trouble of queueing jobs. */
  jobsQueuedAgain(): void;
}

/** That prompts are repeated is logged this often, in ms. */
const repeatedLogMs = 3_600_000;
/** Bounds of the buckets of scores: narrow where thresholds of rules are. */
const scoreBuckets = [0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1];
/** Bounds of the buckets of differences: from what rounding makes of a score to what no honest worker does. */
const differenceBuckets = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
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
  const weightAttempts = meter.createCounter("turntable_weights_attempts", {
    description: "settings of weights by subnet and outcome",
  });
  /** By subnet and validator. */
  const weightsAge = new Map<string, Extract<WeightsEvent, { kind: "age" }>>();
  meter
    .createObservableGauge("turntable_weights_blocks_since_success", {
      description:
        "blocks since the validator's latest weights on the chain, by subnet; of several validators the oldest",
    })
    .addCallback((gauge) => {
      const ages = Map.groupBy(weightsAge.values(), ({ netuid }) => netuid);
      for (const [netuid, all] of ages) {
        gauge.observe(Math.max(...all.map(({ blocks }) => blocks)), { netuid });
      }
    });
  meter
    .createObservableGauge("turntable_weights_interval_blocks", {
      description: "blocks after which weights are due again, by subnet",
    })
    .addCallback((gauge) => {
      for (const { netuid, intervalBlocks } of weightsAge.values()) {
        gauge.observe(intervalBlocks, { netuid });
      }
    });
  const stores = meter.createCounter("turntable_asset_stores", {
    description: "accepted assets stored outside, or not, by target and outcome",
  });
  const fullToldAt = new Map<string, number>();
  const promptFetches = meter.createCounter("turntable_prompt_fetches", {
    description: "lists asked of the prompt service, by outcome",
  });
  const promptsRepeated = meter.createCounter("turntable_prompts_repeated", {
    description: "prompts that a miner was given again within its window, since it had had all",
  });
  let repeatedToldAt = Number.NEGATIVE_INFINITY;
  const duels = meter.createCounter("turntable_duels", {
    description:
      "duels by outcome: decided, draw, or none since the judge was away or its answer unusable",
  });
  const audit = auditEvents(logger, metrics);
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
    weights(event) {
      const { netuid, validator } = event;
      switch (event.kind) {
        case "age":
          weightsAge.set(`${netuid} ${validator}`, event);
          return;
        case "attempt": {
          const { outcome, count, block } = event;
          weightAttempts.add(1, { netuid, outcome: outcome.kind });
          const isDone = outcome.kind === "included" || outcome.kind === "unchanged";
          logger[isDone ? "info" : "warn"](
            {
              ...{ netuid, validator, weights: count, block, outcome: outcome.kind },
              reveal_round: "revealRound" in outcome ? outcome.revealRound?.toString() : undefined,
              message: "message" in outcome ? outcome.message : undefined,
            },
            isDone ? "weights set" : "weights were not set; they are tried again",
          );
          return;
        }
        case "none":
        case "barred":
          logger[event.kind === "none" ? "info" : "warn"](
            { netuid, validator, reason: event.reason },
            "no weights are set",
          );
          return;
        case "missing":
          logger.error(
            { netuid, validator, block: event.block, reason: event.reason },
            "weights that the chain took are not there",
          );
          return;
        case "foreign":
          logger.warn(
            { netuid, validator, block: event.block },
            "somebody else set weights with this hotkey: does another validator run with it?",
          );
          return;
        case "late":
          logger[event.isIdle ? "warn" : "error"](
            { netuid, validator, blocks: event.blocks, reason: event.reason },
            event.isIdle
              ? "no weights for long: there is nothing to set"
              : "weights are late: somebody has to look",
          );
          return;
        default:
          throw new TypeError(`unknown event ${String(event satisfies never)}`);
      }
    },
    prompts(event) {
      switch (event.kind) {
        case "fetched":
          promptFetches.add(1, { outcome: "fetched" });
          logger.info({ prompts: event.count }, "prompts fetched");
          return;
        case "failed":
          promptFetches.add(1, { outcome: "failed" });
          logger.warn(
            { reason: event.reason, retry_ms: event.retryMs, prompts: event.count },
            "the prompt service gave no list; those that are there are drawn from",
          );
          return;
        case "repeated": {
          promptsRepeated.add(1);
          const now = performance.now();
          if (now - repeatedToldAt < repeatedLogMs) {
            return;
          }
          repeatedToldAt = now;
          logger.warn(
            { hotkey: event.hotkey, prompts: event.count },
            "a miner has had every prompt within its window and gets them again; it can know them by now: give more prompts",
          );
          return;
        }
        default:
          throw new TypeError(`unknown event ${String(event satisfies never)}`);
      }
    },
    audit,
    duel(event) {
      if (event.kind === "failed") {
        const { error, pauseMs } = event;
        duels.add(1, { outcome: error.code });
        logger.warn({ reason: error.message, pause_ms: pauseMs }, "duels pause");
        return;
      }
      const { outcome, one, other, durationMs } = event;
      duels.add(1, { outcome: outcome === "draw" ? "draw" : "decided" });
      const winner = outcome === "one" ? one : outcome === "other" ? other : undefined;
      logger.info({ one, other, winner, duration_ms: Math.round(durationMs) }, "duel");
    },
    storage(event) {
      const { kind, target } = event;
      switch (kind) {
        case "stored":
          stores.add(1, { target, outcome: "stored" });
          logger.info(
            {
              ...{ target, job_id: event.id, content_id: event.contentId },
              duration_ms: event.durationMs,
            },
            "asset stored",
          );
          return;
        case "failed":
          stores.add(1, { target, outcome: event.isLast ? "given-up" : "failed" });
          logger.warn(
            { target, job_id: event.id, reason: event.reason },
            event.isLast
              ? "an asset could not be stored and is given up"
              : "an asset could not be stored; it is tried again",
          );
          return;
        case "not-queued": {
          stores.add(1, { target, outcome: event.reason });
          const now = performance.now();
          if (
            now - (fullToldAt.get(`${target} ${event.reason}`) ?? Number.NEGATIVE_INFINITY) <
            refusalLogMs
          ) {
            return;
          }
          fullToldAt.set(`${target} ${event.reason}`, now);
          logger.warn(
            { target, job_id: event.id, reason: event.reason },
            "an accepted asset is not stored outside",
          );
          return;
        }
        case "away":
          stores.add(1, { target, outcome: "away" });
          logger.warn(
            { target, reason: event.reason, retry_ms: event.retryMs },
            "nothing can be stored there now; what is accepted waits",
          );
          return;
        case "back":
          logger.info({ target }, "assets can be stored there again");
          return;
        default:
          throw new TypeError(`unknown event ${String(event satisfies never)}`);
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

/** What happens to audits, as `Events.audit`. */
function auditEvents(logger: Logger, { meter }: Metrics): Events["audit"] {
  const audits = meter.createCounter("turntable_audits", {
    description: "verdicts that a second worker looked at again, by reason and outcome",
  });
  const differences = meter.createHistogram("turntable_audit_difference", {
    description: "how far the scores that two workers gave one asset differ, 0 to 1",
    advice: { explicitBucketBoundaries: differenceBuckets },
  });
  const replacements = meter.createCounter("turntable_scores_replaced", {
    description: "scores that were found wrong and replaced, by whether the miner's reward changed",
  });
  const discards = meter.createCounter("turntable_results_discarded", {
    description:
      "results that were not taken, of workers that are quarantined or audited themselves",
  });
  const quarantines = meter.createCounter("turntable_quarantines", {
    description: "workers that were quarantined, since their scores drifted",
  });
  // What alerts look at begins with 0.
  for (const outcome of ["drifted", "undecided", "other-model", "no-second-worker"]) {
    audits.add(0, { reason: "sample", outcome });
  }
  discards.add(0);
  quarantines.add(0);
  return (event) => {
    switch (event.kind) {
      case "ended": {
        const { reason, outcome, submissionId: job_id, opinions, difference, drifted } = event;
        audits.add(1, { reason, outcome });
        if (difference !== undefined && outcome !== "other-model") {
          differences.record(difference);
        }
        const isBad = outcome === "drifted" || outcome === "undecided" || outcome === "other-model";
        const said = opinions.map(({ worker, score }) => ({ worker_id: worker, score }));
        logger[isBad ? "warn" : "info"](
          { job_id, reason, outcome, difference, drifted, opinions: said },
          "audit ended",
        );
        return;
      }
      case "replaced": {
        const { worker, replaced } = event;
        const { submissionId, hotkey, verdict, before, after, isRewarded } = replaced;
        replacements.add(1, { rewarded: isRewarded });
        logger.warn(
          {
            ...{ job_id: submissionId, hotkey, verdict, worker_id: worker, rewarded: isRewarded },
            ...{ score: after.score, score_before: before.score },
            ...{ fidelity: after.fidelity, fidelity_before: before.fidelity },
          },
          "a score was replaced",
        );
        return;
      }
      case "quarantined":
        quarantines.add(1);
        logger.error(
          { worker_id: event.worker, reason: event.reason, redone: event.redone },
          "a worker is quarantined: it gets no jobs and its results are not taken; see to it, then turntable admin workers release",
        );
        return;
      case "released":
        logger.info({ worker_id: event.worker }, "a worker was released from its quarantine");
        return;
      case "discarded":
        discards.add(1);
        logger.warn({ worker_id: event.worker, job_id: event.jobId }, "a result was not taken");
        return;
      default:
        throw new TypeError(`unknown event ${String(event satisfies never)}`);
    }
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

/** Lets metrics tell how many tasks have not ended, by state. */
export function observeOpenTasks(
  { meter }: Metrics,
  countOpen: () => Readonly<Partial<Record<TaskState, number>>>,
): void {
  meter
    .createObservableGauge("turntable_open_tasks", { description: "tasks that have not ended" })
    .addCallback((gauge) => {
      const counts = countOpen();
      for (const state of ["queued", "assigned", "scoring"] as const) {
        gauge.observe(counts[state] ?? 0, { state });
      }
    });
}

/** Lets metrics tell how many audits are open, and how many workers are shut out. */
export function observeAudits(
  { meter }: Metrics,
  audits: Pick<Audits, "countOpen" | "quarantined">,
): void {
  meter
    .createObservableGauge("turntable_open_audits", { description: "audits that have not ended" })
    .addCallback((gauge) => gauge.observe(audits.countOpen()));
  meter
    .createObservableGauge("turntable_quarantined_workers", {
      description: "workers that get no jobs since their scores drifted",
    })
    .addCallback((gauge) => gauge.observe(audits.quarantined().length));
}

/** Lets metrics tell how many bytes the assets and the database have. */
export function observeStorage(
  { meter }: Metrics,
  retention: Pick<Retention, "assetBytes" | "databaseBytes">,
): void {
  meter
    .createObservableGauge("turntable_storage_bytes", { description: "bytes kept, by what" })
    .addCallback((gauge) => {
      gauge.observe(retention.assetBytes(), { what: "assets" });
      gauge.observe(retention.databaseBytes(), { what: "database" });
    });
}

/** Lets metrics tell how many prompts there are to draw from. */
export function observePrompts({ meter }: Metrics, count: () => number): void {
  meter
    .createObservableGauge("turntable_prompts", { description: "prompts of synthetic tasks" })
    .addCallback((gauge) => gauge.observe(count()));
}

/** Lets metrics tell what waits to be stored outside. */
export function observeStorageQueue(
  { meter }: Metrics,
  storage: StorageOptions,
  queue: Pick<StorageQueue, "waiting">,
): void {
  meter
    .createObservableGauge("turntable_asset_store_queue", {
      description: "accepted assets that wait to be stored outside, by target",
    })
    .addCallback((gauge) => {
      for (const { name: target } of targetsOf(storage)) {
        gauge.observe(queue.waiting(target).assets, { target });
      }
    });
}
