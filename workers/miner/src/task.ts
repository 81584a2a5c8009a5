/**
 * One task, from wherever it stands to its end: generating, generated, signed, done. Each step is on disk before the next
 * begins.
 *
 * T1 A task that cannot be made in time is given back with an empty submission, so that another miner gets it.
 * T2 A stop gives back what is being generated; what was generated is signed and sent, now or by the next start.
 */
import type { AxonTarget } from "@turntable/bittensor/dendrite";
import type { Logger } from "@turntable/process";
import type { Endpoints, Place } from "./endpoints.ts";
import { seedFor } from "./generation.ts";
import { type Packing, pack } from "./packing.ts";
import { type Scorer, selfCheck } from "./quality.ts";
import type {
  Ending,
  Generated,
  Generating,
  Made,
  Outbox,
  Packed,
  Signed,
  Work,
} from "./store/index.ts";
import { type Submitter, send, sign } from "./submission.ts";

export interface QualityOptions {
  readonly scorer: Scorer;
  /** 0 to 1; what scores less is generated again, with another seed, while time allows. */
  readonly leastScore: number;
  /** What becomes of it when time does not allow that. */
  readonly otherwise: "give-back" | "send";
}

export interface Workshop {
  readonly outbox: Outbox;
  readonly endpoints: Endpoints;
  readonly submitter: Submitter;
  readonly packing: Packing;
  readonly quality: QualityOptions | undefined;
  readonly logger: Logger;
}

/** What a task came to, for the log. */
export interface TaskReport {
  /** Undefined when a stop came first: the next start carries on. */
  readonly ending: Ending | undefined;
  /** What was sent; undefined when it was given back. */
  readonly sent: Packed | undefined;
  readonly endpoint: string | undefined;
  readonly score: number | undefined;
  readonly generateMs: number;
  readonly submitMs: number;
  readonly sends: number;
}

/** Generation has to end this long before the deadline, where there is that much time; ms. Source: the subnet's own miner. */
const reserveMs = 60_000;
/** Another round is begun when there is time for so many of the last. */
const roundMargin = 1.5;
/** How many endpoints may fail at one task: a prompt that all of them fail at must not put all to rest. */
const maxFailures = 3;

/**
 * @param place where it is generated first; the task has it from here on
 * @param target where the validator is now
 */
export async function finishTask(
  work: Exclude<Work, { kind: "done" }>,
  place: Place | undefined,
  target: AxonTarget,
  workshop: Workshop,
): Promise<TaskReport> {
  const { timing } = workshop.submitter;
  using stack = new DisposableStack();
  if (place !== undefined) {
    stack.use(place);
  }
  let current: Exclude<Work, { kind: "done" }> = work;
  let generateMs = 0;
  let next = place;
  while (current.kind !== "signed") {
    if (current.kind === "generating") {
      current = await generate(current, next, workshop);
      next = undefined;
    } else {
      generateMs += current.made.generateMs;
      current = await judge(current, workshop);
    }
  }
  stack.dispose(); // whoever waits for a place need not wait for the verdict
  const { made, submission } = current;
  const { asset } = submission;
  const startedAt = timing.now();
  let { sends } = submission;
  const ending = await send(current, target, {
    ...workshop.submitter,
    onSending(signed) {
      sends++;
      return workshop.submitter.onSending(signed);
    },
  });
  const isGivenBack = typeof asset === "string";
  return {
    // What the validator says to an empty submission tells nothing.
    ending:
      isGivenBack && ending !== undefined
        ? { ...ending, outcome: "not-generated", reason: asset }
        : ending,
    sent: isGivenBack ? undefined : asset,
    ...{ endpoint: made?.endpoint, score: made?.score, sends },
    generateMs: generateMs || (made?.generateMs ?? 0),
    submitMs: timing.now() - startedAt,
  };
}

/** When generation has to be over; ms since 1970. */
function generateUntil(deadline: number, now: number): number {
  const leftMs = deadline - now;
  return leftMs > 2 * reserveMs ? deadline - reserveMs : now + leftMs / 2;
}

