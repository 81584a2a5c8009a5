/**
 * The neuron: asks one validator after the other for a task, has it generated, signs and submits it.
 *
 * N1 A validator is not asked before its cooldown has passed, nor while a task of it is in hand, nor at once again when
 *    it names a time that is over. A restart keeps to that.
 * N2 A task is asked for when a healthy generation endpoint has a place for it, and not before.
 * N3 A stop ends the waiting and the generating at once, gives those tasks back, and lets what is being sent go through
 *    for a while; what did not is sent by the next start.
 */
import { type Meter, ROOT_CONTEXT } from "@opentelemetry/api";
import { type AxonTarget, createDendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { pullTask } from "@turntable/bittensor/synapse";
import { inSpan, type Logger } from "@turntable/process";
import { createEndpoints, type EndpointOptions, type Endpoints, type Place } from "./endpoints.ts";
import { createEvents, type MinerEvents } from "./events.ts";
import type { Packing } from "./packing.ts";
import { type MinerStore, openMinerStore, type PulledTask, type Work } from "./store/index.ts";
import { sign } from "./submission.ts";
import { finishTask, type QualityOptions, type Workshop } from "./task.ts";
import { type Bell, createBell, systemTiming, type Timing } from "./timing.ts";

export interface MinerOptions {
  readonly hotkey: Keypair;
  /** The validators to ask, in turn. Asked again before each round. */
  readonly validators: () => Promise<readonly AxonTarget[]>;
  /** At least one. */
  readonly endpoints: readonly EndpointOptions[];
  /** What has to survive; of this process alone when absent. The miner does not close it. */
  readonly store?: MinerStore;
  /** How assets are sent; `as-is` when absent. */
  readonly packing?: Packing;
  /** Scores assets before they are sent. */
  readonly quality?: QualityOptions | undefined;
  /** The subnet's licence consent; with it submissions are signed as of 2025, without it as of 2024. */
  readonly consentText?: string | undefined;
  /** A validator that cannot be reached or refuses is left alone for this long, longer from time to time; ms. */
  readonly failureCooldownMs?: number;
  /** Between two tries to submit, in ms. */
  readonly retryDelayMs?: number;
  readonly logger: Logger;
  readonly meter?: Meter;
  readonly timing?: Timing;
}

export interface Miner extends AsyncDisposable {
  /** What is in the way of mining at the moment, as last seen; undefined when nothing is. */
  trouble(): string | undefined;
}

/** Source: the subnet's own miner. */
const defaultFailureCooldownMs = 60_000;
const defaultRetryDelayMs = 10_000;
const pullTimeoutMs = 12_000;
/** A validator that fails again and again is left alone for so many times as long at most. */
const maxFailureFactor = 16;
/** What a validator that says nothing of a cooldown gets, in ms. */
const silentCooldownMs = 300_000;
/** Between two turns with the same validator at least, in ms. Validators of a local subnet ask back after a second. */
const leastPauseMs = 1_000;
/** After a cooldown that is over when it is told: by a clock that is behind, or for ever the same; ms. */
const staleCooldownMs = 10_000;
/** For a task without a deadline, those of 2025, in ms. */
const taskTimeoutMs = 300_000;
/** Between two looks for validators, in ms. */
const idleMs = 10_000;
/** What is being sent at a stop has this long to go through, in ms. */
const drainMs = 3_000;

/** Starts mining, with what an earlier process left unfinished first; disposing stops it as N3 says. */
export async function startMiner(options: MinerOptions): Promise<Miner> {
  await using stack = new AsyncDisposableStack();
  const store = options.store ?? stack.use(openMinerStore(undefined));
  const stopping = new AbortController();
  const breakingOff = new AbortController();
  const session = createSession(options, store, stopping.signal, breakingOff.signal);
  stack.use(session.dendrite);
  carryOn(session);
  const asking = askForTasks(session);
  const owned = stack.move();
  return {
    trouble: () => session.trouble ?? session.workshop.endpoints.trouble(),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      const patience = setTimeout(() => breakingOff.abort(), drainMs);
      await asking;
      await Promise.all(session.inHand.values());
      clearTimeout(patience);
      await owned.disposeAsync();
    },
  };
}

interface Session {
  readonly validators: MinerOptions["validators"];
  readonly failureCooldownMs: number;
  readonly timing: Timing;
  readonly logger: Logger;
  readonly dendrite: ReturnType<typeof createDendrite>;
  readonly store: MinerStore;
  readonly endpoints: Endpoints;
  readonly workshop: Workshop;
  readonly events: MinerEvents;
  readonly stopping: AbortSignal;
  readonly breakingOff: AbortSignal;
  /** What is being done for each validator, by hotkey (N1). */
  readonly inHand: Map<string, Promise<void>>;
  /** Rung when a validator's turn has ended. */
  readonly turnEnded: Bell;
  /** Where validators were when they were listed last. */
  readonly places: Map<string, AxonTarget>;
  trouble: string | undefined;
}

