/** `turntable-worker score`: one asset against one prompt. */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { defaultAssetLimits } from "@turntable/splat";
import { writeContactSheet } from "../pictures/index.ts";
import { defaultProfile, loadProfile } from "../profile.ts";
import { renderBackends, startRenderer } from "../render/index.ts";
import { type Clip, defaultModelDir, loadClip } from "../score/index.ts";
import { type ScoredAsset, type Scorer, scoreAsset } from "../score-asset.ts";
import { version } from "../version.ts";
import {
  type Command,
  parseArguments,
  parseChoice,
  parseNumber,
  parseSeed,
  UsageError,
} from "./arguments.ts";
import { scorePictures } from "./score-pictures.ts";

const help = `Usage: turntable-worker score ASSET --prompt TEXT [options]
       turntable-worker score --pictures DIR --prompt TEXT [options]

Renders the views of a profile, or takes the PNG pictures of DIR in the order of their names (numbers in them count as
numbers), and compares each with the prompt; prints the score.

  --prompt TEXT      what the asset should show
  --model DIR        CLIP model in the usual ONNX layout [the built-in demonstration model: colours only]
  --profile NAME     scoring profile [${defaultProfile}]
  --seed N           camera seed, 64 bits: the elevations follow from it [0]
  --json             everything that the score was made from, as JSON
  --sheet FILE.png   all views on one page, with azimuth, elevation and probability
  --backend NAME     what renders: cpu, gl or auto, which is cpu [auto]
  --threads N        threads that render, and that run the model [one a core]
  --execution-provider NAME  what runs the model: cpu, cuda, webgpu or auto [cpu]
`;

const options = {
  pictures: { type: "string" },
  prompt: { type: "string" },
  model: { type: "string" },
  profile: { type: "string" },
  seed: { type: "string" },
  json: { type: "boolean" },
  sheet: { type: "string" },
  backend: { type: "string" },
  threads: { type: "string" },
  "execution-provider": { type: "string" },
} as const;

const executionProviders = ["cpu", "cuda", "webgpu", "auto"] as const;

/** Where the subnet begins to accept. */
const acceptedFrom = 0.6;

export const scoreCommand: Command = {
  summary: "how well an asset fits a prompt",
  help,
  async run(argv) {
    const { values, positionals } = parseScoreArguments(argv);
    const { prompt, sheet, pictures } = values;
    if (prompt === undefined) throw new UsageError("--prompt TEXT is missing");
    const cameraSeed = parseSeed(values.seed);
    const threads =
      parseNumber("threads", values.threads, { min: 1, max: 256, integer: true }) ??
      availableParallelism();
    const executionProvider = parseChoice(
      "execution-provider",
      values["execution-provider"],
      executionProviders,
    );
    const backend = parseChoice("backend", values.backend, renderBackends);
    const profile = await loadProfile(values.profile ?? defaultProfile);
    const modelDir = values.model ?? defaultModelDir;
    if (pictures !== undefined) {
      await using clip = await loadClip(modelDir, { executionProvider, threads });
      const scored = await scorePictures(clip, pictures, prompt, profile);
      const json = { ...scored, model: describeModel(clip), prompt, profile: profile.name };
      const lines = scored.views.map(
        ({ picture, probability }) => `${probability.toFixed(4)}  ${picture}\n`,
      );
      process.stdout.write(
        values.json === true
          ? toJson(json)
          : `${lines.join("")}score ${scored.score.toFixed(4)}\nmodel ${clip.name}${noteOn(clip)}\n`,
      );
      return;
    }
    const bytes = await readFile(positionals[0] ?? "");

    await using stack = new AsyncDisposableStack();
    const scorer: Scorer = {
      renderer: stack.use(await startRenderer(backend, threads)),
      clip: stack.use(await loadClip(modelDir, { executionProvider, threads })),
      limits: defaultAssetLimits,
    };
    const isWatched = process.stderr.isTTY;
    const scored = await scoreAsset(scorer, {
      bytes,
      prompt,
      profile,
      cameraSeed,
      onPhase: (phase) => isWatched && process.stderr.write(`${phase} … `),
    });
    if (isWatched) process.stderr.write("done\n");
    if (sheet !== undefined) await writeContactSheet(sheet, onSheet(scored));
    const report = { prompt, profile: profile.name, cameraSeed: cameraSeed.toString() };
    process.stdout.write(
      values.json === true
        ? toJson({ ...describe(scored, scorer), ...report })
        : summary(scored, scorer),
    );
  },
};

/** An asset or a folder of pictures, and for the latter no option that is about rendering. */
function parseScoreArguments(argv: readonly string[]) {
  const arePictures = argv.some((word) => word === "--pictures" || word.startsWith("--pictures="));
  const parsed = parseArguments(argv, options, arePictures ? [] : ["ASSET"]);
  const { seed, sheet } = parsed.values;
  if (arePictures && (seed !== undefined || sheet !== undefined)) {
    throw new UsageError("--seed and --sheet make no sense with --pictures");
  }
  return parsed;
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function onSheet({ views, images }: ScoredAsset) {
  return views.flatMap((view, index) => {
    const image = images[index];
    return image === undefined ? [] : [{ view, image, probability: view.probability }];
  });
}

function describe(scored: ScoredAsset, { clip, renderer }: Scorer) {
  return {
    score: scored.score,
    views: scored.views.map(({ azimuthDeg, elevationDeg, probability }) => ({
      azimuth: azimuthDeg,
      elevation: elevationDeg,
      probability,
    })),
    splatCount: scored.splatCount,
    assetSha256: Buffer.from(scored.assetSha256).toString("hex"),
    model: describeModel(clip),
    renderer: { backend: renderer.backend, version, approximate: renderer.approximate },
    timings: {
      decodeMs: scored.decodeMs,
      renderMs: scored.renderMs,
      scoreMs: scored.scoreMs,
    },
  };
}

function describeModel({ name, sha256, demonstration }: Clip) {
  return { name, sha256: Buffer.from(sha256).toString("hex"), demonstration };
}

function noteOn({ demonstration }: Clip): string {
  return demonstration ? ", a demonstration that knows few words" : "";
}

function summary(scored: ScoredAsset, { clip }: Scorer): string {
  const probabilities = scored.views.map((view) => view.probability);
  const verdict = scored.score >= acceptedFrom ? "accepted" : "not accepted";
  return `score ${scored.score.toFixed(4)} (${verdict}; the subnet takes ${acceptedFrom} and above)
views ${probabilities.length}, from ${Math.min(...probabilities).toFixed(3)} to ${Math.max(...probabilities).toFixed(3)}
model ${clip.name}${noteOn(clip)}
${scored.splatCount} splats; decode ${Math.round(scored.decodeMs)} ms, render ${Math.round(scored.renderMs)} ms, score ${Math.round(scored.scoreMs)} ms
`;
}