async function generate(
  work: Generating,
  first: Place | undefined,
  workshop: Workshop,
): Promise<Generated | Signed> {
  const { endpoints, outbox, submitter, logger } = workshop;
  const { hotkey, timing, stopping } = submitter;
  const { task, round } = work;
  const until = generateUntil(task.deadline, timing.now());
  let failures = 0;
  let reason = "its time was over before it could be generated";
  let place = first;
  try {
    for (;;) {
      const leftMs = until - timing.now();
      if (leftMs <= 0) {
        return giveUp(work, reason, workshop);
      }
      place ??= await placeInTime(endpoints, leftMs, stopping);
      if (place === undefined) {
        return giveUp(work, reason, workshop);
      }
      using taken = place;
      place = undefined;
      const hereMs = until - timing.now();
      if (taken.typicalMs !== undefined && taken.typicalMs > hereMs) {
        const needed = `generating takes ${seconds(taken.typicalMs)}`;
        return giveUp(work, `${needed} and only ${seconds(hereMs)} are left`, workshop); // T1
      }
      // With others to fall back on, one endpoint does not get all of the time.
      const timeoutMs = endpoints.healthy() > 1 ? hereMs / 2 : hereMs;
      let findings: readonly string[] = [];
      const made = await taken.generate({
        prompt: task.prompt,
        seed: seedFor(task.id, hotkey.ss58, round),
        ...{ timeoutMs, signal: stopping },
        async check(bytes) {
          findings = await selfCheck(bytes);
        },
      });
      if (made.kind === "made") {
        if (findings.length > 0) {
          const { prompt } = task;
          logger.warn({ prompt, url: taken.url, findings }, "the asset has faults");
        }
        const { bytes, ms: generateMs } = made;
        const endpoint = taken.url;
        return outbox.generated(work, { round, bytes, endpoint, generateMs, score: undefined });
      }
      ({ reason } = made);
      if (++failures >= maxFailures || endpoints.healthy() === 0) {
        return giveUp(work, reason, workshop);
      }
    }
  } catch (error) {
    if (!stopping.aborted) {
      throw error;
    }
    return giveUp(work, "the miner is stopping", workshop); // T2
  } finally {
    place?.[Symbol.dispose]();
  }
}

/** Sends what earlier rounds have made, where that is wanted; gives the task back otherwise. */
async function giveUp(work: Generating, reason: string, workshop: Workshop): Promise<Signed> {
  const { outbox, submitter, quality } = workshop;
  const { task, kept } = work;
  if (kept !== undefined && quality?.otherwise === "send") {
    const packed = await tryPack(kept, workshop);
    return outbox.signed(work, sign(task, packed, submitter));
  }
  const why =
    kept?.score === undefined || quality === undefined ? reason : tooLow(kept.score, quality);
  return outbox.signed(work, sign(task, why, submitter));
}

async function judge(work: Generated, workshop: Workshop): Promise<Generating | Signed> {
  const { outbox, submitter, quality, logger } = workshop;
  const { task } = work;
  const { timing, signal } = submitter;
  let current = work;
  if (quality !== undefined && work.made.score === undefined) {
    try {
      const score = await quality.scorer.score(task.prompt, work.made.bytes, signal);
      current = outbox.scored(work, score);
    } catch (error) {
      signal.throwIfAborted();
      // Better unscored than not at all.
      logger.warn({ task_id: task.id, err: error }, "the asset is sent without a score");
    }
  }
  const { made, kept } = current;
  if (quality === undefined || made.score === undefined || made.score >= quality.leastScore) {
    return outbox.signed(current, sign(task, await tryPack(made, workshop), submitter));
  }
  const leftMs = generateUntil(task.deadline, timing.now()) - timing.now();
  if (leftMs > roundMargin * made.generateMs && !submitter.stopping.aborted) {
    return outbox.again(current);
  }
  const better = kept?.score !== undefined && kept.score > made.score ? kept : made;
  const asset =
    quality.otherwise === "send"
      ? await tryPack(better, workshop)
      : tooLow(better.score ?? 0, quality);
  return outbox.signed({ ...current, made: better }, sign(task, asset, submitter));
}

function tooLow(score: number, { leastScore }: QualityOptions): string {
  return `scored ${score.toFixed(3)} before sending, below ${leastScore}, and there is no time for another try`;
}

/** Packed for the validator, or why it cannot be. */
async function tryPack(made: Made, { packing }: Workshop): Promise<Packed | string> {
  try {
    return await pack(made.bytes, packing);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `the asset could not be packed: ${reason}`;
  }
}

/** A place within that time; undefined when there was none. @throws the stop's reason */
async function placeInTime(
  endpoints: Endpoints,
  leftMs: number,
  stopping: AbortSignal,
): Promise<Place | undefined> {
  const patience = AbortSignal.timeout(Math.max(0, Math.floor(leftMs)));
  try {
    return await endpoints.place("task", AbortSignal.any([stopping, patience]));
  } catch (error) {
    stopping.throwIfAborted();
    if (patience.aborted) {
      return undefined;
    }
    throw error;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
