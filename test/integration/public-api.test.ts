/** The subnet's public API of 2024 and GetVersion over real sockets, signed by real keys. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createDendrite } from "@turntable/bittensor/dendrite";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import {
  generate,
  generationStatus,
  getVersion,
  pullTask,
  statusCheck,
  submitResults,
} from "@turntable/bittensor/synapse";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { netuid, signedResults, startTestSubnet } from "../harness/coordinator.ts";

await ready();
const bytes = Buffer.from("the bytes of an asset");

test("a client on the list gets its asset over the axon; others and miners do not", async () => {
  const clientKey = keypairFromUri("//Client");
  await using subnet = await startTestSubnet({
    axon: { host: "127.0.0.1", port: 0, clients: [clientKey.ss58] },
  });
  const { miner, target } = subnet;
  await using client = createDendrite({ hotkey: clientKey });
  const refused = await miner.call(generate, { target, body: { prompt: "a red cube" } });
  assert.deepEqual(
    [refused.kind, refused.message],
    ["failure", "Forbidden. Key is blacklisted: Not whitelisted."],
  );
  const asked = await client.call(generate, { target, body: { prompt: "a red cube" } });
  assert.ok(asked.kind === "ok", asked.message ?? "");
  const taskId = asked.fields.task_id ?? assert.fail();

  const pulled = await miner.call(pullTask, { target, body: {} });
  assert.ok(pulled.kind === "ok" && pulled.fields.task !== null);
  assert.deepEqual(pulled.fields.version, { major: 0, minor: 2, patch: 0 });
  assert.equal(pulled.fields.task.id, taskId);
  const body = signedResults(subnet, pulled.fields.task, bytes);
  const answer = miner.call(submitResults, { target, body });
  const job = (await subnet.source.take(new AbortController().signal)) ?? assert.fail("no job");
  await job.complete(
    create(RenderScoreResultSchema, {
      jobId: job.job.jobId,
      submissionId: job.job.submissionId,
      outcome: { case: "scored", value: create(ScoreReportSchema, { score: 0.9 }) },
    }),
  );
  assert.equal((await answer).kind, "ok");
  const status = await client.call(statusCheck, { target, body: { task_id: taskId } });
  assert.ok(status.kind === "ok");
  assert.equal(status.fields.status, generationStatus.done);
  assert.equal(status.fields.results, bytes.toString("base64"));
  const again = await client.call(statusCheck, { target, body: { task_id: taskId } });
  assert.ok(again.kind === "ok" && again.fields.status === generationStatus.rateLimited);
});

test("those with stake are told the version, miners without are not", async () => {
  await using subnet = await startTestSubnet();
  const { chain, miner, target, minerKey } = subnet;
  const refused = await miner.call(getVersion, { target, body: {} });
  assert.equal(refused.kind, "failure");
  chain.setStake(minerKey.ss58, 1_000);
  await using again = await startTestSubnet({ chain, netuid });
  const told = await again.miner.call(getVersion, { target: again.target, body: {} });
  assert.ok(told.kind === "ok", told.message ?? "");
  assert.deepEqual([told.fields.version, told.fields.validation_version], [200, "sn17-seed"]);
});
