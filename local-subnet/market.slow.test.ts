import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "@turntable/process";
import { readAsset } from "@turntable/splat";
import { geometryOf, isSame } from "@turntable/splat/fingerprint";
import { createMarketEngines, describeMarket } from "./market.ts";
import { subnetConfig } from "./options.ts";

const never = new AbortController().signal;

test("the cheat hands in what the good miner made, as another file of the same object", async () => {
  const { good, poor, cheat } = createMarketEngines();
  await using stack = new AsyncDisposableStack();
  for (const engine of [good, poor, cheat]) {
    stack.use(engine);
  }
  const request = { splats: 2_000, format: "ply" } as const;
  const cube = await good.generate({ ...request, prompt: "a red cube", seed: 1 }, never);
  await good.generate({ ...request, prompt: "a blue ball", seed: 1 }, never);
  const stolen = await cheat.generate({ ...request, prompt: "a red cube", seed: 5 }, never);
  assert.notDeepEqual(stolen.bytes, cube.bytes);
  const [mine, theirs] = await Promise.all([cube.bytes, stolen.bytes].map((b) => readAsset(b)));
  assert.ok(mine !== undefined && theirs !== undefined);
  assert.ok(isSame(geometryOf(mine), geometryOf(theirs)));

  const made = new Set<string>();
  for (const seed of [0, 1, 2]) {
    const { bytes } = await poor.generate({ ...request, prompt: "a red cube", seed }, never);
    made.add(Buffer.from(bytes).toString("base64"));
  }
  assert.equal(made.size, 3);
});

test("a table says where each miner stands and why", () => {
  const row = { tasks: 3, accepted: 2, reward: 2, reasons: ["rejected: scored 0.100"] };
  assert.equal(
    describeMarket([{ ...row, role: "poor", weight: 0.25 }]),
    "  miner 1, poor   2 of 3 accepted, reward 2.00, weight 25.0 %\n      not accepted: rejected: scored 0.100",
  );
});

test("a market with too few miners is refused", () => {
  const sources = { argv: ["--demo-market"], env: {}, readFile: () => "" };
  assert.throws(() => loadConfig(subnetConfig, sources), /--miners.* a market needs 3/);
});
