import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { JobCaller } from "@turntable/bus/nats";
import { RenderScoreResultSchema } from "@turntable/proto";
import { defaultAssetLimits, writePly } from "@turntable/splat";
import { createTestSplat, startCpuRenderer } from "../render/index.ts";
import { defaultProfile, loadProfile } from "../scoring/index.ts";
import { scoreOverPool } from "./scorers.ts";

/** A pool that scores at once, whatever it is given. */
const caller: JobCaller = {
  call: async ({ jobId }) =>
    create(RenderScoreResultSchema, {
      jobId,
      outcome: { case: "scored", value: { score: 0.9 } },
    }),
  [Symbol.asyncDispose]: async () => undefined,
};

test("previews that are asked for at the same time are those of their own assets", async () => {
  await using renderer = await startCpuRenderer(2);
  const profile = { ...(await loadProfile(defaultProfile)), size: 64 };
  const score = scoreOverPool({
    caller,
    profile,
    renderer,
    limits: defaultAssetLimits,
    timeoutMs: 60_000,
  });
  const previewOf = async (count: number): Promise<string> => {
    const judged = await score({
      bytes: writePly(createTestSplat({ count })),
      activated: false,
      prompt: "a ball",
      cameraSeed: 7n,
      signal: new AbortController().signal,
    });
    const images = await judged.pictures([0, 0.5]);
    return Buffer.concat(images.map(({ pixels }) => pixels)).toString("base64");
  };
  const counts = [300, 500, 700, 900];
  const alone: string[] = [];
  for (const count of counts) {
    alone.push(await previewOf(count));
  }
  assert.equal(new Set(alone).size, counts.length);
  assert.deepEqual(await Promise.all(counts.map(previewOf)), alone);
});
