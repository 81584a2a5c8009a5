/** A pool of more workers than listen for a job. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TakenJob, TakeOptions } from "@turntable/bus";
import { connectJobSource } from "@turntable/bus/nats";
import { mustTake, patience, releasing, resultOf, testJob } from "../contract/job-queue-tools.ts";
import { openAdmin, openSides } from "./nats-sides.ts";

/** As many as the job source has. */
const mostListeners = 32;
const standingBy = 8;
const durable = "workers-synthetic";
const timeout = 30_000;

async function openPool() {
  await using stack = new AsyncDisposableStack();
  const sides = stack.use(await openSides());
  const admin = stack.use(await openAdmin(sides.server));
  const takings: Promise<TakenJob | undefined>[] = [];
  const start = (options?: TakeOptions): void => {
    const workerId = `w${takings.length}`;
    const taking = async () => {
      const source = await connectJobSource({ servers: sides.server.url, workerId });
      return releasing(running.use(source), running).take(patience(), options);
    };
    takings.push(taking());
  };
  const listeners = async () => (await admin.manager.consumers.info("JOBS", durable)).num_waiting;
  const untilListen = async (count: number) => {
    while ((await listeners()) < count) {
      await new Promise(setImmediate);
    }
  };
  const running = stack.move();
  return {
    ...{ queue: sides.queue, takings, start, listeners, untilListen },
    /** Starts so many that listen, one after the other. */
    async startListeners(count: number) {
      while (takings.length < count) {
        start();
        await untilListen(takings.length);
      }
    },
    /** Starts so many more, and waits until they have stood by. */
    async startMore(count: number, options?: TakeOptions) {
      const asked = admin.connection.subscribe(`$JS.API.CONSUMER.MSG.NEXT.JOBS.${durable}`);
      for (let n = 0; n < count; n += 1) {
        start(options);
      }
      let looks = 0;
      for await (const { data } of asked) {
        // Who looks again, after it stood by, wants no answer later; who listens asks for one.
        looks += Buffer.from(data).includes("no_wait") ? 1 : 0;
        if (looks === count) {
          break;
        }
      }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test("no more than 32 workers listen for a job, and each of forty gets one", {
  timeout,
}, async () => {
  await using pool = await openPool();
  await pool.startListeners(mostListeners);
  await pool.startMore(standingBy);
  assert.equal(await pool.listeners(), mostListeners);

  const jobs = pool.takings.length;
  for (let n = 0; n < jobs; n += 1) {
    await pool.queue.submit(testJob(`j${n}`));
  }
  const taken = await Promise.all(pool.takings.map(mustTake));
  assert.equal(new Set(taken.map(({ job }) => job.jobId)).size, jobs);
  await Promise.all(taken.map((job) => job.complete(resultOf(job))));
});

test("a worker that has work leaves half of the places to those that are free", {
  timeout,
}, async () => {
  await using pool = await openPool();
  await pool.startListeners(mostListeners / 2);
  const inWork = new AbortController();
  await pool.startMore(1, { busyUntil: inWork.signal });
  assert.equal(await pool.listeners(), mostListeners / 2);
  inWork.abort();
  await pool.untilListen(mostListeners / 2 + 1);
});
