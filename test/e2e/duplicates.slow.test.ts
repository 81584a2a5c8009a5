/** The same object again, through axon, queue and a real worker: only its first submission is rewarded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { ruleSets } from "@turntable/coordinator/rules";
import { generate } from "@turntable/generation";
import { createLogger } from "@turntable/process";
import { writePly, writeSpz } from "@turntable/splat";
import { createRandom, noisy, reordered } from "@turntable/splat/test";
import { defaultModelDir, startWorker } from "@turntable/validation";
import { signedResults, startTestSubnet } from "../harness/coordinator.ts";

test("an object is rewarded once, however it is ordered, encoded and shaken", async () => {
  const rules = { ...ruleSets.local, cooldownMs: 0 };
  await using subnet = await startTestSubnet({ rules });
  const logger = createLogger("test", "silent");
  await using _worker = await startWorker({
    ...{ source: subnet.source, modelDir: defaultModelDir, threads: 1, workerId: "w", logger },
    drainMs: 10_000,
    env: {},
  });
  const random = createRandom(1);
  const { splat } = generate({ prompt: "a red cube", splats: 1_000 });
  const other = generate({ prompt: "a red cube", splats: 1_000, seed: 7 }).splat;
  const again = writeSpz(noisy(reordered(splat, random), 0.001, random));
  const verdicts: (string | undefined)[] = [];
  let rewards: unknown;
  for (const bytes of [writePly(splat), writePly(splat), again, writePly(other)]) {
    await subnet.client.create("a red cube");
    const { target } = subnet;
    const pulled = await subnet.miner.call(pullTask, { target, body: {} });
    assert.ok(pulled.kind === "ok" && pulled.fields.task?.type === "text");
    const body = signedResults(subnet, pulled.fields.task, bytes);
    const answer = await subnet.miner.call(submitResults, { target, body });
    assert.ok(answer.kind === "ok", answer.message ?? "");
    const { feedback } = answer.fields;
    verdicts.push(feedback === null ? undefined : String(Object(feedback).verdict));
    rewards = feedback?.generations_within_8_hours;
  }
  assert.deepEqual(verdicts, ["accepted", "duplicate", "duplicate", "accepted"]);
  assert.equal(rewards, 2);
});
