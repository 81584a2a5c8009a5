import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { JobQueue, TakenJob } from "@turntable/bus";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { createLogger } from "@turntable/process";
import {
  JobClass,
  LintSeverity,
  RenderScoreJobSchema,
  type RenderScoreResult,
} from "@turntable/proto";
import { writeGlb, writePly } from "@turntable/splat";
import sharp from "sharp";
import { createTestSplat } from "../render/index.ts";
import { defaultModelDir } from "../score/index.ts";
import { startWorker } from "./worker.ts";

const logger = createLogger("test", "silent");
const ball = writePly(createTestSplat({ count: 500 }));

function job(jobId: string, asset: Uint8Array, change: { profile?: string; sha256?: Buffer } = {}) {
  return create(RenderScoreJobSchema, {
    jobId,
    taskId: `task of ${jobId}`,
    submissionId: `submission of ${jobId}`,
    class: JobClass.ORGANIC,
    profile: change.profile ?? "sn17-seed",
    prompt: "a red ball",
    cameraSeed: 2n ** 64n - 1n,
    assetSha256: change.sha256 ?? createHash("sha256").update(asset).digest(),
    assetSizeBytes: BigInt(asset.length),
    asset: { case: "inlineAsset", value: asset },
  });
}

async function nextResult(queue: JobQueue): Promise<RenderScoreResult> {
  for await (const delivery of queue.results()) {
    await delivery.ack();
    return delivery.result;
  }
  return assert.fail("the queue ended without a result");
}

function options(source: ReturnType<ReturnType<typeof createInProcessQueue>["source"]>) {
  return {
    ...{ source, modelDir: defaultModelDir, env: process.env, threads: 1 },
    ...{ workerId: "w1", logger, drainMs: 10_000 },
  };
}

test("scores an asset, twice the same", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  await using _worker = await startWorker(options(source()));
  const reports = [];
  for (const id of ["a", "b"]) {
    await queue.submit(job(id, ball));
    const { outcome, workerId, submissionId, attempt } = await nextResult(queue);
    assert.deepEqual([workerId, submissionId, attempt], ["w1", `submission of ${id}`, 1]);
    assert.equal(outcome.case, "scored");
    reports.push(outcome.value);
  }
  const [first, second] = reports;
  assert.equal(first?.views.length, 36);
  assert.ok(first.views.every((view) => view.elevationDeg >= -20 && view.elevationDeg < 20));
  assert.equal(first.splatCount, 500n);
  const low = first.views.filter(({ probability }) => probability < 0.6).length;
  assert.equal(first.lowViewShare, low / 36);
  assert.equal(first.cameraSeed, 2n ** 64n - 1n);
  assert.equal(first.score, second?.score);
  assert.deepEqual(first.views, second?.views);
});

test("the result of an accepted asset brings a picture along where the job wants one", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  await using _worker = await startWorker(options(source()));
  const sizes = [];
  for (const [id, change] of [
    ["wanted", { picturePx: 64, acceptance: Number.MIN_VALUE }],
    ["rejected", { picturePx: 64, acceptance: 1 }],
    ["unwanted", { acceptance: Number.MIN_VALUE }],
  ] as const) {
    await queue.submit({ ...job(id, ball), ...change });
    const { outcome, picture } = await nextResult(queue);
    assert.equal(outcome.case, "scored");
    const { format, width, height } = picture.length === 0 ? {} : await sharp(picture).metadata();
    sizes.push([id, format, width, height]);
  }
  assert.deepEqual(sizes, [
    ["wanted", "jpeg", 128, 128],
    ["rejected", undefined, undefined, undefined],
    ["unwanted", undefined, undefined, undefined],
  ]);
});

