/** How the next job is fetched while one is in work (L5), with a store that is as slow as a test wants it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { JobSource } from "@turntable/bus";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { JobClass, RenderScoreJobSchema } from "@turntable/proto";
import { defaultAssetLimits, writePly } from "@turntable/splat";
import { createTestSplat, type Renderer, type RgbImage } from "../render/index.ts";
import { defaultModelDir, loadClip } from "../score/index.ts";
import { createProfiles } from "../scoring/index.ts";
import { type JobEvent, type JobLoopOptions, runJobLoop } from "./loop.ts";

const asset = writePly(createTestSplat({ count: 500 }));
const size = 32;
const white: RgbImage = {
  ...{ width: size, height: size },
  pixels: new Uint8Array(size * size * 3).fill(255),
};

function jobOf(jobId: string) {
  return create(RenderScoreJobSchema, {
    ...{ jobId, taskId: jobId, submissionId: jobId },
    class: JobClass.ORGANIC,
    profile: "sn17-seed",
    prompt: "a red ball",
    assetSha256: createHash("sha256").update(asset).digest(),
    assetSizeBytes: BigInt(asset.length),
    asset: { case: "inlineAsset", value: asset },
  });
}

interface Told {
  /** What happened, in order. */
  readonly happened: string[];
  /** Waited for by the renderer. */
  readonly onRender: (count: number) => Promise<void>;
  /** Waited for before an asset is here. */
  readonly onFetch: (jobId: string) => Promise<void>;
  readonly onJob: (event: JobEvent) => void;
}

