/**
 * How well a model tells right prompts from wrong ones, on assets and prompts that training never saw, by the path that
 * scores take: our engine's asset, our renderer's 36 views of `sn17-seed`, ONNX Runtime.
 *
 * `node workers/training/src/evaluate.ts [--model DIR] [--assets 300] [--empty 200] [--out FILE]` prints the report as Markdown.
 * Exits with 1 when a bar is missed.
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { generate, type Quality } from "@turntable/generation";
import {
  categories,
  createRandom,
  type Random,
  type Scene,
  samplePrompt,
  seedOf,
  thingsOf,
} from "@turntable/generation/grammar";
import type { Splat } from "@turntable/splat";
import {
  createScene,
  defaultProfile,
  loadProfile,
  orbitCamera,
  startCpuRenderer,
  summarise,
  viewsOf,
} from "@turntable/validation";
import { blankSplat } from "./bad-splats.ts";
import { describeEvaluation, type Scored } from "./evaluation-report.ts";
import { wrongColour, wrongShape } from "./hard-negatives.ts";
import { isHeldOut } from "./held-out.ts";
import { startJudge } from "./judge.ts";
import { smallDir } from "./settings.ts";

/** None of the seeds that training used. */
const seed = "evaluation";
const emptyPrompts = 50;
/** Every so many assets are also made badly. */
const badEvery = 10;

const { values: flags } = parseArgs({
  options: {
    model: { type: "string", default: smallDir },
    assets: { type: "string", default: "300" },
    empty: { type: "string", default: "200" },
    out: { type: "string" },
  },
});
const profile = await loadProfile(defaultProfile);
await using renderer = await startCpuRenderer(availableParallelism());
await using judge = await startJudge(flags.model);
const scores: Scored[] = [];

for (let number = 0; number < Number(flags.assets); number++) {
  const random = createRandom(seedOf(`${seed} ${number}`));
  const category = categories[number % categories.length] ?? "colour";
  const { prompt, scene } = draw(() => samplePrompt(random, category));
  const scored = await look(show(prompt, "good", random), random);
  const texts = {
    right: prompt,
    "wrong colour": drawText(() => wrongColour(scene, random)),
    "wrong shape": drawText(() => wrongShape(scene, random)),
    unrelated: unrelatedTo(scene, random),
  };
  for (const [asked, text] of Object.entries(texts)) {
    if (text === undefined) {
      continue;
    }
    scores.push({ asked, category, text, shown: prompt, score: await scored(text) });
  }
  for (const quality of number % badEvery === 0 ? (["sparse", "blurry"] as const) : []) {
    const score = await (await look(show(prompt, quality, random), random))(prompt);
    scores.push({ asked: quality, category, text: prompt, shown: prompt, score });
  }
  if (number % 20 === 19) {
    console.error(`${number + 1} assets`);
  }
}
const report = describeEvaluation({
  model: basename(flags.model),
  assets: Number(flags.assets),
  profile: profile.name,
  scores,
  nothing: { assets: Number(flags.empty), prompts: emptyPrompts, scores: await lookAtNothing() },
});
process.stdout.write(report.text);
if (flags.out !== undefined) {
  await writeFile(flags.out, report.text);
}
if (!report.passed) {
  process.exitCode = 1;
}

function show(prompt: string, quality: Quality, random: Random): Splat {
  return generate({ prompt, quality, seed: Math.floor(random() * 2 ** 32) }).splat;
}

/** Renders once; the answer scores the views with any prompt. */
async function look(splat: Splat, random: Random): Promise<(prompt: string) => Promise<number>> {
  const cameraSeed = BigInt(Math.floor(random() * 2 ** 32));
  const cameras = viewsOf(profile, cameraSeed).map((view) => orbitCamera(view, profile));
  const images = await renderer.render(createScene(splat), cameras, profile.background);
  const compare = await judge.look(images);
  return async (prompt) => summarise(profile, await compare(prompt));
}

async function lookAtNothing(): Promise<readonly number[]> {
  const all: number[] = [];
  const random = createRandom(seedOf(`${seed} nothing`));
  const prompts = Array.from(
    { length: emptyPrompts },
    () => draw(() => samplePrompt(random)).prompt,
  );
  for (let number = 0; number < Number(flags.empty); number++) {
    const splat =
      number % 2 === 0
        ? blankSplat(random)
        : show(prompts[number % emptyPrompts] ?? "", "noise", random);
    const scored = await look(splat, random);
    for (const prompt of prompts) {
      all.push(await scored(prompt));
    }
  }
  return all;
}

/** Draws until the prompt is one that training never saw. */
function draw<T extends { readonly prompt: string }>(next: () => T): T {
  for (;;) {
    const drawn = next();
    if (isHeldOut(drawn.prompt)) {
      return drawn;
    }
  }
}

/** As many tries as find a held-out text where there are more than a few. */
function drawText(next: () => string | undefined): string | undefined {
  for (let tries = 0; tries < 500; tries++) {
    const text = next();
    if (text === undefined) {
      return undefined;
    }
    if (isHeldOut(text)) {
      return text;
    }
  }
  return undefined;
}

/** A prompt that names none of the scene's things. */
function unrelatedTo(scene: Scene, random: Random): string {
  const nouns = new Set(thingsOf(scene).map(({ noun }) => noun));
  for (;;) {
    const { prompt, scene: other } = draw(() => samplePrompt(random));
    if (thingsOf(other).every(({ noun }) => !nouns.has(noun))) {
      return prompt;
    }
  }
}
