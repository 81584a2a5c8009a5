/** A miner asks its validator why it earned what it earned: the real axon, dendrite and command. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createNonceMemory, startAxon } from "@turntable/bittensor/axon";
import { createDendrite } from "@turntable/bittensor/dendrite";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { pullTask, submitResults, verdictHistory } from "@turntable/bittensor/synapse";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { signedResults, startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";

await ready();
const bin = join(import.meta.dirname, "../../workers/miner/bin/turntable-miner");

async function history(subnet: Pick<TestSubnet, "target">, ...more: string[]) {
  const { ip, port, hotkey } = subnet.target;
  const args = ["history", "--validator", `${ip}:${port}:${hotkey}`, "--hotkey-uri", "//Bob"];
  const child = spawn(bin, [...args, ...more], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = [child.stdout.toArray(), child.stderr.toArray()];
  const [status] = await once(child, "close");
  return { status, out: (await out).join(""), err: (await err).join("") };
}

test("a registered miner is told its own verdicts, by the command too; nobody else anything", async () => {
  await using subnet = await startTestSubnet();
  const { client, miner, target } = subnet;
  const { id } = await client.create("a red cube");
  const pulled = await miner.call(pullTask, { target, body: {} });
  assert.ok(pulled.kind === "ok" && pulled.fields.task !== null);
  const body = signedResults(subnet, pulled.fields.task, Buffer.from("an asset"));
  const answer = miner.call(submitResults, { target, body });
  const taken = await subnet.source.take(new AbortController().signal);
  const { jobId, submissionId } = taken?.job ?? assert.fail("no job");
  const value = create(ScoreReportSchema, { score: 0.7 });
  const outcome = { case: "scored", value } as const;
  await taken?.complete(create(RenderScoreResultSchema, { jobId, submissionId, outcome }));
  await answer;

  const lines = await history(subnet, "--json");
  assert.deepEqual([lines.status, lines.err], [0, ""]);
  const told = JSON.parse(lines.out);
  assert.deepEqual(
    [told.validator, told.task_id, told.code, told.score, told.average_fidelity, told.weight],
    [target.hotkey, id, "accepted", 0.7, 0.9875, null],
  );
  assert.match((await history(subnet)).out, /accepted {2}score 0\.700, fidelity 0\.750 {2}average/);

  await using stranger = createDendrite({ hotkey: keypairFromUri("//Eve") });
  const refused = await stranger.call(verdictHistory, { target, body: {} });
  assert.deepEqual([refused.kind, refused.status], ["failure", 403]);
  let last = await miner.call(verdictHistory, { target, body: {} });
  for (let i = 0; i < 6 && last.kind === "ok"; i++) {
    last = await miner.call(verdictHistory, { target, body: {} });
  }
  assert.deepEqual(
    [last.status, last.message],
    [403, "Forbidden. Key is blacklisted: Rate limit."],
  );
});

test("a validator that knows no such question is named with that", async () => {
  const validator = keypairFromUri("//Alice");
  const nonces = createNonceMemory();
  await using axon = await startAxon({
    ...{ hotkey: validator, host: "127.0.0.1", port: 0, nonces },
    routes: [],
  });
  const target = { ip: "127.0.0.1", port: axon.port, hotkey: validator.ss58 };
  const { status, err } = await history({ target });
  assert.equal(status, 1);
  assert.match(err, /none of ours/);
});