test("a client's own asset is read in whatever format it has, a miner's only in the subnet's", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  await using _worker = await startWorker(options(source()));
  const glb = writeGlb(createTestSplat({ count: 500 }));
  const outcomes = [];
  for (const [id, asset, change] of [
    ["own-ply", ball, { class: JobClass.SCORING }],
    ["own-glb", glb, { class: JobClass.SCORING }],
    ["mined-glb", glb, {}],
  ] as const) {
    await queue.submit({ ...job(id, asset), ...change });
    const { outcome } = await nextResult(queue);
    outcomes.push([
      id,
      outcome.case === "scored"
        ? outcome.value.score.toFixed(2)
        : outcome.case === "invalidAsset" && outcome.value.code,
    ]);
  }
  const [[, score] = []] = outcomes;
  assert.deepEqual(outcomes, [
    ["own-ply", score],
    ["own-glb", score],
    ["mined-glb", "unknown-format"],
  ]);
});

test("what lint finds is in the report", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  await using _worker = await startWorker(options(source()));
  const splat = createTestSplat({ count: 500 });
  const positions = splat.positions.map((value, index) => (index % 3 === 2 ? value / 1000 : value));
  await queue.submit(job("card", writePly({ ...splat, positions })));
  const { outcome } = await nextResult(queue);
  assert.equal(outcome.case, "scored");
  const flat = outcome.value.findings.find(({ code }) => code === "flat");
  assert.equal(flat?.severity, LintSeverity.ERROR);
  assert.ok(flat.value < flat.limit, flat.message);
});

test("an asset that is none is the miner's doing, with a code", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  await using _worker = await startWorker(options(source()));
  const broken: readonly [string, Uint8Array, string][] = [
    ["half", ball.subarray(0, ball.length / 2), "truncated"],
    ["text", Buffer.from("a red cube"), "unknown-format"],
  ];
  for (const [id, bytes, code] of broken) {
    await queue.submit(job(id, bytes));
    const { outcome } = await nextResult(queue);
    assert.equal(outcome.case, "invalidAsset");
    assert.equal(outcome.value.code, code);
  }
});

test("bytes changed on the way are our fault: the job goes to another try, and after three in a row the worker is sick", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  const handedBack: number[] = [];
  const inner = source();
  await using worker = await startWorker(
    options({
      take: async (signal, takeOptions) => {
        const taken = await inner.take(signal, takeOptions);
        return taken === undefined ? undefined : watched(taken, handedBack);
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    }),
  );
  for (const id of ["a", "b", "c"]) {
    await queue.submit(job(id, ball, { sha256: Buffer.alloc(32) }));
  }
  await assert.rejects(worker.ended, /3 jobs in a row failed; .*SHA-256/);
  assert.equal(handedBack.length, 3);
  // Jitter: between half of the delay and all of it.
  assert.ok(
    handedBack.every((delayMs) => delayMs >= 500 && delayMs <= 1_000),
    String(handedBack),
  );
});

test("an unknown profile is handed back and does not make the worker sick", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  await using _worker = await startWorker(options(source()));
  for (const id of ["a", "b", "c"]) {
    await queue.submit(job(id, ball, { profile: "sn99" }));
  }
  await queue.submit(job("d", ball));
  assert.equal((await nextResult(queue)).jobId, "d");
});

test("a worker that is told to stop finishes the job in work", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  const inner = source();
  const { promise: isTaken, resolve: onTaken } = Promise.withResolvers<void>();
  const worker = await startWorker(
    options({
      take: async (signal, takeOptions) => {
        const taken = await inner.take(signal, takeOptions);
        if (taken !== undefined) {
          onTaken();
        }
        return taken;
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    }),
  );
  await queue.submit(job("a", ball));
  await isTaken;
  await worker[Symbol.asyncDispose]();
  assert.equal((await nextResult(queue)).outcome.case, "scored");
  await worker.ended;
});

