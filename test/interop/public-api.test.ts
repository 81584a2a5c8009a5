/** Clients of the subnet's public API of 2024, on the real Python SDKs, get their asset from our coordinator. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { generationStatus, type Json, pullTask, submitResults } from "@turntable/bittensor/synapse";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { signedResults, startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";
import { axonSdkVersions, ensureEnvironment } from "./environments.ts";
import { type Peer, startPeer } from "./peer.ts";

await ready();
const client = "//Charlie";

/** What a Python caller saw, as far as this asks. */
interface Told {
  readonly dendrite_status: number;
  readonly dendrite_message: string;
  readonly synapse: { readonly [name: string]: Json };
}

/** The miner pulls the oldest task and hands `bytes` in, which the worker accepts. */
async function mine(subnet: TestSubnet, bytes: Uint8Array): Promise<string> {
  const { miner, target } = subnet;
  const pulled = await miner.call(pullTask, { target, body: {} });
  assert.ok(pulled.kind === "ok" && pulled.fields.task !== null, pulled.message ?? "no task");
  const { task } = pulled.fields;
  const answer = miner.call(submitResults, { target, body: signedResults(subnet, task, bytes) });
  const taken = await subnet.source.take(new AbortController().signal);
  const { jobId, submissionId } = taken?.job ?? assert.fail("no job");
  const value = create(ScoreReportSchema, { score: 0.9 });
  const outcome = { case: "scored", value } as const;
  await taken?.complete(create(RenderScoreResultSchema, { jobId, submissionId, outcome }));
  await answer;
  return task.prompt;
}

for (const version of axonSdkVersions) {
  const environment = await ensureEnvironment(version);
  const skip = environment.kind === "missing" ? environment.reason : false;
  describe(`the public API for Python SDK ${version}`, { skip }, () => {
    let peer: Peer;
    before(async () => {
      assert.ok(environment.kind === "ready");
      peer = await startPeer(environment);
    });
    after(async () => peer?.[Symbol.asyncDispose]());

    const call = async (
      { target: { ip, port, hotkey } }: TestSubnet,
      name: string,
      fields: { readonly [field: string]: Json },
      uri = client,
    ): Promise<Told> => {
      const command = { op: "call", uri, class: name, generation: "2024", fields };
      const told = await peer.ask({ ...command, target: { ip, port, hotkey } });
      assert.ok(Array.isArray(told));
      return told[0] as unknown as Told; // the peer's own form
    };
    const options = {
      axon: { host: "127.0.0.1", port: 0, clients: [keypairFromUri(client).ss58] },
    };

    it("asks, looks, and has the miner's very bytes; looks too often are 429", async () => {
      await using subnet = await startTestSubnet(options);
      const prompt = 'a красный "teapot" 茶壶';
      const asset = randomBytes(300_001);
      const [first, second] = [
        await call(subnet, "Generate", { prompt }),
        await call(subnet, "Generate", { prompt }),
      ].map(({ synapse, dendrite_status: status }) => {
        assert.deepEqual([status, synapse.polling_interval], [200, 30]);
        return String(synapse.task_id);
      });
      const look = async (task_id = "") => {
        const { synapse } = await call(subnet, "StatusCheck", { task_id });
        return [synapse.status, synapse.results];
      };
      assert.equal(await mine(subnet, asset), prompt);
      const [status, results] = await look(first);
      assert.equal(status, generationStatus.done);
      assert.ok(Buffer.from(String(results), "base64").equals(asset));
      assert.deepEqual(await look(first), [generationStatus.rateLimited, null]);
      assert.deepEqual(await look(second), [generationStatus.inQueue, null]);
      assert.deepEqual(await look(second), [generationStatus.rateLimited, null]);
      assert.deepEqual(await look("nobody's"), [generationStatus.notFound, null]);
    });

    it("has ten requests in two minutes, and only who is on the list has any", async () => {
      await using subnet = await startTestSubnet(options);
      for (let i = 0; i < 10; i++) {
        const { synapse } = await call(subnet, "Generate", { prompt: `a cube with ${i} dots` });
        assert.notEqual(synapse.task_id, null);
      }
      for (const [uri, why] of [
        [client, /Rate limit/],
        ["//Eve", /Not whitelisted/],
      ] as const) {
        const told = await call(subnet, "Generate", { prompt: "one too many" }, uri);
        assert.deepEqual([told.dendrite_status, told.synapse.task_id], [403, null]);
        assert.match(told.dendrite_message, why);
      }
    });
  });
}
