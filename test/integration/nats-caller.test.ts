/** Somebody waits for the result of a job of its own, beside a coordinator, over a real server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QueueUnavailableError } from "@turntable/bus";
import { connectJobCaller } from "@turntable/bus/nats";
import { registerTracing } from "@turntable/process";
import {
  bytes,
  mustTake,
  nextAcked,
  openResults,
  patience,
  resultOf,
  testJob,
  untilEmpty,
} from "../contract/job-queue-tools.ts";
import { inTestTrace, testTraceId, traceIdOf } from "../harness/tracing.ts";
import { openAdmin, openSides } from "./nats-sides.ts";

const timeout = 30_000;
const large = bytes(300_000, 7);

test("the caller alone gets the result, also of an asset in the object store", {
  timeout,
}, async () => {
  await using sides = await openSides({}, { maxPayloadBytes: 128 * 1024 });
  await using caller = await connectJobCaller({ servers: sides.server.url });
  for (const [id, asset] of [
    ["small", bytes(100, 1)],
    ["large", large],
  ] as const) {
    const called = caller.call(testJob(id, { asset }), patience());
    const taken = await mustTake(sides.source.take(patience()));
    assert.deepEqual(await taken.fetchAsset(), asset);
    await taken.complete(resultOf(taken));
    assert.equal((await called).jobId, id);
  }
  // Were theirs among the coordinator's results, they would come first.
  await sides.queue.submit(testJob("own"));
  const own = await mustTake(sides.source.take(patience()));
  await own.complete(resultOf(own));
  assert.equal((await nextAcked(openResults(sides.queue))).jobId, "own");
  await untilEmpty(sides.queue);
  await using admin = await openAdmin(sides.server);
  const objects = await admin.manager.streams.info("OBJ_assets");
  assert.equal(objects.state.messages, 0);
});

test("a job that is given up is told to its caller and leaves no dead letter", {
  timeout,
}, async () => {
  using _tracing = registerTracing();
  await using sides = await openSides();
  await using caller = await connectJobCaller({ servers: sides.server.url });
  const called = inTestTrace(() => caller.call(testJob("a"), patience()));
  const taken = await mustTake(sides.source.take(patience()));
  assert.equal(traceIdOf(taken.trace), testTraceId);
  await taken.terminate("no model");
  const { outcome } = await called;
  assert.equal(outcome.case, "systemFault");
  assert.equal(outcome.value.message, "no model");
  assert.deepEqual(await sides.queue.listDeadLetters(), []);
});

test("a caller that leaves takes its job along", { timeout }, async () => {
  await using sides = await openSides();
  await using caller = await connectJobCaller({ servers: sides.server.url });
  const leaving = new AbortController();
  const reason = new Error("not wanted any more");
  const called = caller.call(testJob("a"), leaving.signal);
  await using admin = await openAdmin(sides.server);
  while ((await admin.manager.streams.info("JOBS")).state.messages === 0) {}
  leaving.abort(reason);
  await assert.rejects(called, reason);
  assert.equal((await admin.manager.streams.info("JOBS")).state.messages, 0);
});

test("a worker whose caller left finishes and takes the next job", { timeout }, async () => {
  await using sides = await openSides();
  await using caller = await connectJobCaller({ servers: sides.server.url });
  const leaving = new AbortController();
  const left = assert.rejects(caller.call(testJob("a"), leaving.signal));
  const taken = await mustTake(sides.source.take(patience()));
  leaving.abort();
  await left;
  await taken.complete(resultOf(taken));
  const next = caller.call(testJob("b"), patience());
  const other = await mustTake(sides.source.take(patience()));
  await other.complete(resultOf(other));
  assert.equal((await next).jobId, "b");
});

test("a caller hears at once when the queue goes away", { timeout }, async () => {
  await using sides = await openSides();
  await using caller = await connectJobCaller({ servers: sides.server.url });
  const ended = assert.rejects(caller.call(testJob("a"), patience()), QueueUnavailableError);
  await mustTake(sides.source.take(patience()));
  await sides.server.kill9();
  await ended;
  await sides.server.restart();
});
