/** Streams, consumers and the bucket as they are on a server, alone and in a cluster. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@nats-io/transport-node";
import { connectJobQueue, connectJobSource, NatsServerError } from "@turntable/bus/nats";
import { bytes, mustTake, patience, resultOf, testJob } from "../contract/job-queue-tools.ts";
import { startNatsCluster, startNatsServer } from "../harness/nats-server.ts";
import { openAdmin, recordEvents, untilUp } from "./nats-sides.ts";

const timeout = 90_000;
const names = ["DEAD_LETTERS", "HAND_BACKS", "JOBS", "OBJ_assets", "RESULTS"];

test("copies follow --nats-replicas: streams, consumers and the bucket", { timeout }, async () => {
  await using cluster = await startNatsCluster(3);
  const [first] = cluster.servers;
  assert.ok(first !== undefined);
  await using admin = await openAdmin(first);
  const copies = async () => {
    // One by one: a list lacks what did not answer in time, as a stream that moves may not.
    const infos = names.map((name) => untilUp(() => admin.manager.streams.info(name)));
    const found = (await Promise.all(infos)).map(({ config }) => [
      config.name,
      config.num_replicas,
    ]);
    const { config } = await untilUp(() => admin.manager.consumers.info("JOBS", "workers-organic"));
    return [Object.fromEntries(found), config.num_replicas ?? 0];
  };
  const requestTimeoutMs = 1_000;
  const servers = cluster.servers.map(({ url }) => url);
  for (const replicas of [1, 3]) {
    await using queue = await connectJobQueue({ servers, replicas, requestTimeoutMs });
    // A stream that moves may lose a request.
    await untilUp(() => queue.submit(testJob(`with-${replicas}`)));
    const all = Object.fromEntries(names.map((name) => [name, replicas]));
    assert.deepEqual(await copies(), [all, 0]);
  }
  // A server that is lost takes nothing along.
  await using queue = await connectJobQueue({ servers, replicas: 3, requestTimeoutMs });
  await cluster.servers[2]?.kill9();
  await using source = await connectJobSource({ servers, workerId: "w1", requestTimeoutMs });
  for (const id of ["with-1", "with-3"]) {
    const taken = await mustTake(source.take(patience()));
    assert.equal(taken.job.jobId, id);
    await taken.complete(resultOf(taken));
  }
  const results = queue.results()[Symbol.asyncIterator]();
  assert.equal((await results.next()).value?.result.jobId, "with-1");
});

test("a stream that is something else is refused, with what to do", { timeout }, async () => {
  await using server = await startNatsServer();
  await using admin = await openAdmin(server);
  await admin.manager.streams.add({ name: "JOBS", subjects: ["turntable.job.v1.>"] });
  await assert.rejects(connectJobQueue({ servers: server.url }), (error: unknown) => {
    assert.ok(error instanceof NatsServerError);
    assert.match(
      error.message,
      /stream JOBS .* retention "limits".*"workqueue" is needed.*stream rm/s,
    );
    return true;
  });
});

test("limits that were others are brought up to date", { timeout }, async () => {
  await using server = await startNatsServer();
  await using admin = await openAdmin(server);
  const hourMs = 3_600_000;
  for (const hours of [5, 2]) {
    await using _queue = await connectJobQueue({
      ...{ servers: server.url, deadLetterKeepMs: hours * hourMs },
    });
    const { config } = await admin.manager.streams.info("DEAD_LETTERS");
    assert.equal(millis(config.max_age), hours * hourMs);
  }
});

test("a worker waits for the streams, and learns from them what it has to keep to", {
  timeout,
}, async () => {
  await using server = await startNatsServer();
  await using admin = await openAdmin(server);
  const { onEvent, until } = recordEvents();
  await using source = await connectJobSource({ servers: server.url, workerId: "w1", onEvent });
  const taking = source.take(patience());
  await until("trouble");
  assert.deepEqual(await admin.manager.streams.list().next(), [], "it makes none");
  await using queue = await connectJobQueue({ servers: server.url, maxDeliver: 1 });
  await until("up");
  await queue.submit(testJob("a"));
  await (await mustTake(taking)).handBack(0);
  const again = source.take(patience());
  const results = queue.results()[Symbol.asyncIterator]();
  assert.equal((await results.next()).value?.result.outcome.case, "systemFault");
  await queue.submit(testJob("b"));
  const last = await mustTake(again);
  await last.complete(resultOf(last));
});

test("letters and their assets go when their time is over", { timeout }, async () => {
  await using server = await startNatsServer();
  await using queue = await connectJobQueue({ servers: server.url, deadLetterKeepMs: 1_000 });
  await using source = await connectJobSource({ servers: server.url, workerId: "w1" });
  await queue.submit(testJob("a"));
  await (await mustTake(source.take(patience()))).terminate("for the test");
  await using admin = await openAdmin(server);
  while ((await admin.manager.streams.info("DEAD_LETTERS")).state.messages > 0) {
    await new Promise(setImmediate); // the server removes it; it ends with the test
  }
  assert.deepEqual(await queue.listDeadLetters(), []);
  assert.equal(await queue.replayDeadLetter("a"), false);
});

test("dead letters take so much room at most, with their assets: the oldest go", {
  timeout,
}, async () => {
  await using server = await startNatsServer({ maxPayloadBytes: 128 * 1024 });
  const servers = server.url;
  const told: string[] = [];
  const sweep = { everyMs: 100, letterBytes: 450 * 1024 };
  await using source = await connectJobSource({ servers, workerId: "w1" });
  {
    await using queue = await connectJobQueue({ servers });
    const sizes = { first: 300, second: 50, third: 350 };
    for (const [id, kilobytes] of Object.entries(sizes)) {
      await queue.submit(testJob(id, { asset: bytes(kilobytes * 1024, 1) }));
      await (await mustTake(source.take(patience()))).terminate("for the test");
    }
  }
  await using queue = await connectJobQueue({
    ...{ servers, sweep },
    onEvent: (event) => event.kind === "trouble" && told.push(`${event.what}: ${event.error}`),
  });
  while (told.length === 0) {
    await new Promise(setImmediate); // until it has looked; it ends with the test
  }
  const left = (await queue.listDeadLetters()).map(({ job }) => job.jobId);
  assert.deepEqual(left, ["second", "third"]);
  assert.match(told.join(), /^the 1 oldest dead letters were removed: .* of 460800 that they may$/);
});

test("large assets that were left over are removed, those that are needed stay", {
  timeout,
}, async () => {
  await using server = await startNatsServer({ maxPayloadBytes: 128 * 1024 });
  await using admin = await openAdmin(server);
  const large = { asset: bytes(300 * 1024, 1) };
  const servers = server.url;
  const tokensOf = async (kind: "M" | "C") => {
    const filter = { subjects_filter: `$O.assets.${kind}.>` };
    const { state } = await admin.manager.streams.info("OBJ_assets", filter);
    return Object.keys(state.subjects ?? {}).map((subject) => subject.split(".")[3] ?? "");
  };
  await using source = await connectJobSource({ servers, workerId: "w1" });
  {
    await using queue = await connectJobQueue({ servers });
    await queue.submit(testJob("letter", large));
    await (await mustTake(source.take(patience()))).terminate("for the test");
    await queue.submit(testJob("done", large));
    const done = await mustTake(source.take(patience()));
    await done.complete(resultOf(done)); // and its result is not acked
  }
  const stray = { name: "stray.0.0", nuid: "whole", bucket: "assets", size: 9, chunks: 1 };
  const name = Buffer.from(stray.name).toString("base64url");
  await admin.connection.request("$O.assets.C.whole", "a chunk, 9");
  await admin.connection.request(`$O.assets.M.${name}`, JSON.stringify(stray));
  await admin.connection.request("$O.assets.C.half", "of one whose putting was cut off");
  await using queue = await connectJobQueue({ servers, sweep: { everyMs: 100, marginMs: 2_000 } });
  while ((await tokensOf("C")).length !== 2 || (await tokensOf("M")).includes(name)) {
    await new Promise(setImmediate); // until it was looked; it ends with the test
  }
  const kept = (await tokensOf("M")).map((token) => Buffer.from(token, "base64url").toString());
  assert.deepEqual(kept.toSorted(), ["done.0.0", "letter.0.0"]);
  // One that is replayed is needed again, though it was put long before all jobs: until the next looks are over.
  const looks = admin.connection.subscribe("$JS.API.STREAM.INFO.OBJ_assets");
  assert.equal(await queue.replayDeadLetter("letter"), true);
  let asked = 0;
  for await (const _ of looks) {
    asked += 1;
    if (asked > 6) {
      break; // each look asks thrice
    }
  }
  const replayed = await mustTake(source.take(patience()));
  assert.ok(Buffer.from(large.asset).equals(await replayed.fetchAsset()));
  await replayed.handBack(0);
});
