/** `turntable-worker render`: an asset's views as PNG files. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeContactSheet, writePng } from "../pictures/index.ts";
import {
  createScene,
  defaultFovyDeg,
  orbitCamera,
  type Projection,
  type SceneOptions,
  startRenderer,
  type View,
} from "../render/index.ts";
import { defaultProfile, loadProfile, viewsOf } from "../scoring/index.ts";
import { type Command, parseArguments, parseNumber, parseSeed, UsageError } from "./arguments.ts";
import { assetHelp, assetOptions, readSplatFile } from "./asset-file.ts";
import { progress } from "./progress.ts";
import { parseRendererOptions, rendererHelp, rendererOptions } from "./renderer-options.ts";

const help = `Usage: turntable-worker render ASSET --out DIR [options]

Renders the views of a profile to DIR/0.png, DIR/1.png, …; with any of the single-view options one view to DIR/0.png.

  --out DIR          where the pictures go; made when it is not there
  --profile NAME     scoring profile [${defaultProfile}]
  --seed N           camera seed, 64 bits: the elevations follow from it [0]
  --sheet FILE.png   also all views on one page, with azimuth (az) and elevation (el) in degrees
${rendererHelp}\
  --threads N        render threads of cpu [one a core]

One view:
  --size N           pixels along an edge [512]
  --elevation E      degrees, -90 to 90; negative looks from above [0]
  --azimuth A        degrees [0]
  --radius R         distance of the camera from the origin [2.5]
  --rescale BOX      scale the asset to a box of this size first

The asset:
${assetHelp}`;

const options = {
  out: { type: "string" },
  profile: { type: "string" },
  seed: { type: "string" },
  sheet: { type: "string" },
  ...rendererOptions,
  size: { type: "string" },
  elevation: { type: "string" },
  azimuth: { type: "string" },
  radius: { type: "string" },
  rescale: { type: "string" },
  ...assetOptions,
} as const;

type Values = ReturnType<typeof parseArguments<typeof options>>["values"];

/** What to render, and on what ground. */
interface Plan {
  readonly views: readonly View[];
  readonly projection: Projection;
  readonly background: readonly [number, number, number];
  readonly scene: SceneOptions;
}

export const renderCommand: Command = {
  summary: "an asset's views as PNG files",
  help,
  async run(argv, env) {
    const { values, positionals } = parseArguments(argv, options, ["ASSET"]);
    const { out, sheet } = values;
    if (out === undefined) {
      throw new UsageError("--out DIR is missing");
    }
    const rendering = parseRendererOptions(values, env);
    const plan = singleView(values) ?? (await profileViews(values));
    const splat = await readSplatFile(positionals[0] ?? "", values, env);
    await mkdir(out, { recursive: true });

    // A thread draws whole views, and large ones take much memory in each.
    const threads = Math.min(rendering.threads, plan.views.length);
    await using renderer = await startRenderer({ ...rendering, threads });
    using bar = progress("rendered", plan.views.length);
    const images = await renderer.render(
      createScene(splat, plan.scene),
      plan.views.map((view) => orbitCamera(view, plan.projection)),
      plan.background,
      { onView: () => bar.step() },
    );
    await Promise.all(images.map((image, index) => writePng(join(out, `${index}.png`), image)));
    if (sheet !== undefined) {
      const onSheet = plan.views.flatMap((view, index) => {
        const image = images[index];
        return image === undefined ? [] : [{ view, image }];
      });
      await writeContactSheet(sheet, onSheet);
    }
  },
};

/** Undefined when none of the single-view options is there. */
function singleView(values: Values): Plan | undefined {
  const { min, max } = { min: -1e6, max: 1e6 };
  const size = parseNumber("size", values.size, { min: 1, max: 8192, integer: true });
  const elevationDeg = parseNumber("elevation", values.elevation, { min: -90, max: 90 });
  const azimuthDeg = parseNumber("azimuth", values.azimuth, { min, max });
  const radius = parseNumber("radius", values.radius, { min: 0.01, max });
  const rescaleBox = parseNumber("rescale", values.rescale, { min: 1e-6, max });
  const given = [size, elevationDeg, azimuthDeg, radius, rescaleBox];
  if (given.every((value) => value === undefined)) {
    return undefined;
  }
  if (values.profile !== undefined || values.seed !== undefined) {
    throw new UsageError("--profile and --seed make no sense with the options of a single view");
  }
  return {
    views: [
      { azimuthDeg: azimuthDeg ?? 0, elevationDeg: elevationDeg ?? 0, radius: radius ?? 2.5 },
    ],
    projection: { size: size ?? 512, fovyDeg: defaultFovyDeg },
    background: [1, 1, 1],
    scene: { rescaleBox },
  };
}

async function profileViews(values: Values): Promise<Plan> {
  const seed = parseSeed(values.seed);
  const profile = await loadProfile(values.profile ?? defaultProfile);
  return {
    views: viewsOf(profile, seed),
    projection: profile,
    background: profile.background,
    scene: profile,
  };
}
