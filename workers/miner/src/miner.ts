/**
 * The neuron: asks one validator after the other for a task, has it generated, signs and submits it.
 *
 * N1 A validator is not asked before its cooldown has passed, nor while a task of it is in work, nor at once again when
 *    it names a time that is over.
 * N2 A task that cannot be generated is given back with an empty submission, so that another miner gets it; while the
 *    generation endpoint fails, pauses grow.
 * N3 A stop ends the waiting and the generating at once, gives the task back, and lets what is being sent go through.
 */
import { type Meter, ROOT_CONTEXT, type Span } from "@opentelemetry/api";
import { type AxonTarget, createDendrite, type Dendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { pullTask } from "@turntable/bittensor/synapse";
import { inSpan, type Logger } from "@turntable/process";
import { requestGeneration, seedFor } from "./generation.ts";
import { type Packed, type Packing, pack } from "./packing.ts";
import { selfCheck } from "./self-check.ts";
import { type SubmissionOutcome, type Submitter, submit } from "./submission.ts";
import { systemTiming, type Timing } from "./timing.ts";

export interface MinerOptions {
  readonly hotkey: Keypair;
  /** The validators to ask, in turn. Asked again before each round. */
  readonly validators: () => Promise<readonly AxonTarget[]>;
  /** The generation endpoint, `http://127.0.0.1:8094`; several work on a task each, of different validators. */
  readonly generateUrl: string | readonly string[];
  /** How assets are sent; `as-is` when absent. */
  readonly packing?: Packing;
  /** The subnet's licence consent; with it submissions are signed as of 2025, without it as of 2024. */
  readonly consentText?: string | undefined;
  /** A validator that cannot be reached or refuses is left alone for this long, in ms. */
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
/** What a validator that says nothing of a cooldown gets, in ms. */
const silentCooldownMs = 300_000;
/** Between two turns with the same validator at least, in ms. Validators of a local subnet ask back after a second. */
const leastPauseMs = 1_000;
/** After a cooldown that is over when it is told: by a clock that is behind, or for ever the same; ms. */
const staleCooldownMs = 10_000;
/** Generation has to end this long before the deadline, where there is that much time; ms. */
const reserveMs = 60_000;
/** For a task without a deadline, those of 2025, in ms. */
const taskTimeoutMs = 300_000;
/** Between two looks for validators, in ms. */
const idleMs = 10_000;
/** After a failed generation; doubles from one to the next, in ms. */
const firstGenerationPauseMs = 5_000;
const longestGenerationPauseMs = 60_000;
/** What is being sent at a stop has this long to go through, in ms. */
const drainMs = 3_000;

/** Starts mining; disposing stops it as N3 says. */
export async function startMiner(options: MinerOptions): Promise<Miner> {
  const dendrite = createDendrite({ hotkey: options.hotkey });
  const stopping = new AbortController();
  const breakingOff = new AbortController();
  const session = createSession(options, dendrite, stopping.signal, breakingOff.signal);
  const urls = [options.generateUrl].flat();
  const mining = Promise.all(urls.map((url) => mine(session, url)));
  return {
    trouble: () => session.trouble,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      const patience = setTimeout(() => breakingOff.abort(), drainMs);
      await mining;
      clearTimeout(patience);
      await dendrite[Symbol.asyncDispose]();
    },
  };
}

interface Session extends Required<Pick<MinerOptions, "packing" | "failureCooldownMs" | "timing">> {
  readonly validators: MinerOptions["validators"];
  /** The miner's hotkey, ss58. */
  readonly hotkey: string;
  readonly logger: Logger;
  readonly dendrite: Dendrite;
  readonly stopping: AbortSignal;
  readonly submitter: Submitter;
  /** When each validator may be asked again, ms since 1970; Infinity while a task of it is in work (N1). */
  readonly askAt: Map<string, number>;
  readonly count: (outcome: string, generateMs: number) => void;
  trouble: string | undefined;
}

function createSession(
  options: MinerOptions,
  dendrite: Dendrite,
  stopping: AbortSignal,
  breakingOff: AbortSignal,
): Session {
  const { hotkey, consentText, timing = systemTiming } = options;
  const tasks = options.meter?.createCounter("turntable_miner_tasks", {
    description: "tasks by what came of them",
  });
  const seconds = options.meter?.createHistogram("turntable_miner_generate_seconds", {
    description: "duration of generation",
  });
  return {
    hotkey: hotkey.ss58,
    validators: options.validators,
    packing: options.packing ?? "as-is",
    failureCooldownMs: options.failureCooldownMs ?? defaultFailureCooldownMs,
    logger: options.logger.child({ hotkey: hotkey.ss58 }),
    timing,
    dendrite,
    stopping,
    submitter: {
      ...{ dendrite, hotkey, consentText, timing, stopping, signal: breakingOff },
      retryDelayMs: options.retryDelayMs ?? defaultRetryDelayMs,
    },
    askAt: new Map(),
    count(outcome, generateMs) {
      tasks?.add(1, { outcome });
      seconds?.record(generateMs / 1000);
    },
    trouble: "no validator was asked yet",
  };
}

/** One generation endpoint's work, until the stop. */
async function mine(session: Session, url: string): Promise<void> {
  const { askAt, logger, timing, stopping } = session;
  let generationPauseMs = 0;
  while (!stopping.aborted) {
    try {
      if (generationPauseMs > 0) {
        await timing.sleep(generationPauseMs, stopping); // N2
      }
      const target = await nextValidator(session);
      // Another endpoint's turn may have begun since it was looked up.
      if (target === undefined || (askAt.get(target.hotkey) ?? 0) > timing.now()) {
        continue;
      }
      let turn: Turn = { askAt: timing.now() + session.failureCooldownMs, generated: true };
      askAt.set(target.hotkey, Number.POSITIVE_INFINITY);
      try {
        turn = await inSpan("turn", { parent: ROOT_CONTEXT }, (span) =>
          takeTurn(session, target, url, span),
        );
      } finally {
        askAt.set(target.hotkey, turn.askAt);
      }
      generationPauseMs = turn.generated ? 0 : nextPause(generationPauseMs);
    } catch (error) {
      if (stopping.aborted) {
        return;
      }
      // Nothing that one task brings may end the mining.
      logger.error({ err: error }, "a turn failed");
      await timing.sleep(idleMs, stopping).catch(() => undefined);
    }
  }
}

function nextPause(pauseMs: number): number {
  return Math.min(longestGenerationPauseMs, pauseMs * 2 || firstGenerationPauseMs);
}

/** The validator to ask now; undefined after a pause when there was none, for another look. */
async function nextValidator(session: Session): Promise<AxonTarget | undefined> {
  const { askAt, timing, stopping } = session;
  const validators = await session.validators();
  const due = ({ hotkey }: AxonTarget): number => askAt.get(hotkey) ?? 0;
  // The validator whose turn came first goes first, so that none waits for ever while others are asked again.
  const [next] = validators.toSorted((a, b) => due(a) - due(b));
  const waitMs = next === undefined ? idleMs : due(next) - timing.now();
  if (waitMs <= 0) {
    return next;
  }
  await timing.sleep(Math.min(waitMs, idleMs), stopping);
  // Meanwhile another endpoint may have got a task of it, or a better validator come.
  return undefined;
}

interface Turn {
  /** When the validator may be asked again, ms since 1970. */
  readonly askAt: number;
  /** False when the generation endpoint failed. */
  readonly generated: boolean;
}

/** Asks for a task and does it, all in one trace. */
async function takeTurn(
  session: Session,
  target: AxonTarget,
  url: string,
  span: Span,
): Promise<Turn> {
  const { logger, dendrite, stopping, timing, failureCooldownMs } = session;
  const call = { target, body: {}, timeoutMs: pullTimeoutMs, signal: stopping };
  const pulled = await dendrite.call(pullTask, call);
  if (pulled.kind === "failure") {
    const { status, message } = pulled;
    session.trouble = `validator ${target.hotkey}: ${status} ${message}`;
    logger.warn({ validator: target.hotkey, status, message }, "the validator gave no task");
    return { askAt: timing.now() + failureCooldownMs, generated: true };
  }
  session.trouble = undefined;
  const { task, cooldown_until: cooldownUntilS, submit_before: submitBeforeS } = pulled.fields;
  if (task === null) {
    const askAt =
      cooldownUntilS > 0
        ? afterCooldown(cooldownUntilS * 1000, timing.now())
        : timing.now() + silentCooldownMs;
    return { askAt, generated: true };
  }
  const startedAt = timing.now();
  const asset: Asset =
    task.type === "image"
      ? { kind: "unfit", reason: "a picture is given, but only text can be generated from" }
      : await generate(session, url, task, submitBeforeS * 1000);
  const generatedAt = timing.now();
  if (asset.kind === "failed") {
    session.trouble = asset.reason;
  }
  const made = asset.kind === "made" ? asset.packed : undefined; // N2
  const outcome = await submit({ target, task, asset: made }, session.submitter);
  const verdict = outcome.kind === "answered" ? outcome.verdict : outcome.kind;
  const result = asset.kind === "made" ? verdict : "not-generated";
  session.count(result, generatedAt - startedAt);
  span.setAttributes({ task_id: task.id, outcome: result });
  logger.info(
    {
      task_id: task.id,
      prompt: task.prompt,
      validator: target.hotkey,
      outcome: result,
      reason: (asset.kind === "made" ? outcome.reason : asset.reason) || undefined,
      fidelity: outcome.kind === "answered" ? outcome.fidelity : undefined,
      size_bytes: made?.sizeBytes,
      generate_ms: generatedAt - startedAt,
      submit_ms: timing.now() - generatedAt,
    },
    "task done",
  );
  return { askAt: askAgainAt(session, outcome), generated: asset.kind !== "failed" };
}

function askAgainAt({ timing, failureCooldownMs }: Session, outcome: SubmissionOutcome): number {
  const now = timing.now();
  if (outcome.kind !== "answered") {
    return now + failureCooldownMs;
  }
  return outcome.verdict === "cancelled"
    ? Math.max(outcome.cooldownUntil, now + leastPauseMs) // it costs nothing, so the time told may be over
    : afterCooldown(outcome.cooldownUntil, now);
}

/** When a validator may be asked again (N1); ms since 1970, as both arguments. */
function afterCooldown(cooldownUntil: number, now: number): number {
  return cooldownUntil > now ? Math.max(cooldownUntil, now + leastPauseMs) : now + staleCooldownMs;
}

type Asset =
  | { readonly kind: "made"; readonly packed: Packed }
  /** The endpoint is in trouble. */
  | { readonly kind: "failed"; readonly reason: string }
  /** The task is not for this miner. */
  | { readonly kind: "unfit"; readonly reason: string };

/** @param deadline ms since 1970; 0 when the validator named none. */
async function generate(
  session: Session,
  url: string,
  { id, prompt }: { readonly id: string; readonly prompt: string },
  deadline: number,
): Promise<Asset> {
  const leftMs = deadline > 0 ? deadline - session.timing.now() : taskTimeoutMs;
  const timeoutMs = leftMs > 2 * reserveMs ? leftMs - reserveMs : leftMs / 2;
  try {
    const seed = seedFor(id, session.hotkey);
    const made = await inSpan("generate", { kind: "client" }, () =>
      requestGeneration(url, prompt, { timeoutMs, signal: session.stopping, seed }),
    );
    if (made.kind === "failed") {
      return made;
    }
    const packed = await pack(made.bytes, session.packing);
    if (packed !== undefined) {
      const findings = await selfCheck(made.bytes);
      if (findings.length > 0) {
        session.logger.warn({ prompt, url, findings }, "the asset has faults");
      }
      return { kind: "made", packed };
    }
    return { kind: "failed", reason: "the generation endpoint's answer is no PLY, SPZ or HDF5" };
  } catch (error) {
    if (session.stopping.aborted) {
      return { kind: "unfit", reason: "the miner is stopping" }; // N3
    }
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "failed", reason: `the asset could not be packed: ${reason}` };
  }
}
