/** Events of what goes on beside the tasks, each part's counters and log lines together. */
import type { Logger, Metrics } from "@turntable/process";
import type { AuditEvent } from "./audits/index.ts";
import type { DuelEvent } from "./duels/index.ts";
import type { PromptsEvent } from "./prompts/index.ts";
import type { StorageEvent } from "./storage/index.ts";
import type { WeightsEvent } from "./weights/index.ts";

export interface BackgroundEvents {
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
}

/** That prompts are repeated is logged this often, in ms. */
const repeatedLogMs = 3_600_000;
/** That something is not stored outside is logged this often for each target and reason, in ms. */
const notStoredLogMs = 60_000;
/** Bounds of the buckets of differences: from what rounding makes of a score to what no honest worker does. */
const differenceBuckets = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/** Makes the counters in `metrics`; the log lines go to `logger`. */
export function createBackgroundEvents(logger: Logger, metrics: Metrics): BackgroundEvents {
  return {
    weights: weightsEvents(logger, metrics),
    prompts: promptsEvents(logger, metrics),
    audit: auditEvents(logger, metrics),
    duel: duelEvents(logger, metrics),
    storage: storageEvents(logger, metrics),
  };
}

function weightsEvents(logger: Logger, { meter }: Metrics): BackgroundEvents["weights"] {
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
  return (event) => {
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
  };
}

function promptsEvents(logger: Logger, { meter }: Metrics): BackgroundEvents["prompts"] {
  const promptFetches = meter.createCounter("turntable_prompt_fetches", {
    description: "lists asked of the prompt service, by outcome",
  });
  const promptsRepeated = meter.createCounter("turntable_prompts_repeated", {
    description: "prompts that a miner was given again within its window, since it had had all",
  });
  let repeatedToldAt = Number.NEGATIVE_INFINITY;
  return (event) => {
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
  };
}

function auditEvents(logger: Logger, { meter }: Metrics): BackgroundEvents["audit"] {
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

function duelEvents(logger: Logger, { meter }: Metrics): BackgroundEvents["duel"] {
  const duels = meter.createCounter("turntable_duels", {
    description:
      "duels by outcome: decided, draw, or none since the judge was away or its answer unusable",
  });
  return (event) => {
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
  };
}

function storageEvents(logger: Logger, { meter }: Metrics): BackgroundEvents["storage"] {
  const stores = meter.createCounter("turntable_asset_stores", {
    description: "accepted assets stored outside, or not, by target and outcome",
  });
  const fullToldAt = new Map<string, number>();
  return (event) => {
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
          notStoredLogMs
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
  };
}
