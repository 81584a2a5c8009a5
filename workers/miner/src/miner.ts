/**
 * The neuron: asks one validator after the other for a task, has it generated, signs and submits it.
 *
 * N1 One task at a time; a validator is not asked before its cooldown has passed.
 * N2 A submission is repeated, unchanged, while there is no feedback: the validator counts it once.
 * N3 A task that cannot be generated is given back with an empty submission, so that another miner gets it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Meter } from "@opentelemetry/api";
import { type AxonTarget, createDendrite, type Dendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { pullTask, signSubmission, submitResults } from "@turntable/bittensor/synapse";
import { childTraceparent, type Logger, traceIdOf } from "@turntable/process";
import { type Generation, requestGeneration } from "./generation.ts";

export interface MinerOptions {
  readonly hotkey: Keypair;
  /** The validators to ask, in turn. Asked again before each round. */
  readonly validators: () => Promise<readonly AxonTarget[]>;
  /** The generation endpoint, `http://127.0.0.1:8094`. */
  readonly generateUrl: string;
  /** The subnet's licence consent; with it submissions are signed as of 2025, without it as of 2024. */
  readonly consentText?: string | undefined;
  /** A validator that cannot be reached or refuses is left alone for this long, in ms. */
  readonly failureCooldownMs?: number;
  /** Between two tries to submit, in ms. */
  readonly retryDelayMs?: number;
  readonly logger: Logger;
  readonly meter?: Meter;
}

/** Source: the subnet's own miner. */
const defaultFailureCooldownMs = 60_000;
const defaultRetryDelayMs = 10_000;
const submitTries = 3;
const pullTimeoutMs = 12_000;
const submitTimeoutMs = 300_000;
/** What a validator that says nothing of a cooldown gets, in ms. */
const silentCooldownMs = 300_000;
/** Generation has to end this long before the deadline, where there is that much time; ms. */
const reserveMs = 60_000;
/** Between two looks for validators when there are none, in ms. */
const idleMs = 10_000;

interface Task {
  readonly id: string;
  readonly prompt: string;
}

/** What came of one task. */
type TaskOutcome =
  | {
      readonly kind: "answered";
      readonly verdict: string;
      readonly reason: string;
      readonly fidelity: number;
      /** ms since 1970 */
      readonly cooldownUntil: number;
    }
  | { readonly kind: "unanswered"; readonly reason: string };

/** Starts mining. Disposing breaks off: the validator keeps an unfinished task for this miner until its deadline. */
export async function startMiner(options: MinerOptions): Promise<AsyncDisposable> {
  const dendrite = createDendrite({ hotkey: options.hotkey });
  const stopping = new AbortController();
  const tasks = options.meter?.createCounter("turntable_miner_tasks", {
    description: "tasks by what came of them",
  });
  const mining = mine({ ...options, dendrite, signal: stopping.signal }, (outcome) =>
    tasks?.add(1, { outcome }),
  ).catch((error: unknown) => {
    if (!stopping.signal.aborted) options.logger.fatal({ err: error }, "mining has stopped");
  });
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await mining;
      await dendrite[Symbol.asyncDispose]();
    },
  };
}

interface Session extends MinerOptions {
  readonly dendrite: Dendrite;
  readonly signal: AbortSignal;
}

async function mine(session: Session, count: (outcome: string) => void): Promise<void> {
  /** When each validator may be asked again, ms since 1970. */
  const askAt = new Map<string, number>();
  for (;;) {
    session.signal.throwIfAborted();
    const validators = await session.validators();
    const next = soonest(validators, askAt);
    if (next === undefined) {
      await sleep(idleMs, undefined, { signal: session.signal });
      continue;
    }
    const waitMs = (askAt.get(next.hotkey) ?? 0) - Date.now();
    if (waitMs > 0) await sleep(Math.min(waitMs, idleMs), undefined, { signal: session.signal });
    if (waitMs > idleMs) continue; // another validator may have come meanwhile
    askAt.set(next.hotkey, await askOne(session, next, count));
  }
}

/** The validator that may be asked first; of equals the one whose turn is longest ago. */
function soonest(
  validators: readonly AxonTarget[],
  askAt: ReadonlyMap<string, number>,
): AxonTarget | undefined {
  return validators.toSorted((a, b) => (askAt.get(a.hotkey) ?? 0) - (askAt.get(b.hotkey) ?? 0))[0];
}

