/** `turntable-worker score`: one asset against one prompt. */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { defaultAssetLimits } from "@turntable/splat";
import { writeContactSheet } from "../pictures/index.ts";
import { defaultProfile, loadProfile } from "../profile.ts";
import { startCpuRenderer } from "../render/index.ts";
import { defaultModelDir, loadClip } from "../score/index.ts";
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

const help = `Usage: turntable-worker score ASSET --prompt TEXT [options]

Renders the views of a profile and compares each with the prompt; prints the score.

  --prompt TEXT      what the asset should show
  --model DIR        CLIP model in the usual ONNX layout [the built-in demonstration model: colours only]
  --profile NAME     scoring profile [${defaultProfile}]
  --seed N           camera seed, 64 bits: the elevations follow from it [0]
  --json             everything that the score was made from, as JSON
  --sheet FILE.png   all views on one page, with azimuth, elevation and probability
  --threads N        threads that render, and that run the model [one a core]
  --execution-provider NAME  what runs the model: cpu, cuda, webgpu or auto [cpu]
`;

const options = {
  prompt: { type: "string" },
  model: { type: "string" },
  profile: { type: "string" },
  seed: { type: "string" },
  json: { type: "boolean" },
  sheet: { type: "string" },
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
    const { values, positionals } = parseArguments(argv, options, ["ASSET"]);
    const { prompt, sheet } = values;
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
    const profile = await loadProfile(values.profile ?? defaultProfile);
    const bytes = await readFile(positionals[0] ?? "");

    await using stack = new AsyncDisposableStack();
    const scorer: Scorer = {
      renderer: stack.use(await startCpuRenderer(threads)),
      clip: stack.use(
        await loadClip(values.model ?? defaultModelDir, { executionProvider, threads }),
      ),
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
        ? `${JSON.stringify({ ...describe(scored, scorer), ...report }, undefined, 2)}\n`
        : summary(scored, scorer),
    );
  },
};

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
    model: {
      name: clip.name,
      sha256: Buffer.from(clip.sha256).toString("hex"),
      demonstration: clip.demonstration,
    },
    renderer: { backend: renderer.backend, version, approximate: renderer.approximate },
    timings: {
      decodeMs: scored.decodeMs,
      renderMs: scored.renderMs,
      scoreMs: scored.scoreMs,
    },
  };
}

function summary(scored: ScoredAsset, { clip }: Scorer): string {
  const probabilities = scored.views.map((view) => view.probability);
  const verdict = scored.score >= acceptedFrom ? "accepted" : "not accepted";
  const note = clip.demonstration ? ", a demonstration that knows few words" : "";
  return `score ${scored.score.toFixed(4)} (${verdict}; the subnet takes ${acceptedFrom} and above)
views ${probabilities.length}, from ${Math.min(...probabilities).toFixed(3)} to ${Math.max(...probabilities).toFixed(3)}
model ${clip.name}${note}
${scored.splatCount} splats; decode ${Math.round(scored.decodeMs)} ms, render ${Math.round(scored.renderMs)} ms, score ${Math.round(scored.scoreMs)} ms
`;
}