/** A loop over its own queue, until it is told to stop. */
async function startLoop(told: Told, options: Pick<JobLoopOptions, "fetchAhead" | "patienceMs">) {
  await using stack = new AsyncDisposableStack();
  const { queue, source } = createInProcessQueue();
  stack.use(queue);
  const clip = stack.use(await loadClip(defaultModelDir, { threads: 1 }));
  let renders = 0;
  const renderer: Renderer = {
    ...{ backend: "webgpu", approximate: false },
    async render(_scene, cameras, _background, { onView } = {}) {
      renders += 1;
      told.happened.push(`render ${renders}`);
      await told.onRender(renders);
      cameras.forEach((_, index) => {
        onView?.(index, white);
      });
      told.happened.push(`pictures ${renders}`);
      return cameras.map(() => white);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const inner = stack.use(source());
  const signals: AbortSignal[] = [];
  const slow: JobSource = {
    async take(...args) {
      signals.push(args[0]);
      const taken = await inner.take(...args);
      if (taken === undefined) {
        return undefined;
      }
      const { jobId } = taken.job;
      return {
        ...taken,
        async fetchAsset() {
          told.happened.push(`fetch ${jobId}`);
          await told.onFetch(jobId);
          return await taken.fetchAsset();
        },
        async handBack(delayMs, handing) {
          told.happened.push(`hand back ${jobId}, begun: ${handing?.begun ?? true}`);
          await taken.handBack(delayMs, handing);
        },
      };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const stop = new AbortController();
  const ended = runJobLoop({
    ...options,
    source: slow,
    scorer: { renderer, clip, limits: defaultAssetLimits },
    profile: createProfiles(),
    workerId: "w1",
    signal: stop.signal,
    giveUp: new AbortController().signal,
    onTaken: () => undefined,
    onLeft: () => undefined,
    onJob: told.onJob,
  });
  stack.defer(async () => {
    stop.abort();
    await ended;
  });
  const running = stack.move();
  return { queue, stop, ended, signals, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Resolves after so many jobs. */
function afterJobs(count: number) {
  const { promise, resolve } = Promise.withResolvers<readonly JobEvent[]>();
  const events: JobEvent[] = [];
  const onJob = (event: JobEvent): void => {
    events.push(event);
    if (events.length === count) {
      resolve(events);
    }
  };
  return { done: promise, onJob };
}

test("with a GPU the next asset is on its way while one is being rendered: one, and no more", async () => {
  const happened: string[] = [];
  const isFetched = Promise.withResolvers<void>();
  const { done, onJob } = afterJobs(3);
  await using loop = await startLoop(
    {
      ...{ happened, onJob },
      // The first would never be rendered, were the second not fetched meanwhile.
      onRender: (count) => (count === 1 ? isFetched.promise : Promise.resolve()),
      onFetch: async (jobId) => (jobId === "b" ? isFetched.resolve() : undefined),
    },
    { fetchAhead: "begun" },
  );
  for (const id of ["a", "b", "c"]) {
    await loop.queue.submit(jobOf(id));
  }
  const events = await done;
  assert.deepEqual(
    events.map(({ taken, outcome }) => [taken.job.jobId, outcome.kind]),
    ["a", "b", "c"].map((id) => [id, "scored"]),
  );
  const order = ["fetch a", "render 1", "fetch b", "pictures 1", "render 2"];
  assert.deepEqual(happened.slice(0, order.length), order);
});

test("nobody listens to the signal of a job that has ended: all of it would stay in memory", async () => {
  const { done, onJob } = afterJobs(3);
  await using loop = await startLoop(
    {
      ...{ happened: [], onJob },
      onRender: async () => undefined,
      onFetch: async () => undefined,
    },
    { fetchAhead: "begun" },
  );
  for (const id of ["a", "b", "c"]) {
    await loop.queue.submit(jobOf(id));
  }
  await done;
  const listeners = loop.signals.map((signal) => getEventListeners(signal, "abort").length);
  // The fourth waits for a job.
  assert.deepEqual(listeners.slice(0, 3), [0, 0, 0]);
});

test("where cores render, the next is fetched once the pictures are made", async () => {
  const happened: string[] = [];
  const { done, onJob } = afterJobs(2);
  await using loop = await startLoop(
    { happened, onJob, onRender: async () => undefined, onFetch: async () => undefined },
    { fetchAhead: "scoring" },
  );
  await loop.queue.submit(jobOf("a"));
  await loop.queue.submit(jobOf("b"));
  await done;
  assert.deepEqual(happened.slice(0, 4), ["fetch a", "render 1", "pictures 1", "fetch b"]);
});

test("a download that ends before the job in work costs the renderer no time", async (t) => {
  const fetchMs = 150;
  const slowly = () => new Promise<void>((resolve) => setTimeout(resolve, fetchMs));
  const waits: Record<string, number[]> = {};
  for (const fetchAhead of ["begun", "scoring"] as const) {
    const { done, onJob } = afterJobs(4);
    await using loop = await startLoop(
      {
        ...{ happened: [], onJob, onFetch: slowly },
        // A render takes twice as long as a download.
        onRender: async () => {
          await slowly();
          await slowly();
        },
      },
      { fetchAhead },
    );
    for (const id of ["a", "b", "c", "d"]) {
      await loop.queue.submit(jobOf(id));
    }
    waits[fetchAhead] = (await done).slice(1).map(({ waitMs }) => waitMs);
  }
  const { begun = [], scoring = [] } = waits;
  t.diagnostic(
    `ms that the renderer waited: ${begun.map(Math.round)} of a download from the beginning, ${scoring.map(Math.round)} of one from the last picture`,
  );
  // What the other way costs hangs on how long the model takes: that is told, not held to.
  assert.ok(Math.max(...begun) < fetchMs / 2, `${begun} ms`);
});

test("a job that waits for too long behind another goes back, loses no try, and is taken again", async () => {
  const happened: string[] = [];
  const isBack = Promise.withResolvers<void>();
  const { done, onJob } = afterJobs(2);
  const told: Told = {
    ...{ happened, onJob },
    onRender: (count) => (count === 1 ? isBack.promise : Promise.resolve()),
    onFetch: async () => undefined,
  };
  happened.push = (...items: string[]): number => {
    if (items.some((item) => item.startsWith("hand back"))) {
      isBack.resolve();
    }
    return Array.prototype.push.apply(happened, items);
  };
  await using loop = await startLoop(told, { fetchAhead: "begun", patienceMs: 1 });
  await loop.queue.submit(jobOf("a"));
  await loop.queue.submit(jobOf("b"));
  const events = await done;
  assert.deepEqual(
    events.map(({ taken, outcome }) => [taken.job.jobId, taken.attempt, outcome.kind]),
    [
      ["a", 1, "scored"],
      ["b", 1, "scored"],
    ],
  );
  assert.ok(happened.includes("hand back b, begun: false"), happened.join());
});

test("a stop while the next asset is on its way hands that back at once", async () => {
  const happened: string[] = [];
  const isOnItsWay = Promise.withResolvers<void>();
  const mayArrive = Promise.withResolvers<void>();
  const { done, onJob } = afterJobs(1);
  await using loop = await startLoop(
    {
      ...{ happened, onJob },
      onRender: () => isOnItsWay.promise,
      async onFetch(jobId) {
        if (jobId === "b") {
          isOnItsWay.resolve();
          await mayArrive.promise;
        }
      },
    },
    { fetchAhead: "begun" },
  );
  await loop.queue.submit(jobOf("a"));
  await loop.queue.submit(jobOf("b"));
  await isOnItsWay.promise;
  loop.stop.abort();
  assert.equal(happened.at(-1), "hand back b, begun: false");
  await done;
  mayArrive.resolve();
  await loop.ended;
});