function createSession(
  options: MinerOptions,
  store: MinerStore,
  stopping: AbortSignal,
  breakingOff: AbortSignal,
): Session {
  const { hotkey, consentText, timing = systemTiming, meter } = options;
  const logger = options.logger.child({ hotkey: hotkey.ss58 });
  const dendrite = createDendrite({ hotkey });
  const { outbox, generations: records } = store;
  const endpoints = createEndpoints(options.endpoints, { records, timing, logger, meter });
  return {
    validators: options.validators,
    failureCooldownMs: options.failureCooldownMs ?? defaultFailureCooldownMs,
    events: createEvents({ logger, meter, store, now: timing.now }),
    workshop: {
      ...{ outbox, endpoints, logger },
      packing: options.packing ?? "as-is",
      quality: options.quality,
      submitter: {
        ...{ dendrite, hotkey, consentText, timing, stopping, signal: breakingOff },
        retryDelayMs: options.retryDelayMs ?? defaultRetryDelayMs,
        onSending: outbox.sending,
      },
    },
    ...{ timing, logger, dendrite, store, endpoints, stopping, breakingOff },
    inHand: new Map(),
    turnEnded: createBell(timing),
    places: new Map(),
    trouble: "no validator was asked yet",
  };
}

/** Does what an earlier process left unfinished; what is of one validator, one after the other. */
function carryOn(session: Session): void {
  const unfinished = session.store.outbox.unfinished();
  for (const works of Map.groupBy(unfinished, ({ task }) => task.target.hotkey).values()) {
    const [first] = works;
    if (first !== undefined) {
      start(session, first.task.target, undefined, async (current) => {
        let askAt = 0;
        for (const work of works) {
          session.logger.info({ task_id: work.task.id, state: work.kind }, "a task is carried on");
          askAt = Math.max(askAt, await doTask(session, work, undefined, current));
        }
        return askAt;
      });
    }
  }
}

/** Until the stop. */
async function askForTasks(session: Session): Promise<void> {
  const { endpoints, stopping, logger, timing } = session;
  while (!stopping.aborted) {
    try {
      await dueValidator(session);
      using unused = new DisposableStack();
      const place = unused.use(await endpoints.place("new", stopping)); // N2
      // It may have waited for long; whose turn is it now?
      const target = await nextDue(session);
      if (target !== undefined) {
        unused.move();
        start(session, target, place, () => takeTurn(session, target, place));
      }
    } catch (error) {
      if (!stopping.aborted) {
        logger.error({ err: error }, "no validator can be asked");
        await timing.sleep(idleMs, stopping).catch(() => undefined);
      }
    }
  }
}

/** Waits until a validator may be asked. */
async function dueValidator(session: Session): Promise<void> {
  const { store, timing, stopping, inHand, turnEnded } = session;
  for (;;) {
    const free = (await listValidators(session)).filter(({ hotkey }) => !inHand.has(hotkey));
    const waits = free.map(({ hotkey }) => store.validators.askAt(hotkey) - timing.now());
    const waitMs = Math.min(...waits);
    if (waitMs <= 0) {
      return;
    }
    // With a task of each in hand there is nothing to wait for but their ends.
    const isAllInHand = free.length === 0 && inHand.size > 0;
    await turnEnded.wait(isAllInHand ? undefined : Math.min(waitMs, idleMs), stopping);
  }
}

/** The validator whose turn came first, so that none waits for ever while others are asked again. */
async function nextDue(session: Session): Promise<AxonTarget | undefined> {
  const { store, timing, inHand } = session;
  const due = ({ hotkey }: AxonTarget): number => store.validators.askAt(hotkey);
  const free = (await listValidators(session)).filter(({ hotkey }) => !inHand.has(hotkey));
  const [next] = free.toSorted((a, b) => due(a) - due(b));
  return next !== undefined && due(next) <= timing.now() ? next : undefined;
}

async function listValidators({ validators, places }: Session): Promise<readonly AxonTarget[]> {
  const listed = await validators();
  for (const target of listed) {
    places.set(target.hotkey, target);
  }
  return listed;
}

/**
 * Does something for a validator, which is not asked meanwhile (N1); nothing that one task brings ends the mining.
 * @param place where it generates; freed when the turn ends, and before that when generating has ended
 * @param turn returns when the validator may be asked again, ms since 1970
 */
