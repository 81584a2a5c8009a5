/** What takes time in the queue within a process, with a clock that only moves when told to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { JobClass, RenderScoreJobSchema, RenderScoreResultSchema } from "@turntable/proto";
import type { Clock } from "../clock.ts";
import { deduplicationWindowMs, type TakenJob } from "../contract.ts";
import { createInProcessQueue } from "./queue.ts";

const never = new AbortController().signal;

test("a job submitted again is dropped within the window and queued after it", async () => {
  const clock = createManualClock();
  const { queue } = createInProcessQueue({ clock });
  await queue.submit(job("a"));
  clock.advance(deduplicationWindowMs - 1);
  await queue.submit(job("a"));
  assert.equal((await queue.depth()).organic, 1);
  clock.advance(1);
  await queue.submit(job("a"));
  assert.equal((await queue.depth()).organic, 2);
});

test("a job handed back is not given out before its delay has passed", async () => {
  const clock = createManualClock();
  const { queue, source } = createInProcessQueue({ clock });
  const worker = source();
  await queue.submit(job("a"));
  await (await mustTake(worker.take(never))).handBack(1000);
  let isTaken = false;
  const taking = worker.take(never).finally(() => {
    isTaken = true;
  });
  clock.advance(999);
  await new Promise(setImmediate);
  assert.equal(isTaken, false);
  clock.advance(1);
  assert.equal((await taking)?.attempt, 2);
});

test("a result is given again after the ack wait, and its late ack counts for nothing", async () => {
  const clock = createManualClock();
  const { queue, source } = createInProcessQueue({ clock, ackWaitMs: 5000 });
  const worker = source();
  await queue.submit(job("a"));
  const taken = await mustTake(worker.take(never));
  await taken.complete(create(RenderScoreResultSchema, { jobId: "a" }));
  const results = queue.results()[Symbol.asyncIterator]();
  const first = await results.next();
  clock.advance(5000);
  assert.ok(first.done !== true);
  await first.value.ack(); // it is back in the line already
  const second = await results.next();
  assert.ok(second.done !== true);
  assert.equal(second.value.result.jobId, "a");
  await second.value.ack();
  clock.advance(60_000);
  const third = results.next();
  await queue[Symbol.asyncDispose]();
  assert.equal((await third).done, true);
});

test("shutting down leaves no timer behind", async () => {
  const clock = createManualClock();
  const { queue, source } = createInProcessQueue({ clock });
  const worker = source();
  await queue.submit(job("a"));
  await (await mustTake(worker.take(never))).handBack(60_000);
  await worker[Symbol.asyncDispose]();
  await queue[Symbol.asyncDispose]();
  assert.equal(clock.timers(), 0);
});

interface ManualClock extends Clock {
  advance(ms: number): void;
  timers(): number;
}

function createManualClock(): ManualClock {
  let nowMs = 1_700_000_000_000;
  const timers = new Map<object, { readonly atMs: number; readonly callback: () => void }>();
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const key = {};
      timers.set(key, { atMs: nowMs + delayMs, callback });
      return () => timers.delete(key);
    },
    advance(ms) {
      nowMs += ms;
      for (const [key, { atMs, callback }] of [...timers]) {
        if (atMs <= nowMs && timers.delete(key)) {
          callback();
        }
      }
    },
    timers: () => timers.size,
  };
}

function job(jobId: string) {
  return create(RenderScoreJobSchema, {
    jobId,
    profile: "p",
    class: JobClass.ORGANIC,
    asset: { case: "inlineAsset", value: new Uint8Array(3) },
  });
}

async function mustTake(taking: Promise<TakenJob | undefined>): Promise<TakenJob> {
  const taken = await taking;
  assert.ok(taken !== undefined);
  return taken;
}
