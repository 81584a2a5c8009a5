/** A coordinator whose disk gets full, on a small disk of its own; needs the right to mount one. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { backUpStore, openStore } from "@turntable/coordinator/internal";
import { GenerationService, RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { createServiceClient } from "@turntable/proto/grpc";
import { signedResults, startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";
import { fill, mountDisk } from "../harness/small-disk.ts";

const mebibyte = 1024 ** 2;

const ready = (subnet: TestSubnet) =>
  fetch(`http://127.0.0.1:${subnet.coordinator.httpPort}/readyz`);

async function untilReady(subnet: TestSubnet, status: 200 | 503): Promise<string> {
  for (;;) {
    const answer = await ready(subnet);
    const text = await answer.text();
    if (answer.status === status) {
      return text;
    }
    await sleep(50);
  }
}

const pull = (subnet: TestSubnet) =>
  subnet.miner.call(pullTask, { target: subnet.target, body: {} });

async function pulled(subnet: TestSubnet) {
  const answer = await pull(subnet);
  assert.ok(answer.kind === "ok", answer.message ?? "");
  return answer.fields.task;
}

/** The API without the client's own patience. */
function rawApi({ coordinator }: TestSubnet) {
  const channel = new Client(`127.0.0.1:${coordinator.grpcPort}`, credentials.createInsecure());
  const client = createServiceClient(GenerationService, channel);
  return {
    createTask: (prompt: string) => client.createTask({ prompt }, { metadata: new Metadata() }),
    [Symbol.dispose]: () => channel.close(),
  };
}

const submit = (
  subnet: TestSubnet,
  task: { readonly id: string; readonly prompt: string },
  bytes: Uint8Array,
) =>
  subnet.miner.call(submitResults, {
    target: subnet.target,
    body: signedResults(subnet, task, bytes),
  });

/** Plays the worker for one job. */
async function scoreNext({ source }: TestSubnet): Promise<void> {
  const taken = (await source.take(new AbortController().signal)) ?? assert.fail("no job");
  const { jobId, submissionId } = taken.job;
  const outcome = { case: "scored" as const, value: create(ScoreReportSchema, { score: 0.9 }) };
  await taken.complete(create(RenderScoreResultSchema, { jobId, submissionId, outcome }));
}

const assets = (path: string) => readdirSync(join(path, "data", "assets"));
const limits = { promptChars: 1024, openTasks: 100, submissionBytes: 16 * mebibyte };
const noDisk = "no small disk can be mounted here";

test("below the reserve nothing is taken or lent, and readiness says why, until there is room", async (t) => {
  using disk = mountDisk();
  if (disk === undefined) {
    return t.skip(noDisk);
  }
  const data = join(disk.path, "data");
  mkdirSync(data);
  await using subnet = await startTestSubnet(
    { limits: { ...limits, reserveBytes: 8 * mebibyte } },
    data,
  );
  using api = rawApi(subnet);
  await subnet.client.create("a red cube");
  const task = (await pulled(subnet)) ?? assert.fail("no task");
  const makeRoom = await fill(disk.path, 4 * mebibyte);
  assert.match(
    await untilReady(subnet, 503),
    /nearly full: \d MiB are free, 8 MiB are the reserve/,
  );
  await assert.rejects(api.createTask("a blue ball"), (error: ServiceError) => {
    assert.equal(error.code, status.UNAVAILABLE);
    return /nearly full/.test(error.details);
  });
  const refused = await submit(subnet, task, Buffer.alloc(1000));
  assert.equal(refused.status, 503);
  assert.match(refused.message ?? "", /nearly full/);
  assert.equal((await pulled(subnet))?.id, task.id, "what it has it keeps");
  assert.deepEqual(assets(disk.path), []);

  makeRoom();
  await untilReady(subnet, 200);
  const [answer] = await Promise.all([submit(subnet, task, Buffer.alloc(1000)), scoreNext(subnet)]);
  assert.ok(answer.kind === "ok" && answer.fields.feedback?.verdict === "accepted");
});

test("a disk that gets full in the middle of a submission: 503, nothing left behind, and recovery", async (t) => {
  using disk = mountDisk();
  if (disk === undefined) {
    return t.skip(noDisk);
  }
  const data = join(disk.path, "data");
  mkdirSync(data);
  await using subnet = await startTestSubnet({ limits: { ...limits, reserveBytes: 0 } }, data);
  await subnet.client.create("a red cube");
  const task = (await pulled(subnet)) ?? assert.fail("no task");
  const makeRoom = await fill(disk.path, 2 * mebibyte);
  const large = Buffer.alloc(4 * mebibyte, 1);
  const refused = await submit(subnet, task, large);
  assert.equal(refused.status, 503);
  assert.match(refused.message ?? "", /the disk is full/);
  assert.deepEqual(assets(disk.path), [], "no partial file");

  makeRoom();
  const [answer] = await Promise.all([submit(subnet, task, large), scoreNext(subnet)]);
  assert.ok(answer.kind === "ok" && answer.fields.feedback?.verdict === "accepted");
  assert.equal(assets(disk.path).length, 1);
});

test("with not a byte free, creates are refused as such, pulls are answered, and the process lives", async (t) => {
  using disk = mountDisk();
  if (disk === undefined) {
    return t.skip(noDisk);
  }
  const data = join(disk.path, "data");
  mkdirSync(data);
  await using subnet = await startTestSubnet({ limits: { ...limits, reserveBytes: 0 } }, data);
  const makeRoom = await fill(disk.path, 0);
  using api = rawApi(subnet);
  const refusals = new Set<string>();
  for (let n = 0; n < 100; n++) {
    await api.createTask(`${"x".repeat(900)} ${n}`).catch(({ code, details }: ServiceError) => {
      refusals.add(`${code} ${details}`);
    });
    const answer = await pull(subnet);
    if (answer.kind !== "ok") {
      refusals.add(`${answer.status} ${answer.message}`);
    }
  }
  assert.deepEqual([...refusals], [`${status.UNAVAILABLE} the disk is full`], "pulls only read");
  makeRoom();
  await api.createTask("and now there is room");
  assert.ok(await pulled(subnet));
});

test("a backup that finds no room, at its start or on its way, says so and leaves nothing", async (t) => {
  using disk = mountDisk();
  if (disk === undefined) {
    return t.skip(noDisk);
  }
  const data = mkdtempSync(join(tmpdir(), "turntable-disk-"));
  t.after(() => rmSync(data, { recursive: true }));
  {
    using store = openStore(data);
    store.run(
      "INSERT INTO weight_attempts (netuid, validator, at, block, version_key, weights) VALUES (1, 'V', 0, 0, 0, ?)",
      "x".repeat(20 * mebibyte),
    );
  }
  const back = (onProgress?: () => void) =>
    backUpStore(data, join(disk.path, "backup"), {
      copyAssets: true,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  const makeRoom = await fill(disk.path, mebibyte);
  await assert.rejects(back(), /1 MiB are free, the backup needs 2\d MiB/);
  makeRoom();
  let isFull = false;
  await assert.rejects(
    back(() => {
      if (!isFull) {
        const { bavail, bsize } = statfsSync(disk.path);
        writeFileSync(join(disk.path, "other"), Buffer.alloc(bavail * bsize));
        isFull = true;
      }
    }),
    /the disk is full; nothing of the backup was left/,
  );
  assert.deepEqual(readdirSync(disk.path), ["other"]);
});