function start(
  session: Session,
  target: AxonTarget,
  place: Place | undefined,
  turn: (target: AxonTarget) => Promise<number>,
): void {
  const { inHand, store, timing, logger, breakingOff } = session;
  const run = async (): Promise<void> => {
    using _ = place;
    try {
      // Whoever ends this process now must not make the next one ask too early. Source: the subnet's own miner.
      const optimistic = timing.now() + session.failureCooldownMs;
      store.validators.rest(target, Math.max(optimistic, store.validators.askAt(target.hotkey)));
      const current = session.places.get(target.hotkey) ?? target;
      store.validators.rest(current, await turn(current));
    } catch (error) {
      if (!breakingOff.aborted) {
        logger.error({ err: error, validator: target.hotkey }, "a turn failed");
        await timing.sleep(idleMs, session.stopping).catch(() => undefined);
      }
    } finally {
      inHand.delete(target.hotkey);
      session.turnEnded.ring();
    }
  };
  inHand.set(target.hotkey, Promise.resolve().then(run)); // it is there before the turn begins
}

/** Asks for a task and does it, all in one trace. */
function takeTurn(session: Session, target: AxonTarget, place: Place): Promise<number> {
  return inSpan("turn", { parent: ROOT_CONTEXT }, async (span) => {
    const pulled = await pull(session, target);
    if (typeof pulled === "number") {
      return pulled;
    }
    span.setAttribute("task_id", pulled.id);
    const { outbox } = session.store;
    const work = outbox.take(pulled);
    if (pulled.type === "image" && work.kind === "generating") {
      const submission = sign(work.task, "a picture is asked for", session.workshop.submitter);
      return await doTask(session, outbox.signed(work, submission), place, target);
    }
    return await doTask(session, work, place, target);
  });
}

/** @returns the task, or when the validator may be asked again, ms since 1970 */
async function pull(
  session: Session,
  target: AxonTarget,
): Promise<(PulledTask & { readonly type: string }) | number> {
  const { dendrite, stopping, timing, store, events } = session;
  const call = { target, body: {}, timeoutMs: pullTimeoutMs, signal: stopping };
  const pulled = await dendrite.call(pullTask, call);
  if (pulled.kind === "failure") {
    const { status, message } = pulled;
    const reason = `${status} ${message}`;
    session.trouble = `validator ${target.hotkey}: ${reason}`;
    const failures = store.validators.failed(target, reason);
    const factor = Math.min(maxFailureFactor, 2 ** (failures - 1));
    const restMs = session.failureCooldownMs * factor;
    events.pullFailed({ target, status, message, isRefusal: pulled.answered, restMs });
    return timing.now() + restMs;
  }
  session.trouble = undefined;
  store.validators.answered(target);
  const { task, cooldown_until: cooldownUntilS, submit_before: submitBeforeS } = pulled.fields;
  const now = timing.now();
  if (task === null) {
    return cooldownUntilS > 0 ? afterCooldown(cooldownUntilS * 1000, now) : now + silentCooldownMs;
  }
  return {
    ...{ target, id: task.id, prompt: task.prompt, type: task.type, pulledAt: now },
    deadline: submitBeforeS > 0 ? submitBeforeS * 1000 : now + taskTimeoutMs,
  };
}

/** @returns when the validator may be asked again, ms since 1970 */
async function doTask(
  session: Session,
  work: Work,
  place: Place | undefined,
  target: AxonTarget,
): Promise<number> {
  const { timing, workshop, events, failureCooldownMs } = session;
  if (work.kind === "done") {
    // Its content is gone, and another one must never follow.
    events.lentAgain(work.task, work.outcome);
    return timing.now() + failureCooldownMs;
  }
  const report = await finishTask(work, place, target, workshop);
  if (report.ending === undefined) {
    return timing.now() + failureCooldownMs; // the stop came first
  }
  workshop.outbox.done(work, report.ending, timing.now());
  events.taskDone(work.task, { ...report, ending: report.ending });
  const { feedback, outcome } = report.ending;
  const now = timing.now();
  if (feedback === undefined) {
    return now + failureCooldownMs;
  }
  return outcome === "cancelled"
    ? Math.max(feedback.cooldownUntil, now + leastPauseMs) // it costs nothing, so the time told may be over
    : afterCooldown(feedback.cooldownUntil, now);
}

/** When a validator may be asked again (N1); ms since 1970, as both arguments. */
function afterCooldown(cooldownUntil: number, now: number): number {
  return cooldownUntil > now ? Math.max(cooldownUntil, now + leastPauseMs) : now + staleCooldownMs;
}