/** Asks for a task and does it. Returns when this validator may be asked again. */
async function askOne(
  session: Session,
  target: AxonTarget,
  count: (outcome: string) => void,
): Promise<number> {
  const { logger, dendrite, signal } = session;
  const failureCooldownMs = session.failureCooldownMs ?? defaultFailureCooldownMs;
  const traceparent = childTraceparent(undefined);
  const pulled = await dendrite.call(pullTask, {
    target,
    body: {},
    timeoutMs: pullTimeoutMs,
    signal,
    traceparent,
  });
  if (pulled.kind === "failure") {
    logger.warn(
      { validator: target.hotkey, status: pulled.status, message: pulled.message },
      "no task: the validator refused or could not be reached",
    );
    return Date.now() + failureCooldownMs;
  }
  const { task, cooldown_until: cooldownUntil, submit_before: submitBefore } = pulled.fields;
  if (task === null) {
    return cooldownUntil > 0 ? cooldownUntil * 1000 : Date.now() + silentCooldownMs;
  }
  const startedAt = Date.now();
  const generation = await generateInTime(session, task, submitBefore * 1000);
  const generatedAt = Date.now();
  const outcome = await submit(session, target, task, generation, traceparent);
  count(outcome.kind === "answered" ? outcome.verdict : outcome.kind);
  logger.info(
    {
      task_id: task.id,
      prompt: task.prompt,
      validator: target.hotkey,
      outcome: outcome.kind === "answered" ? outcome.verdict : outcome.kind,
      reason: (generation.kind === "failed" ? generation.reason : outcome.reason) || undefined,
      fidelity: outcome.kind === "answered" ? outcome.fidelity : undefined,
      size_bytes: generation.kind === "made" ? generation.sizeBytes : undefined,
      generate_ms: generatedAt - startedAt,
      submit_ms: Date.now() - generatedAt,
      trace_id: traceIdOf(traceparent),
    },
    "task done",
  );
  if (outcome.kind === "unanswered") return Date.now() + failureCooldownMs;
  return outcome.cooldownUntil;
}

function generateInTime(session: Session, task: Task, deadline: number): Promise<Generation> {
  const now = Date.now();
  const leftMs = deadline > 0 ? deadline - now : submitTimeoutMs;
  const patienceMs = leftMs > 2 * reserveMs ? leftMs - reserveMs : leftMs / 2;
  return requestGeneration(session.generateUrl, task.prompt, {
    timeoutMs: Math.max(patienceMs, 0),
    signal: session.signal,
  });
}

async function submit(
  session: Session,
  target: AxonTarget,
  task: Task,
  generation: Generation,
  traceparent: string,
): Promise<TaskOutcome> {
  const { dendrite, hotkey, signal } = session;
  const submitTime = BigInt(Date.now()) * 1_000_000n;
  const facts = { submitTime, prompt: task.prompt, validatorHotkey: target.hotkey };
  const body = {
    task: { type: "text", id: task.id, prompt: task.prompt },
    task_id: task.id,
    results: generation.kind === "made" ? generation.base64 : "",
    data_format: generation.kind === "made" ? generation.format : "ply",
    data_ver: 0,
    compression: generation.kind === "made" ? generation.compression : 0,
    submit_time: submitTime,
    signature: signSubmission(hotkey, facts, session.consentText),
  };
  let reason = "";
  for (let attempt = 1; attempt <= submitTries; attempt++) {
    if (attempt > 1) {
      await sleep(session.retryDelayMs ?? defaultRetryDelayMs, undefined, { signal });
    }
    const outcome = await dendrite.call(submitResults, {
      target,
      body,
      timeoutMs: submitTimeoutMs,
      signal,
      traceparent,
    });
    if (outcome.kind === "failure") {
      reason = `${outcome.status} ${outcome.message}`;
      continue;
    }
    const { feedback, cooldown_until: cooldownUntil } = outcome.fields;
    if (feedback === null) {
      reason = "the validator gave no feedback";
      continue;
    }
    return {
      kind: "answered",
      // Python validators have no word for it.
      verdict: feedback.verdict ?? (feedback.task_fidelity_score > 0 ? "accepted" : "rejected"),
      reason: feedback.reason ?? "",
      fidelity: feedback.task_fidelity_score,
      cooldownUntil: cooldownUntil * 1000,
    };
  }
  return { kind: "unanswered", reason };
}
