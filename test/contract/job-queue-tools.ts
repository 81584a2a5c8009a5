/** What tests of a JobQueue need: jobs, results, and ways to wait for them without sleeping. */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import type {
  JobQueue,
  JobQueueOptions,
  JobSource,
  ResultDelivery,
  TakenJob,
} from "@turntable/bus";
import {
  JobClass,
  type RenderScoreJob,
  RenderScoreJobSchema,
  type RenderScoreResult,
  RenderScoreResultSchema,
} from "@turntable/proto";

/** Options of the queues in all tests that do not need others. */
export const contractOptions: JobQueueOptions = {
  ackWaitMs: 10_000,
  maxDeliver: 3,
  deadLetterKeepMs: 3_600_000,
};

/** Hands back, when `stack` is disposed, what a test that failed had in work: sources wait for that. */
export function releasing(source: JobSource, stack: AsyncDisposableStack): JobSource {
  return {
    async take(signal, options) {
      const taken = await source.take(signal, options);
      if (taken !== undefined) {
        stack.defer(() => taken.handBack(0).catch(() => undefined));
      }
      return taken;
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

export interface TestJobOverrides {
  readonly class?: JobClass;
  readonly profile?: string;
  readonly prompt?: string;
  readonly replica?: number;
  readonly asset?: Uint8Array;
}

export function testJob(jobId: string, overrides: TestJobOverrides = {}): RenderScoreJob {
  const { asset = bytes(100, 0), ...rest } = overrides;
  return create(RenderScoreJobSchema, {
    jobId,
    taskId: `task-${jobId}`,
    submissionId: `submission-${jobId}`,
    class: JobClass.ORGANIC,
    profile: "sn17-seed",
    prompt: "a blue sphere",
    cameraSeed: 0x1234_5678_9abc_def0n,
    encoding: { format: "ply" },
    assetSizeBytes: BigInt(asset.length),
    asset: { case: "inlineAsset", value: asset },
    ...rest,
  });
}

/** An outcome that carries a word, to tell results apart. */
export function resultOf(taken: TakenJob, word = "done"): RenderScoreResult {
  const { jobId, submissionId, replica } = taken.job;
  return create(RenderScoreResultSchema, {
    jobId,
    submissionId,
    replica,
    workerId: "w1",
    attempt: taken.attempt,
    outcome: { case: "invalidAsset", value: { code: "test", message: word } },
  });
}

export function wordOf({ outcome }: RenderScoreResult): string | undefined {
  return outcome.case === "invalidAsset" ? outcome.value.message : undefined;
}

export function faultOf({ outcome }: RenderScoreResult): string | undefined {
  return outcome.case === "systemFault" ? outcome.value.message : undefined;
}

/** Bytes that differ from one `seed` to another, and along the way. */
export function bytes(size: number, seed: number): Uint8Array {
  // A plain loop: `Uint8Array.from` takes 0.8 s of a core for 9 MB.
  const filled = new Uint8Array(size);
  for (let i = 0; i < size; i += 1) {
    filled[i] = i * 31 + (i >> 8) + seed * 17;
  }
  return filled;
}

/** Longer than anything here may take; the test's own timeout comes first. */
export const patience = (): AbortSignal => AbortSignal.timeout(60_000);

export async function mustTake(taking: Promise<TakenJob | undefined>): Promise<TakenJob> {
  const taken = await taking;
  assert.ok(taken !== undefined, "no job was taken");
  return taken;
}

export interface Results {
  next(): Promise<ResultDelivery>;
}

/** The ack of a job that was completed is on its way; it ends with the test. */
export async function untilEmpty(queue: JobQueue): Promise<void> {
  for (;;) {
    const { organic, scoring, synthetic } = await queue.depth();
    if (organic + scoring + synthetic === 0) {
      return;
    }
    await new Promise(setImmediate);
  }
}

export async function nextAcked(results: Results): Promise<RenderScoreResult> {
  const delivery = await results.next();
  await delivery.ack();
  return delivery.result;
}

export function openResults(queue: JobQueue): Results {
  const iterator = queue.results()[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await iterator.next();
      assert.ok(done !== true, "the results ended");
      return value;
    },
  };
}
