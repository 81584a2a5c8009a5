/** `turntable-worker score`: one asset against one prompt. */
import { readFile } from "node:fs/promises";
import { toJson as toProtobufJson } from "@bufbuild/protobuf";
import { type ScoreReport, ScoreReportSchema, subnetAcceptance } from "@turntable/proto";
import { inferenceSchema } from "../config.ts";
import { writeContactSheet } from "../pictures/index.ts";
import { startRenderer } from "../render/index.ts";
import {
  type Clip,
  defaultModelDir,
  demonstrationNote,
  loadClip,
  ownSettings,
} from "../score/index.ts";
import {
  createReport,
  defaultProfile,
  loadProfile,
  type ScoredAsset,
  type Scorer,
  scoreAsset,
} from "../scoring/index.ts";
import { type Command, parseArguments, parseSeed, UsageError } from "./arguments.ts";
import { limitOptions, limitsHelp, parseLimits } from "./asset-file.ts";
import { parseAsConfig } from "./config-options.ts";
import { parseRendererOptions, rendererHelp, rendererOptions } from "./renderer-options.ts";
import { scorePictures } from "./score-pictures.ts";
import { type Comparison, readReport, scoreAgain } from "./score-report.ts";

const help = `Usage: turntable-worker score ASSET --prompt TEXT [options]
       turntable-worker score --pictures DIR --prompt TEXT [options]
       turntable-worker score --report FILE --asset ASSET [options]

Renders the views of a profile, or takes the PNG pictures of DIR in the order of their names (numbers in them count as
numbers), and compares each with the prompt; prints the score.

  --prompt TEXT      what the asset should show
  --model DIR        CLIP model in the usual ONNX layout [the built-in demonstration model]
  --profile NAME     scoring profile [${defaultProfile}]
  --seed N           camera seed, 64 bits: the elevations follow from it [0]
  --json             the score report as JSON, unsigned
  --report FILE      a score report as JSON: do again what it says was done with ASSET, and tell the difference
  --sheet FILE.png   all views on one page, with azimuth (az), elevation (el) and probability
${rendererHelp}\
  --threads N        threads that render, and that run the model [one a core]
  --execution-provider NAME  what runs the model: cpu, cuda, webgpu or auto [cpu]
${limitsHelp}`;

const options = {
  report: { type: "string" },
  asset: { type: "string" },
  pictures: { type: "string" },
  prompt: { type: "string" },
  model: { type: "string" },
  profile: { type: "string" },
  seed: { type: "string" },
  json: { type: "boolean" },
  sheet: { type: "string" },
  ...rendererOptions,
  "execution-provider": { type: "string" },
  ...limitOptions,
} as const;

