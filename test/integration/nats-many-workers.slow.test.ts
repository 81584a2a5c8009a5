/** A pool of more free workers than listen for a job. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectJobSource } from "@turntable/bus/nats";
import { mustTake, patience, releasing, resultOf, testJob } from "../contract/job-queue-tools.ts";
import { openAdmin, openSides } from "./nats-sides.ts";

/** As many as the job source has. */
const mostListeners = 32;
const standingBy = 8;
const durable = "workers-synthetic";

test("no more than 32 free workers listen for a job, and each of forty gets one", {
  timeout: 60_000,
}, async () => {
  await using sides = await openSides();
  await using admin = await openAdmin(sides.server);
  await using stack = new AsyncDisposableStack();
  const start = async (name: string) => {
    const source = await connectJobSource({ servers: sides.server.url, workerId: name });
    return releasing(stack.use(source), stack).take(patience());
  };
  const listeners = async () => (await admin.manager.consumers.info("JOBS", durable)).num_waiting;

  const takings: ReturnType<typeof start>[] = [];
  while (takings.length < mostListeners) {
    takings.push(start(`w${takings.length}`));
    while ((await listeners()) < takings.length) {
      await new Promise(setImmediate);
    }
  }
  // Whoever stands by has asked before.
  const asked = admin.connection.subscribe(`$JS.API.CONSUMER.INFO.JOBS.${durable}`);
  const sources = takings.length + standingBy;
  while (takings.length < sources) {
    takings.push(start(`w${takings.length}`));
  }
  let questions = 0;
  for await (const _ of asked) {
    questions += 1;
    // One as each connects, and one before it would listen.
    if (questions === 2 * standingBy) {
      break;
    }
  }
  await admin.connection.flush();
  assert.equal(await listeners(), mostListeners);

  for (let n = 0; n < sources; n += 1) {
    await sides.queue.submit(testJob(`j${n}`));
  }
  const taken = await Promise.all(takings.map(mustTake));
  assert.equal(new Set(taken.map(({ job }) => job.jobId)).size, sources);
  await Promise.all(taken.map((job) => job.complete(resultOf(job))));
});
