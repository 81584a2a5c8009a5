/** `turntable-worker models`: models that can be fetched, fetching one, and trying one out. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Splat } from "@turntable/splat";
import type { Environment } from "../gpu/index.ts";
import { pullModel, readKnownModels } from "../models/index.ts";
import { createScene, createTestSplat, orbitCamera, startCpuRenderer } from "../render/index.ts";
import {
  type Compared,
  demonstrationNote,
  describeFiles,
  driftOf,
  loadClip,
} from "../score/index.ts";
import { defaultProfile, loadProfile, summarise, viewsOf } from "../scoring/index.ts";
import { type Command, parseArguments, UsageError } from "./arguments.ts";
import { limitOptions, limitsHelp, readSplatFile } from "./asset-file.ts";

const help = `Usage: turntable-worker models list
       turntable-worker models pull NAME [--out DIR] [--hub URL]
       turntable-worker models check DIR [--against DIR2] [--asset FILE …]

list shows the models that are known by name. pull fetches one; broken off, the same command goes on. check loads a
model and says what it is; with --against it scores assets with both and tells how far the scores drift apart.

  --out DIR          where the files go [models/NAME]
  --hub URL          where they come from [https://huggingface.co]
  --against DIR      the model to compare with, such as the fp32 of an int8 export
  --asset FILE       an asset to compare on; may be repeated [three scenes made by code]
${limitsHelp}`;

const pullOptions = {
  out: { type: "string" },
  hub: { type: "string" },
} as const;

const checkOptions = {
  against: { type: "string" },
  asset: { type: "string", multiple: true },
  ...limitOptions,
} as const;

const defaultHub = "https://huggingface.co";
/** Some that fit and some that do not. */
const driftPrompts = ["a colourful ball", "a red ball", "a wooden chair", "a blue ceramic teapot"];

export const modelsCommand: Command = {
  summary: "list, pull or check CLIP models",
  help,
  async run([verb, ...argv], env) {
    if (verb === "list") {
      return await list(argv);
    }
    if (verb === "pull") {
      return await pull(argv);
    }
    if (verb === "check") {
      return await check(argv, env);
    }
    throw new UsageError("one of list, pull and check is needed");
  },
};

async function list(argv: readonly string[]): Promise<void> {
  parseArguments(argv, {}, []);
  for (const { name, description } of await readKnownModels()) {
    process.stdout.write(`${name.padEnd(28)}${description}\n`);
  }
}

async function pull(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArguments(argv, pullOptions, ["NAME"]);
  const known = await readKnownModels();
  const model = known.find(({ name }) => name === positionals[0]);
  if (model === undefined) {
    const names = known.map(({ name }) => name).join(", ");
    throw new UsageError(`no model "${positionals[0]}"; there are ${names}`);
  }
  const directory = values.out ?? join("models", model.name);
  const isWatched = process.stderr.isTTY;
  await pullModel(model, {
    hub: values.hub ?? defaultHub,
    directory,
    onProgress(file, done, total) {
      if (!isWatched) {
        return;
      }
      const share = total === undefined ? "" : ` of ${(total / 1e6).toFixed(1)}`;
      process.stderr.write(`\r${file} ${(done / 1e6).toFixed(1)}${share} MB `);
    },
  });
  if (isWatched) {
    process.stderr.write("\n");
  }
  process.stdout.write(`${directory}\n`);
}

async function check(argv: readonly string[], env: Environment): Promise<void> {
  const { values, positionals } = parseArguments(argv, checkOptions, ["DIR"]);
  const senseless = Object.keys(values).filter((name) => name !== "against");
  if (values.against === undefined && senseless.length > 0) {
    throw new UsageError(`--${senseless.join(", --")} makes no sense without --against`);
  }
  const threads = availableParallelism();
  await using clip = await loadClip(positionals[0] ?? "", { threads });
  const sha256 = Buffer.from(clip.sha256).toString("hex");
  const note = clip.demonstration ? `; ${demonstrationNote}` : "";
  process.stdout.write(
    `${clip.name}: runs on ${clip.executionProvider}, SHA-256 ${sha256}${note}\n` +
      `files: ${describeFiles(clip)}\n` +
      (clip.note === undefined ? "" : `note: ${clip.note}\n`),
  );
  if (values.against === undefined) {
    return;
  }
  await using other = await loadClip(values.against, { threads });
  await using renderer = await startCpuRenderer(threads);
  const profile = await loadProfile(defaultProfile);
  const cameras = viewsOf(profile, 0n).map((view) => orbitCamera(view, profile));
  const score = (probabilities: readonly number[]): number => summarise(profile, probabilities);
  const cases: Compared[] = [];
  for (const { name, splat } of await driftAssets(values, env)) {
    const scene = createScene(splat, profile);
    const images = await renderer.render(scene, cameras, profile.background);
    for (const prompt of driftPrompts) {
      const ours = await clip.probabilities(prompt, images);
      const theirs = await other.probabilities(prompt, images);
      cases.push({ ours, theirs });
      process.stdout.write(
        `${score(ours).toFixed(4)} against ${score(theirs).toFixed(4)}  ${name}, ${prompt}\n`,
      );
    }
  }
  const drift = driftOf(cases, score);
  process.stdout.write(
    `largest drift of a score ${drift.score.toFixed(4)}, of a view ${drift.view.toFixed(4)}\n`,
  );
}

interface NamedSplat {
  readonly name: string;
  readonly splat: Splat;
}

async function driftAssets(
  values: Parameters<typeof readSplatFile>[1] & { readonly asset?: string[] | undefined },
  env: Environment,
): Promise<readonly NamedSplat[]> {
  const { asset: files } = values;
  if (files === undefined) {
    return [1, 2, 3].map((seed) => ({
      name: `made scene ${seed}`,
      splat: createTestSplat({ count: 20_000, seed }),
    }));
  }
  return await Promise.all(
    files.map(async (name) => ({
      name,
      splat: await readSplatFile(name, values, env),
    })),
  );
}
