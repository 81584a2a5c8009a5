/** Who loads the coordinator while it is killed, and what each was promised. */
import { hash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { createDendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { connectJobSource } from "@turntable/bus/nats";
import { CallFailedError, createTurntableClient, type TurntableClient } from "@turntable/client";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { signedResults } from "../harness/coordinator.ts";

/** A task that the API said was created. */
export interface CreatedTask {
  readonly id: string;
  readonly prompt: string;
}

/** A verdict that a miner was told. */
export interface ToldVerdict {
  readonly taskId: string;
  readonly hotkey: string;
  readonly verdict: string;
  readonly fidelity: number;
}

/** A submission that a miner was told was taken. */
export type TakenSubmission = Pick<ToldVerdict, "taskId" | "hotkey">;

/** Everything that was acknowledged. */
export interface Promises {
  readonly created: CreatedTask[];
  readonly told: ToldVerdict[];
  /** What a miner was told was taken, with its verdict or still without. */
  readonly taken: TakenSubmission[];
  /** Ids of tasks that the API said were cancelled. */
  readonly cancelled: string[];
  /** Tasks that the API was asked for, whatever came of it. */
  asked: number;
  /** Jobs that the worker did, doubles included. */
  scored: number;
}

/** Nothing yet. */
export function noPromises(): Promises {
  return { created: [], told: [], taken: [], cancelled: [], asked: 0, scored: 0 };
}

export interface Place {
  readonly ip: string;
  readonly port: number;
  readonly hotkey: string;
}

const retryMs = 200;
/** A miner that was answered so often, and never with its verdict, gets none. */
const longestTries = 300;
/** One task in so many is cancelled, some time after it was made. */
const cancelEvery = 2;
/** From one task of a client to the next. */
const askPauseMs = 250;

/** The score that the simulated worker gives: of ten jobs two are rejected, the others accepted in both steps. */
export function scoreOf(jobId: string): number {
  const tenth = hash("sha256", jobId, "buffer").readUInt8() % 10;
  if (tenth < 2) {
    return 0.3;
  }
  return tenth < 6 ? 0.7 : 0.9;
}

/** Creates tasks, and cancels some of them, until `signal` is aborted. */
export async function ask(
  address: string,
  promises: Promises,
  signal: AbortSignal,
  pauseMs = askPauseMs,
): Promise<void> {
  using client = createTurntableClient({ address });
  for (let count = 1; !signal.aborted; count++) {
    const before = promises.created.at(-1);
    if (before !== undefined && count % cancelEvery === 0) {
      await cancel(client, before.id, promises, signal);
    }
    const prompt = `a red cube ${randomUUID()}`;
    const idempotencyKey = randomUUID();
    promises.asked++;
    // Again and again under one key: what a call that was cut off had made must not be made twice.
    for (let isKnown = false; !isKnown && !signal.aborted; ) {
      try {
        const { id } = await client.create(prompt, { signal, timeoutMs: 1_000, idempotencyKey });
        promises.created.push({ id, prompt });
        isKnown = true;
      } catch {
        await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Again and again, until the task is cancelled or has ended otherwise. */
async function cancel(
  client: TurntableClient,
  taskId: string,
  promises: Promises,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await client.cancel(taskId, { signal, timeoutMs: 1_000 });
      promises.cancelled.push(taskId);
      return;
    } catch (error) {
      if (error instanceof CallFailedError && error.code === "failed-precondition") {
        return;
      }
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

export interface MinedPlace {
  readonly target: Place;
  readonly validator: Keypair;
  /** What is submitted, another each time; bytes that are no asset when absent. */
  readonly asset?: () => Uint8Array;
  /** From one task to the next, so that the load is even on any machine; none when absent. */
  readonly everyMs?: number;
}

/**
 * Mines until `signal` is aborted, and then still gets the verdict of what it has submitted.
 * @param gone aborted when there is nobody any more who would give it
 */
export async function mine(
  key: Keypair,
  { target, validator, asset = () => Buffer.from(randomUUID()), everyMs = 0 }: MinedPlace,
  promises: Promises,
  signal: AbortSignal,
  gone?: AbortSignal,
): Promise<void> {
  await using dendrite = createDendrite({ hotkey: key });
  const call = <Result>(work: () => Promise<Result>) => work().catch(() => undefined);
  const pull = () => call(() => dendrite.call(pullTask, { target, body: {}, timeoutMs: 10_000 }));
  for (let nextAt = performance.now(); !signal.aborted; ) {
    await sleep(Math.max(0, nextAt - performance.now()), undefined, { signal }).catch(
      () => undefined,
    );
    const pulled = await pull();
    const task = pulled?.kind === "ok" ? pulled.fields.task : null;
    if (task === null || task === undefined) {
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      continue;
    }
    nextAt = Math.max(nextAt, performance.now() - everyMs) + everyMs;
    const body = signedResults({ minerKey: key, validator }, task, asset());
    let isTaken = false;
    /** Who waits for a verdict is not lent anything; who is, and still has none, met a fault of ours. */
    let isFreed = false;
    for (let answers = 0; gone?.aborted !== true; ) {
      const answer = await call(() =>
        dendrite.call(submitResults, { target, body, timeoutMs: 20_000 }),
      );
      // While the coordinator is down nobody is asked; how long that is depends on the machine.
      answers += answer?.kind === "ok" || answer?.answered ? 1 : 0;
      if (answer?.kind === "ok" && !isTaken) {
        isTaken = true;
        promises.taken.push({ taskId: task.id, hotkey: key.ss58 });
      }
      const feedback = answer?.kind === "ok" ? answer.fields.feedback : null;
      const told = { taskId: task.id, hotkey: key.ss58 };
      if (feedback?.verdict) {
        const { verdict, task_fidelity_score: fidelity } = feedback;
        promises.told.push({ ...told, verdict, fidelity });
        break;
      }
      if (answer?.kind === "ok" && isFreed) {
        promises.told.push({ ...told, verdict: "system-fault", fidelity: 0 });
        break;
      }
      if (answers === longestTries) {
        throw new Error(`no verdict of task ${task.id}: ${answer?.status} ${answer?.message}`);
      }
      isFreed = answer?.kind === "ok" && (await pull())?.kind === "ok";
      await sleep(retryMs);
    }
  }
}

/** Scores whatever comes until `signal` is aborted. */
export async function work(
  servers: readonly string[],
  promises: Promises,
  signal: AbortSignal,
): Promise<void> {
  await using source = await connectJobSource({ servers: [...servers], workerId: "simulated" });
  for (;;) {
    const taken = await source.take(signal);
    if (taken === undefined) {
      return;
    }
    const { jobId, submissionId } = taken.job;
    const value = create(ScoreReportSchema, { score: scoreOf(jobId), acceptance: 0.6 });
    const outcome = { case: "scored" as const, value };
    await taken.complete(create(RenderScoreResultSchema, { jobId, submissionId, outcome }));
    promises.scored++;
  }
}
