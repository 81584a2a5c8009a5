/** What the queue over NATS loses when processes are killed: nothing that was acknowledged. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { JobNotOursError, QueueUnavailableError } from "@turntable/bus";
import { connectJobQueue, connectJobSource } from "@turntable/bus/nats";
import { FaultCause } from "@turntable/proto";
import {
  mustTake,
  nextAcked,
  openResults,
  patience,
  resultOf,
  testJob,
  untilEmpty,
} from "../contract/job-queue-tools.ts";
import { startNatsServer } from "../harness/nats-server.ts";
import { openAdmin, openSides, untilUp } from "./nats-sides.ts";

const timeout = 30_000;

test("jobs and results that were acknowledged survive kill -9 of the server", {
  timeout,
}, async () => {
  await using sides = await openSides();
  const { server, queue, source } = sides;
  const ids = Array.from({ length: 30 }, (_, i) => `j${i}`);
  for (const id of ids) {
    await queue.submit(testJob(id));
  }
  for (let i = 0; i < 10; i += 1) {
    const taken = await mustTake(source.take(patience()));
    await taken.complete(resultOf(taken));
  }
  await server.kill9();
  await server.restart();
  const results = openResults(queue);
  const seen = new Set<string>();
  const collect = async () => {
    while (seen.size < ids.length) {
      seen.add((await nextAcked(results)).jobId);
    }
  };
  const collecting = collect();
  const finished = new AbortController();
  void collecting.finally(() => finished.abort());
  for (;;) {
    const taken = await source.take(finished.signal);
    if (taken === undefined) {
      break;
    }
    await taken.complete(resultOf(taken));
  }
  await collecting;
  assert.deepEqual([...seen].toSorted(), ids.toSorted());
});

test("the first result that there ever was, not acked when its reader went, comes again", {
  timeout,
}, async () => {
  const ackWaitMs = 500;
  await using sides = await openSides({ ackWaitMs });
  const { server, queue, source } = sides;
  const results = openResults(queue);
  for (const id of ["first", "second"]) {
    await queue.submit(testJob(id));
    const taken = await mustTake(source.take(patience()));
    await taken.complete(resultOf(taken));
  }
  assert.equal((await results.next()).result.jobId, "first");
  await nextAcked(results);
  await queue[Symbol.asyncDispose]();
  await using another = await connectJobQueue({ servers: server.url, ackWaitMs });
  assert.equal((await nextAcked(openResults(another))).jobId, "first");
});

test("a job in work when the server is killed is completed on the next one, once", {
  timeout,
}, async () => {
  await using sides = await openSides();
  const { server, queue, source } = sides;
  const results = openResults(queue);
  const first = nextAcked(results);
  await queue.submit(testJob("a"));
  const taken = await mustTake(source.take(patience()));
  await server.kill9();
  const completing = taken.complete(resultOf(taken, "kept"));
  await server.restart();
  await completing;
  assert.deepEqual(await first, resultOf(taken, "kept"));
  await untilUp(() => queue.submit(testJob("b")));
  // A server may have forgotten that it had given "a" out; then it is done twice, and counts once.
  let next = await mustTake(source.take(patience()));
  while (next.job.jobId === "a") {
    await next.complete(resultOf(next, "double"));
    next = await mustTake(source.take(patience()));
  }
  assert.equal(next.job.jobId, "b");
  await next.complete(resultOf(next));
  assert.equal((await nextAcked(results)).jobId, "b");
});

for (const empty of [false, true]) {
  const how = empty ? "comes back empty" : "comes back";
  test(`who waits for jobs and results goes on when the server ${how}`, { timeout }, async () => {
    await using sides = await openSides();
    const { server, queue, source } = sides;
    const taking = source.take(patience());
    const results = openResults(queue);
    const next = nextAcked(results);
    await server.restart({ empty });
    await untilUp(() => queue.submit(testJob("a")));
    const taken = await mustTake(taking);
    assert.equal(taken.attempt, 1);
    await taken.complete(resultOf(taken));
    assert.equal((await next).jobId, "a");
    await untilEmpty(queue);
  });
}

test("who was connected before the clock was set back connects again at once", {
  timeout,
}, async (t) => {
  const real = Date.now;
  const ahead = t.mock.method(Date, "now", () => real() + 3_600_000);
  await using sides = await openSides();
  const { server, queue } = sides;
  ahead.mock.restore();
  await server.kill9();
  await server.restart();
  await untilUp(() => queue.submit(testJob("a")));
});

test("of two servers the one that is there is found, time and again", { timeout }, async () => {
  await using one = await startNatsServer();
  await using other = await startNatsServer();
  let connected = "";
  await using queue = await connectJobQueue({
    servers: [one.url, other.url],
    onEvent(event) {
      connected = event.kind === "up" ? event.server : connected;
    },
  });
  for (let time = 0; time < 3; time += 1) {
    const [gone, there] = connected.endsWith(`:${one.port}`) ? [one, other] : [other, one];
    await gone.kill9();
    await untilUp(() => queue.submit(testJob(`job-${time}`)));
    assert.ok(connected.endsWith(`:${there.port}`));
    await gone.restart();
  }
});

test("while the server is away a job is refused at once, and both sides close", {
  timeout,
}, async () => {
  await using sides = await openSides();
  const { server, queue, source, queueEvents } = sides;
  await server.kill9();
  await queueEvents.until("down");
  const since = performance.now();
  await assert.rejects(queue.submit(testJob("a")), QueueUnavailableError);
  await assert.rejects(queue.depth(), QueueUnavailableError);
  assert.ok(performance.now() - since < 1000);
  const taking = source.take(patience());
  await source[Symbol.asyncDispose]();
  assert.equal(await taking, undefined);
  await queue[Symbol.asyncDispose]();
});

test("a submission in flight when the server is killed ends, one way or the other", {
  timeout,
}, async () => {
  await using server = await startNatsServer();
  const requestTimeoutMs = 2 * timeout; // not what ends it
  await using queue = await connectJobQueue({ servers: server.url, requestTimeoutMs });
  const submissions = Promise.allSettled(
    Array.from({ length: 50 }, (_, i) => queue.submit(testJob(`j${i}`))),
  );
  await server.kill9();
  const outcomes = await submissions;
  for (const outcome of outcomes) {
    assert.ok(outcome.status === "fulfilled" || outcome.reason instanceof QueueUnavailableError);
  }
  await server.restart();
  // Submitting again is safe: what had been taken is recognised.
  for (let i = 0; i < 50; i += 1) {
    await untilUp(() => queue.submit(testJob(`j${i}`)));
  }
  assert.equal((await queue.depth()).organic, 50);
});

test("a result waits for its stream, and its job is kept alive meanwhile", {
  timeout,
}, async () => {
  await using sides = await openSides({ ackWaitMs: 300 });
  const { server, queue, source } = sides;
  await queue.submit(testJob("a"));
  const taken = await mustTake(source.take(patience()));
  await using admin = await openAdmin(server);
  const { streams } = admin.manager;
  const { config } = await streams.info("RESULTS");
  const acks = admin.connection.subscribe("$JS.ACK.JOBS.>");
  await streams.delete("RESULTS"); // as without a leader: nobody listens
  const completing = taken.complete(resultOf(taken));
  let keptAlive = 0;
  for await (const { data } of acks) {
    keptAlive += Buffer.from(data).toString() === "+WPI" ? 1 : 0;
    if (keptAlive === 10) {
      break; // for three times the ack wait
    }
  }
  await streams.add(config);
  await completing;
  assert.equal((await streams.info("RESULTS")).state.messages, 1);
});

test("a job that cannot be kept alive is lost to its worker", { timeout }, async () => {
  await using sides = await openSides({ ackWaitMs: 400 });
  const { server, queue, source } = sides;
  await queue.submit(testJob("a"));
  const taken = await mustTake(source.take(patience()));
  await server.kill9();
  const completing = taken.complete(resultOf(taken));
  await assert.rejects(completing, JobNotOursError);
  assert.equal(taken.signal.aborted, true);
  await assert.rejects(taken.handBack(0), JobNotOursError);
  await server.restart();
  const again = await mustTake(source.take(patience()));
  // Not asserted to be the second attempt: the server does not sync its count of deliveries to disk.
  assert.equal(again.job.jobId, "a");
  await again.complete(resultOf(again));
});

test("the job of a worker that was killed goes to another after the ack wait", {
  timeout,
}, async () => {
  const ackWaitMs = 500;
  await using server = await startNatsServer();
  await using queue = await connectJobQueue({ servers: server.url, ackWaitMs });
  await queue.submit(testJob("a"));
  await killWorkerWithJob(server.url);
  await using source = await connectJobSource({ servers: server.url, workerId: "w2" });
  const taken = await mustTake(source.take(patience()));
  assert.equal(taken.job.jobId, "a");
  assert.equal(taken.attempt, 2);
  await taken.complete(resultOf(taken));
  assert.equal((await nextAcked(openResults(queue))).jobId, "a");
});

test("a job with which two workers died goes to the dead letters; handing back is no death", {
  timeout,
}, async () => {
  const ackWaitMs = 500;
  await using server = await startNatsServer();
  await using queue = await connectJobQueue({ servers: server.url, ackWaitMs, maxDeliver: 9 });
  await queue.submit(testJob("a"));
  await using source = await connectJobSource({ servers: server.url, workerId: "w2" });
  for (const attempt of [1, 2]) {
    const taken = await mustTake(source.take(patience()));
    assert.equal(taken.attempt, attempt);
    await taken.handBack(0);
  }
  await killWorkerWithJob(server.url);
  await (await mustTake(source.take(patience()))).handBack(0);
  await killWorkerWithJob(server.url);
  const taking = source.take(patience());
  const { outcome, attempt } = await nextAcked(openResults(queue));
  assert.equal(outcome.case, "systemFault");
  assert.deepEqual([outcome.value.cause, attempt], [FaultCause.SILENCE, 5]);
  const [letter] = await queue.listDeadLetters();
  assert.equal(letter?.cause, FaultCause.SILENCE);
  assert.match(letter.reason, /^2 workers fell silent with it/);
  // An operator who knows better has it done, its deaths forgotten.
  await queue.replayDeadLetter("a");
  const replayed = await mustTake(taking);
  assert.equal(replayed.attempt, 1);
  await replayed.complete(resultOf(replayed));
});

/** A worker takes the job "a" and dies with it. */
async function killWorkerWithJob(url: string): Promise<void> {
  const file = join(import.meta.dirname, "nats-worker-process.ts");
  const doomed = spawn(process.execPath, [file, url], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: doomed.stdout }), "line");
  assert.equal(line, "a");
  const ended = once(doomed, "exit");
  doomed.kill("SIGKILL");
  await ended;
}
