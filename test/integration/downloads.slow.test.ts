/** What downloads that nobody reads cost: the bytes that are held for them, here on both sides, and for how long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { create } from "@bufbuild/protobuf";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { GenerationService, RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { createServiceClient } from "@turntable/proto/grpc";
import { signedResults, startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void; // V8's own function has no type

const mebibyte = 1024 ** 2;
const assetBytes = 64 * mebibyte;
const downloads = 20;

/** Makes a task whose result is an asset of 64 MiB. */
async function largeTask(subnet: TestSubnet): Promise<string> {
  const { id } = await subnet.client.create("a red cube");
  const pulled = await subnet.miner.call(pullTask, { target: subnet.target, body: {} });
  const task = (pulled.kind === "ok" ? pulled.fields.task : undefined) ?? assert.fail("no task");
  const body = signedResults(subnet, task, Buffer.alloc(assetBytes, 7));
  const submitted = subnet.miner.call(submitResults, { target: subnet.target, body });
  const taken = (await subnet.source.take(new AbortController().signal)) ?? assert.fail("no job");
  const { jobId, submissionId } = taken.job;
  const outcome = { case: "scored" as const, value: create(ScoreReportSchema, { score: 0.9 }) };
  await taken.complete(create(RenderScoreResultSchema, { jobId, submissionId, outcome }));
  const answer = await submitted;
  assert.ok(
    answer.kind === "ok" && answer.fields.feedback?.verdict === "accepted",
    answer.message ?? "",
  );
  for await (const event of subnet.client.watch(id)) {
    if (event.kind === "succeeded") {
      break;
    }
  }
  return id;
}

test("twenty downloads of 64 MiB that nobody reads cost little, and end", async (t) => {
  await using subnet = await startTestSubnet({
    limits: {
      ...{ promptChars: 1024, openTasks: 100, submissionBytes: 96 * mebibyte },
      ...{ bodiesBytes: 256 * mebibyte, downloads, stalledStreamMs: 3_000 },
    },
  });
  const taskId = await largeTask(subnet);
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const channels: Client[] = [];
  for (let n = 0; n < downloads; n++) {
    // A connection each: those of one share a window. Nothing is read of it after the first message.
    const channel = new Client(
      `127.0.0.1:${subnet.coordinator.grpcPort}`,
      credentials.createInsecure(),
      { "grpc.use_local_subchannel_pool": 1 },
    );
    channels.push(channel);
    const client = createServiceClient(GenerationService, channel);
    const stream = client
      .downloadAsset({ taskId }, { metadata: new Metadata() })
      [Symbol.asyncIterator]();
    assert.equal((await stream.next()).value?.part.case, "asset");
  }
  await assert.rejects(
    subnet.client.download(taskId, { timeoutMs: 500 }),
    /20 downloads run|time|deadline/i,
    "one more than the limit",
  );
  collectGarbage();
  const eachMebibytes = (process.memoryUsage().arrayBuffers - before) / downloads / mebibyte;
  t.diagnostic(`${eachMebibytes.toFixed(2)} MiB a download, the client's side included`);
  assert.ok(eachMebibytes < 4, `${eachMebibytes} MiB a download`);
  // After the time that a stream may stall its place is free again, though its caller is still there.
  const bytes = await downloaded(subnet, taskId);
  for (const channel of channels) {
    channel.close();
  }
  assert.equal(bytes.length, assetBytes);
});

/** Asks until there is a place; the test's own limit ends it. */
async function downloaded({ client }: TestSubnet, taskId: string): Promise<Uint8Array> {
  for (;;) {
    try {
      return (await client.download(taskId)).bytes;
    } catch (error) {
      if (!/downloads run/.test(String(error))) {
        throw error;
      }
    }
  }
}
