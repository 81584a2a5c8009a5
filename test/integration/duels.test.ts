/** Duels over the real parts: axon, job queue, coordinator, and an HTTP server in the place of a vision model. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createLocalChain } from "@turntable/bittensor/chain";
import { createDendrite } from "@turntable/bittensor/dendrite";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { ruleSetOf, ruleSets } from "@turntable/coordinator/rules";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { netuid, signedResults, startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";

await ready();
const [bob, dave] = [keypairFromUri("//Bob"), keypairFromUri("//Dave")];
const changes = { cooldownMs: 0, duels: { perHour: 3600, rewarded: true } };
const rules = ruleSetOf(ruleSets.local, JSON.stringify(changes), "duels");

/** Pulls a task and hands in; accepted with a picture that bears the miner's hotkey. Gives the feedback. */
async function mine(subnet: TestSubnet, minerKey: Keypair) {
  await using miner = createDendrite({ hotkey: minerKey });
  const { target, validator } = subnet;
  const pulled = await miner.call(pullTask, { target, body: {} });
  assert.ok(pulled.kind === "ok" && pulled.fields.task !== null, pulled.message ?? "no task");
  const asset = Buffer.from(`${minerKey.ss58} ${pulled.fields.task.id}`);
  const body = signedResults({ minerKey, validator }, pulled.fields.task, asset);
  const answer = miner.call(submitResults, { target, body });
  const taken = await subnet.source.take(new AbortController().signal);
  const { jobId, submissionId, picturePx } = taken?.job ?? assert.fail("no job");
  assert.equal(picturePx, 256);
  await taken?.complete(
    create(RenderScoreResultSchema, {
      ...{ jobId, submissionId, picture: Buffer.from(minerKey.ss58) },
      outcome: { case: "scored", value: create(ScoreReportSchema, { score: 0.9 }) },
    }),
  );
  const outcome = await answer;
  return outcome.kind === "ok" ? outcome.fields.feedback : assert.fail(String(outcome.message));
}

test("two miners' assets of one prompt are judged while nobody waits for it, and their ratings are told", async () => {
  const questions: { readonly body: string; readonly response: ServerResponse }[] = [];
  const answer = (index: number) => {
    const { body, response } = questions[index] ?? assert.fail();
    const url = /data:image\/jpeg;base64,([^"]+)/.exec(body)?.[1] ?? "";
    const isDavesFirst = Buffer.from(url, "base64").toString() === dave.ss58;
    const content = isDavesFirst ? "FIRST" : "SECOND";
    response.end(JSON.stringify({ choices: [{ message: { content } }] }));
  };
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    questions.push({ body, response });
    server.emit("question");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/v1`;
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const chain = stack.use(createLocalChain({ blockMs: 1000, subnets: [{ netuid }] }));
  for (const { ss58 } of [keypairFromUri("//Alice"), bob, dave]) {
    chain.register({ netuid, hotkey: ss58 });
  }
  const judge = { url, model: "m", apiKey: undefined, timeoutMs: 20_000, maxTokens: 9 };
  const subnet = stack.use(await startTestSubnet({ chain, rules, judge }));

  const asked = once(server, "question");
  await subnet.client.create("a red cube");
  assert.equal((await mine(subnet, bob))?.current_duel_rating, 1500);
  await subnet.client.create("a red cube");
  assert.equal((await mine(subnet, dave))?.current_miner_reward, 1500);
  await asked; // and it hangs
  await subnet.client.create("a blue ball");
  assert.equal((await mine(subnet, bob))?.current_duel_rating, 1500);

  const askedAgain = once(server, "question");
  answer(0);
  await askedAgain;
  assert.ok(questions.every(({ body }) => body.includes("a red cube")));
  answer(1);
  const won = await untilRated(subnet);
  assert.ok(won > 1600, `Dave has ${won}`);
});

/** Dave's rating once it is another than at first: each submission tells it. */
async function untilRated(subnet: TestSubnet): Promise<number> {
  for (let i = 0; ; i++) {
    await subnet.client.create(`a green ball with ${i} dots`);
    const rating = (await mine(subnet, dave))?.current_duel_rating ?? assert.fail();
    if (rating !== 1500) {
      return rating;
    }
  }
}
