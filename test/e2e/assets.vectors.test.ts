/** Real assets, submitted by a miner, go the whole way. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { mine } from "./mine.ts";
import { startSubnet } from "./subnet.ts";

const vectors = process.env.TURNTABLE_VECTORS;
const folder = join(vectors ?? "", "render");
const skip = vectors === undefined ? "TURNTABLE_VECTORS is not set" : false;
const manifest = z.array(z.object({ asset: z.string() }));

test("every asset of the manifest is rendered and scored", { skip }, async () => {
  const cases = manifest.parse(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")));
  const assets = [...new Set(cases.map(({ asset }) => asset))];
  assert.ok(assets.length > 0);
  await using subnet = await startSubnet();
  await subnet.startWorker();
  for (const asset of assets) {
    const answer = await mine(subnet, "a brown hamburger", readFileSync(join(folder, asset)));
    const { verdict, reason } = answer.feedback ?? {};
    assert.ok(verdict === "accepted" || verdict === "rejected", `${asset}: ${verdict} ${reason}`);
  }
  const { tasks } = await subnet.client.list();
  for (const { assignments } of tasks) {
    const score = assignments[0]?.score ?? Number.NaN;
    assert.ok(score >= 0 && score <= 1, `score ${score}`);
  }
});
