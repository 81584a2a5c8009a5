/** What only the queue over NATS does: connecting, setting up, the object store, the services API. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { millis } from "@nats-io/transport-node";
import {
  AssetGoneError,
  JobNotOursError,
  JobWithdrawnError,
  QueueUnavailableError,
} from "@turntable/bus";
import {
  connectJobQueue,
  connectJobSource,
  type NatsEvent,
  NatsServerError,
} from "@turntable/bus/nats";
import {
  bytes,
  mustTake,
  nextAcked,
  openResults,
  patience,
  releasing,
  resultOf,
  testJob,
  untilEmpty,
} from "../contract/job-queue-tools.ts";
import { startNatsServer } from "../harness/nats-server.ts";
import { openAdmin, openSides, untilUp } from "./nats-sides.ts";

const timeout = 30_000;

test("a worker may connect first, and before the server runs", { timeout }, async () => {
  await using first = await startNatsServer();
  await first.kill9();
  const servers = first.url;
  const connecting = connectJobSource({ servers, workerId: "w1" });
  await first.restart();
  await using source = await connecting;
  const taking = source.take(patience());
  await using queue = await connectJobQueue({ servers });
  await queue.submit(testJob("a"));
  const taken = await mustTake(taking);
  await taken.complete(resultOf(taken));
  assert.equal((await nextAcked(openResults(queue))).jobId, "a");
});

test("a server that is not there is named, without its credentials", { timeout }, async () => {
  await using server = await startNatsServer();
  await server.kill9();
  const servers = `nats://user:secret@127.0.0.1:${server.port}`;
  const events: NatsEvent[] = [];
  const options = {
    servers,
    connectTimeoutMs: 200,
    onEvent: (event: NatsEvent) => events.push(event),
  };
  await assert.rejects(connectJobQueue(options), (error: unknown) => {
    assert.ok(error instanceof QueueUnavailableError);
    assert.match(error.message, new RegExp(`NATS at 127.0.0.1:${server.port} cannot be reached`));
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
  assert.deepEqual(
    events.map((event) => event.kind === "trouble" && event.what),
    [`waiting for NATS at 127.0.0.1:${server.port}`],
    "told at once, and once",
  );
  const aborted = connectJobQueue({ servers, signal: AbortSignal.abort() });
  await assert.rejects(aborted, QueueUnavailableError);
});

test("user, password and token are passed on, and wrong ones are refused", {
  timeout,
}, async () => {
  await using withUser = await startNatsServer({
    extraConfig: 'authorization { user: "coordinator", password: "p:w/d" }',
  });
  const { port, url } = withUser;
  for (const options of [
    { servers: url, user: "coordinator", password: "p:w/d" },
    { servers: `nats://coordinator:${encodeURIComponent("p:w/d")}@127.0.0.1:${port}` },
  ]) {
    await using queue = await connectJobQueue(options);
    await untilEmpty(queue);
  }
  const wrong = connectJobQueue({ servers: url, user: "coordinator", password: "guess" });
  await assert.rejects(wrong, (error: unknown) => {
    assert.ok(error instanceof NatsServerError);
    assert.match(error.message, /refuses the credentials/);
    assert.doesNotMatch(error.message, /guess/);
    return true;
  });
  await using withToken = await startNatsServer({ extraConfig: 'authorization { token: "t0k" }' });
  await using queue = await connectJobQueue({ servers: withToken.url, token: "t0k" });
  await untilEmpty(queue);
});

test("settings of consumers that were others are brought up to date", { timeout }, async () => {
  await using server = await startNatsServer();
  await using admin = await openAdmin(server);
  const ackWaits = async () => {
    const infos = await Promise.all([
      admin.manager.consumers.info("JOBS", "workers-organic"),
      admin.manager.consumers.info("JOBS", "workers-synthetic"),
      admin.manager.consumers.info("RESULTS", "coordinator"),
    ]);
    return infos.map(({ config }) => millis(config.ack_wait ?? 0));
  };
  {
    await using _queue = await connectJobQueue({ servers: server.url, ackWaitMs: 5_000 });
    assert.deepEqual(await ackWaits(), [5_000, 5_000, 5_000]);
  }
  await admin.manager.streams.update("JOBS", { duplicate_window: 1_000_000_000 });
  await using _queue = await connectJobQueue({ servers: server.url, ackWaitMs: 7_000 });
  assert.deepEqual(await ackWaits(), [7_000, 7_000, 7_000]);
  const { config } = await admin.manager.streams.info("JOBS");
  assert.equal(millis(config.duplicate_window), 600_000);
});

test("a consumer deleted under a waiting worker is set up again", { timeout }, async () => {
  await using sides = await openSides();
  const { server, queue, source, sourceEvents } = sides;
  await using admin = await openAdmin(server);
  await sourceEvents.until("up");
  const taking = source.take(patience());
  await admin.manager.consumers.delete("JOBS", "workers-organic").catch((error: unknown) => {
    // The server may trip over its own write into the folder it removes; the consumer is gone all the same.
    if (!String(error).includes("directory not empty")) {
      throw error;
    }
  });
  await sourceEvents.until("down");
  await queue.incarnation(); // as dispatch asks every second
  await sourceEvents.until("up");
  await untilUp(() => queue.submit(testJob("a")));
  const taken = await mustTake(taking);
  assert.equal(taken.job.jobId, "a");
  await taken.complete(resultOf(taken));
});

test("an asset over max_payload travels through the object store, others in the job", {
  timeout,
}, async () => {
  await using sides = await openSides({}, { maxPayloadBytes: 1024 * 1024 });
  const { server, queue, source } = sides;
  await using admin = await openAdmin(server);
  const large = bytes(1024 * 1024, 5);
  const assetSha256 = createHash("sha256").update(large).digest();
  const job = { ...testJob("large", { asset: large }), assetSha256 };
  await queue.submit(testJob("small", { asset: bytes(900_000, 6) }));
  assert.equal((await admin.manager.streams.info("OBJ_assets")).state.messages, 0);
  await queue.submit(job);
  const stored = (await admin.manager.streams.info("OBJ_assets")).state;
  await queue.submit(job); // not stored a second time
  assert.equal((await admin.manager.streams.info("OBJ_assets")).state.last_seq, stored.last_seq);
  const { bytes: jobBytes, messages } = (await admin.manager.streams.info("JOBS")).state;
  assert.equal(messages, 2);
  assert.ok(jobBytes < 1_000_000);
  for (const [id, asset] of [
    ["small", bytes(900_000, 6)],
    ["large", large],
  ] as const) {
    const taken = await mustTake(source.take(patience()));
    assert.equal(taken.job.jobId, id);
    assert.ok(Buffer.from(asset).equals(await taken.fetchAsset()));
    await taken.complete(resultOf(taken));
  }
  const results = openResults(queue);
  await nextAcked(results);
  assert.ok((await admin.manager.streams.info("OBJ_assets")).state.messages > 0);
  await nextAcked(results);
  assert.equal((await admin.manager.streams.info("OBJ_assets")).state.messages, 0);
});

test("an asset is read without a consumer, and one whose bytes were removed is not waited for", {
  timeout,
}, async () => {
  await using sides = await openSides({}, { maxPayloadBytes: 64 * 1024 });
  const { server, queue, source } = sides;
  await using admin = await openAdmin(server);
  const asset = bytes(200_000, 7);
  const assetSha256 = createHash("sha256").update(asset).digest();
  await queue.submit({ ...testJob("a", { asset }), assetSha256 });
  const taken = await mustTake(source.take(patience()));
  assert.ok(Buffer.from(asset).equals(await taken.fetchAsset()));
  const { state } = await admin.manager.streams.info("OBJ_assets");
  assert.equal(state.consumer_count, 0);
  // As a withdrawal leaves it for a moment: the object is listed, its bytes are gone.
  await admin.manager.streams.purge("OBJ_assets", { filter: "$O.assets.C.>", keep: 1 });
  await assert.rejects(taken.fetchAsset(), AssetGoneError);
});

test("a job that is withdrawn while a worker has it ends when its asset is missed, and is no dead letter", {
  timeout,
}, async () => {
  await using sides = await openSides({}, { maxPayloadBytes: 64 * 1024 });
  const { queue, source } = sides;
  const asset = bytes(200_000, 7);
  const assetSha256 = createHash("sha256").update(asset).digest();
  await queue.submit({ ...testJob("a", { asset }), assetSha256 });
  const taken = await mustTake(source.take(patience()));
  await queue.withdraw("a");
  await assert.rejects(taken.fetchAsset(), JobWithdrawnError);
  await assert.rejects(taken.terminate("its asset is gone"), JobNotOursError);
  await untilEmpty(queue);
  assert.equal(await queue.countDeadLetters(), 0);
});

test("a job that is handed back is not fetched any more", { timeout }, async () => {
  await using sides = await openSides({}, { maxPayloadBytes: 64 * 1024 });
  const { queue, source } = sides;
  const asset = bytes(100_000, 8);
  const assetSha256 = createHash("sha256").update(asset).digest();
  await queue.submit({ ...testJob("a", { asset }), assetSha256 });
  const taken = await mustTake(source.take(patience()));
  await taken.handBack(60_000);
  await assert.rejects(taken.fetchAsset(), QueueUnavailableError);
});

test("a message that is no job goes to the dead letters and stops nobody", {
  timeout,
}, async () => {
  await using sides = await openSides();
  const { server, queue, source } = sides;
  await using admin = await openAdmin(server);
  const taking = source.take(patience());
  await admin.connection.request("turntable.job.v1.organic.sn17-seed", "certainly not a job");
  await queue.submit(testJob("a"));
  const taken = await mustTake(taking);
  assert.equal(taken.job.jobId, "a");
  await taken.complete(resultOf(taken));
  assert.equal((await nextAcked(openResults(queue))).jobId, "a");
  const [letter] = await queue.listDeadLetters();
  assert.equal(letter?.reason, "the message is not a job");
  assert.match(letter?.job.jobId ?? "", /^unreadable-\d+$/);
  await untilEmpty(queue);
});

test("workers that race for jobs cost no attempts", { timeout }, async () => {
  await using sides = await openSides();
  const { server, queue } = sides;
  await using stack = new AsyncDisposableStack();
  const sources = [];
  for (let i = 0; i < 12; i += 1) {
    const options = { servers: server.url, workerId: `w${i}` };
    sources.push(releasing(stack.use(await connectJobSource(options)), stack));
  }
  const takings = sources.map((source) => source.take(patience()));
  for (let i = 0; i < sources.length; i += 1) {
    await queue.submit(testJob(`j${i}`));
  }
  const taken = await Promise.all(takings.map(mustTake));
  assert.deepEqual(new Set(taken.map((job) => job.attempt)), new Set([1]));
  assert.equal(new Set(taken.map(({ job }) => job.jobId)).size, sources.length);
  await Promise.all(taken.map((job) => job.complete(resultOf(job))));
});

test("workers show themselves through the NATS services API", { timeout }, async () => {
  await using sides = await openSides({ workerId: "w-9", version: "1.2.3" });
  const { server, queue, source } = sides;
  await using admin = await openAdmin(server);
  for (const id of ["a", "b", "c"]) {
    await queue.submit(testJob(id));
  }
  const completed = await mustTake(source.take(patience()));
  await completed.complete(resultOf(completed));
  await (await mustTake(source.take(patience()))).terminate("for the test");
  await mustTake(source.take(patience()));
  const stats = (await admin.connection.request("$SRV.STATS.turntable-worker")).json<{
    version: string;
    metadata: unknown;
    endpoints: { data: unknown }[];
  }>();
  assert.equal(stats.version, "1.2.3");
  assert.deepEqual(stats.metadata, { worker_id: "w-9" });
  const counts = {
    taken: 3,
    completed: 1,
    handedBack: 0,
    terminated: 1,
    withdrawn: 0,
    lost: 0,
    buried: 0,
    inWork: 1,
    state: "working",
  };
  assert.deepEqual(stats.endpoints[0]?.data, counts);
  const reply = await admin.connection.request("turntable.worker.v1.jobs");
  assert.deepEqual(reply.json(), { worker_id: "w-9", ...counts });
});
