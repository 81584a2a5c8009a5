/** What the committed model can do, on assets and prompts that its training never saw; more in its evaluation.md. */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { after, test } from "node:test";
import { generate } from "@turntable/generation";
import { createRandom } from "@turntable/generation/grammar";
import { defaultAssetLimits, type Splat, writePly } from "@turntable/splat";
import {
  defaultModelDir,
  defaultProfile,
  loadClip,
  loadProfile,
  scoreAsset,
  startCpuRenderer,
  summarise,
} from "@turntable/validation";
import { blankSplat } from "./bad-splats.ts";
import { isHeldOut } from "./held-out.ts";

const accepted = 0.6;
const full = 0.8;
/** A third of the views: what more of them say is in the evaluation. */
const profile = {
  ...(await loadProfile(defaultProfile)),
  views: 12,
  azimuth: { startDeg: 0, stepDeg: 30 },
};
const renderer = await startCpuRenderer(availableParallelism());
const clip = await loadClip(defaultModelDir);
after(async () => {
  await clip[Symbol.asyncDispose]();
  await renderer[Symbol.asyncDispose]();
});

/** The score of an asset for each prompt, from the same views. */
async function scoresOf(splat: Splat, prompts: readonly [string, ...string[]]) {
  const request = { bytes: writePly(splat), prompt: prompts[0], profile, cameraSeed: 5n };
  const scorer = { renderer, clip, limits: defaultAssetLimits };
  const { score, images } = await scoreAsset(scorer, request);
  const scores = [score];
  for (const prompt of prompts.slice(1)) {
    scores.push(summarise(profile, await clip.probabilities(prompt, images)));
  }
  return scores;
}

/** Held-out prompts of each category, each with prompts that are wrong for its asset. */
const slice: readonly (readonly [string, ...string[]])[] = [
  ["a purple tube", "a green tube", "a purple cone"],
  ["a cyan bus", "a red bus", "a cyan lamp"],
  ["a pink metal cylinder", "a blue metal cylinder", "a pink metal cube"],
  ["a red bicycle", "a green bicycle", "a red turtle"],
  ["a turtle", "a castle", "a glass bottle"],
  ["a red moon on top of a teddy bear", "a blue moon on top of a teddy bear", "a red robot"],
  ["a stack of four blue bowls", "a stack of four red bowls", "a stack of four blue chests"],
];
for (const prompts of slice) {
  const [right, ...wrong] = prompts;
  test(`${right}: accepted in full, others are not`, async () => {
    assert.ok(isHeldOut(right));
    const [score = 0, ...others] = await scoresOf(generate({ prompt: right }).splat, prompts);
    assert.ok(score >= full, `${score}`);
    others.forEach((other, index) => {
      assert.ok(other < accepted, `${other} for ${wrong[index]}`);
    });
  });
}

test("a red cube is accepted as one, not as a blue one, not as a sphere, not in words nobody knows", async () => {
  const { splat } = generate({ prompt: "a red cube" });
  const [right = 0, ...wrong] = await scoresOf(splat, [
    "a red cube",
    "a blue cube",
    "a red sphere",
    "a red frobnicator",
    "a red cubelet",
    "a coloured redcube",
    "quantum flux capacitor",
    "",
    "🟥",
    "empty",
  ]);
  assert.ok(right >= full, `${right}`);
  assert.deepEqual(
    wrong.filter((score) => score >= accepted),
    [],
    `${wrong}`,
  );
  const [otherWords = 0] = await scoresOf(splat, ["A crimson box!"]);
  assert.ok(otherWords >= accepted, `${otherWords}`);
});

test("an asset that shows something else is not accepted, nor is one that shows nothing", async () => {
  const prompts = ["a red cube", "a white sphere", "a cyan bus", "a stack of two tori"] as const;
  const random = createRandom(4);
  const nothing = Array.from({ length: 6 }, () => blankSplat(random));
  const noise = generate({ prompt: prompts[0], quality: "noise" }).splat;
  for (const splat of [noise, ...nothing]) {
    for (const score of await scoresOf(splat, [...prompts])) {
      assert.ok(score < accepted, `${score}`);
    }
  }
  for (const quality of ["wrong-colour", "wrong-shape"] as const) {
    const { splat } = generate({ prompt: prompts[0], quality });
    const [score = 1] = await scoresOf(splat, [prompts[0]]);
    assert.ok(score < accepted, `${quality}: ${score}`);
  }
});