test("a job that cannot be finished in time is handed back", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  const handedBack: number[] = [];
  const inner = source();
  const { promise: isTaken, resolve: onTaken } = Promise.withResolvers<void>();
  const worker = await startWorker({
    ...options({
      take: async (signal, takeOptions) => {
        const taken = await inner.take(signal, takeOptions);
        if (taken === undefined) {
          return undefined;
        }
        onTaken();
        return watched(taken, handedBack);
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    }),
    drainMs: 0,
  });
  await queue.submit(job("a", writePly(createTestSplat({ count: 60_000 }))));
  await isTaken;
  await worker[Symbol.asyncDispose]();
  assert.equal(handedBack.length, 1);
});

test("a job whose asset does not come is handed back when the time to stop is over", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  const handedBack: number[] = [];
  const inner = source();
  const { promise: isFetching, resolve: onFetch } = Promise.withResolvers<void>();
  const worker = await startWorker({
    ...options({
      async take(signal) {
        const taken = await inner.take(signal);
        const fetchAsset = (): Promise<Uint8Array> => {
          onFetch();
          return new Promise(() => {});
        };
        return taken && { ...watched(taken, handedBack), fetchAsset };
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    }),
    drainMs: 0,
  });
  await queue.submit(job("a", ball));
  await isFetching;
  await worker[Symbol.asyncDispose]();
  assert.equal(handedBack.length, 1);
});

test("the next job is taken while one is scored, one only, and handed back when the worker is told to stop", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  const inner = source();
  const taken: string[] = [];
  const handedBack: number[] = [];
  const { promise: isSecondTaken, resolve: onSecondTaken } = Promise.withResolvers<void>();
  const { promise: isScored, resolve: onScored } = Promise.withResolvers<void>();
  const { promise: mayComplete, resolve: letComplete } = Promise.withResolvers<void>();
  const worker = await startWorker(
    options({
      take: async (signal, takeOptions) => {
        const next = await inner.take(signal, takeOptions);
        if (next === undefined) {
          return undefined;
        }
        taken.push(next.job.jobId);
        if (taken.length === 2) {
          onSecondTaken();
        }
        return {
          ...watched(next, handedBack),
          complete: async (result) => {
            onScored();
            await mayComplete;
            await next.complete(result);
          },
        };
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    }),
  );
  for (const id of ["a", "b", "c"]) {
    await queue.submit(job(id, ball));
  }
  await Promise.all([isSecondTaken, isScored]);
  const stopped = worker[Symbol.asyncDispose]();
  // At once: before the job in work has ended.
  assert.deepEqual(handedBack, [0]);
  letComplete();
  await stopped;
  assert.deepEqual(taken, ["a", "b"]);
  const { jobId, outcome } = await nextResult(queue);
  assert.deepEqual([jobId, outcome.case], ["a", "scored"]);
  await worker.ended;
});

test("jobs that were prepared ahead are scored in their turn", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  await using _worker = await startWorker(options(source()));
  const other = writePly(createTestSplat({ count: 500, seed: 2 }));
  await queue.submit(job("a", ball));
  await queue.submit(job("none", Buffer.from("this is no asset")));
  await queue.submit(job("b", other));
  const results = [await nextResult(queue), await nextResult(queue), await nextResult(queue)];
  const seen = results.map(({ jobId, outcome }) => [
    jobId,
    outcome.case,
    outcome.case === "scored" ? Buffer.from(outcome.value.assetSha256).toString("hex") : "",
  ]);
  const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  assert.deepEqual(seen, [
    ["a", "scored", hash(ball)],
    ["none", "invalidAsset", ""],
    ["b", "scored", hash(other)],
  ]);
});

/** Notes the delays of what is handed back. */
function watched(taken: TakenJob, handedBack: number[]): TakenJob {
  return {
    job: taken.job,
    attempt: taken.attempt,
    trace: taken.trace,
    signal: taken.signal,
    fetchAsset: () => taken.fetchAsset(),
    complete: (result) => taken.complete(result),
    terminate: (reason) => taken.terminate(reason),
    handBack: (delayMs, options) => {
      handedBack.push(delayMs);
      return taken.handBack(delayMs, options);
    },
  };
}