export const scoreCommand: Command = {
  summary: "how well an asset fits a prompt",
  help,
  async run(argv, env) {
    const { values, positionals } = parseScoreArguments(argv);
    const { sheet, pictures } = values;
    if (values.prompt === undefined && values.report === undefined) {
      throw new UsageError("--prompt TEXT is missing");
    }
    const prompt = values.prompt ?? ""; // a report has its own
    const cameraSeed = parseSeed(values.seed);
    const { executionProvider, model } = parseAsConfig(inferenceSchema, values, env);
    const rendering = parseRendererOptions(values, env, executionProvider, pictures === undefined);
    const limits = parseLimits(values, env);
    const profile = await loadProfile(values.profile ?? defaultProfile);
    const modelDir = model ?? defaultModelDir;
    if (pictures !== undefined) {
      await using clip = await loadClip(modelDir, { ...rendering, executionProvider });
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
    const reported = values.report === undefined ? undefined : await readReport(values.report);
    const bytes = await readFile(values.asset ?? positionals[0] ?? "");

    await using stack = new AsyncDisposableStack();
    const scorer: Scorer = {
      renderer: stack.use(await startRenderer(rendering)),
      clip: stack.use(await loadClip(modelDir, { ...rendering, executionProvider })),
      limits,
    };
    if (reported !== undefined) {
      const comparison = await scoreAgain(reported, bytes, scorer);
      process.stdout.write(
        values.json === true
          ? toJson(comparison)
          : `${describeComparison(comparison)}model ${scorer.clip.name}${noteOn(scorer.clip)}\n`,
      );
      return;
    }
    const isWatched = process.stderr.isTTY;
    const request = { prompt, profile, cameraSeed };
    const scored = await scoreAsset(scorer, {
      ...request,
      bytes,
      onPhase: (phase) => isWatched && process.stderr.write(`${phase} … `),
    });
    if (isWatched) {
      process.stderr.write("done\n");
    }
    if (sheet !== undefined) {
      await writeContactSheet(sheet, onSheet(scored));
    }
    process.stdout.write(
      values.json === true
        ? toJson(reportJson(createReport(scored, request, scorer)))
        : summary(scored, scorer),
    );
  },
};

/** An asset, a folder of pictures or a report; and no option that makes no sense with it. */
function parseScoreArguments(argv: readonly string[]) {
  const has = (name: string): boolean =>
    argv.some((word) => word === `--${name}` || word.startsWith(`--${name}=`));
  const kind = (["pictures", "report"] as const).find(has);
  const parsed = parseArguments(argv, options, kind === undefined ? ["ASSET"] : []);
  const { values } = parsed;
  const given = new Set(Object.keys(values));
  const senseless = {
    pictures: ["report", "asset", "seed", "sheet", "backend", ...Object.keys(limitOptions)],
    report: ["pictures", "prompt", "profile", "seed", "sheet"],
    asset: ["asset"],
  }[kind ?? "asset"].filter((name) => given.has(name));
  if (senseless.length > 0) {
    const others = senseless.map((name) => `--${name}`).join(", ");
    throw new UsageError(
      `${others} makes no sense with ${kind === undefined ? "ASSET" : `--${kind}`}`,
    );
  }
  if (kind === "report" && values.asset === undefined) {
    throw new UsageError("--asset ASSET is missing");
  }
  return parsed;
}

/** Values of zero are written as well: a score of 0 is a score. */
function reportJson(report: ScoreReport): unknown {
  return toProtobufJson(ScoreReportSchema, report, { alwaysEmitImplicit: true });
}

function describeComparison(comparison: Comparison): string {
  const { score, reportedScore, scoreDifference, largestViewDifference, changed } = comparison;
  return `score ${score.toFixed(6)}, reported ${reportedScore.toFixed(6)}: a difference of ${scoreDifference.toExponential(1)}
views differ by at most ${largestViewDifference.toExponential(1)}
${changed.map((line) => `changed: ${line}\n`).join("")}`;
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

function describeModel({ name, sha256, demonstration, files, pictureSettings }: Clip) {
  return {
    ...{ name, sha256: Buffer.from(sha256).toString("hex"), demonstration, files },
    pictureSettings: pictureSettings ?? ownSettings,
  };
}

function noteOn({ demonstration }: Clip): string {
  return demonstration ? `, ${demonstrationNote}` : "";
}

function summary(scored: ScoredAsset, { clip }: Scorer): string {
  const probabilities = scored.views.map((view) => view.probability);
  const weak = probabilities.filter((probability) => probability < subnetAcceptance).length;
  const verdict = scored.score >= subnetAcceptance ? "accepted" : "not accepted";
  return `score ${scored.score.toFixed(4)} (${verdict}; the subnet takes ${subnetAcceptance} and above)
views ${probabilities.length}, from ${Math.min(...probabilities).toFixed(3)} to ${Math.max(...probabilities).toFixed(3)}; ${weak} below ${subnetAcceptance}
lint ${scored.findings.length === 0 ? "found nothing" : scored.findings.map(({ code }) => code).join(", ")}
model ${clip.name}${noteOn(clip)}
${scored.splatCount} splats; decode ${Math.round(scored.decodeMs)} ms, render ${Math.round(scored.renderMs)} ms, score ${Math.round(scored.scoreMs)} ms
`;
}
