/** `turntable-worker preview`: pictures of an asset for people. */
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import {
  encodeGrid,
  encodePng,
  encodeTurntable,
  frontView,
  gridViews,
  turntableViews,
} from "../pictures/index.ts";
import {
  createScene,
  defaultFovyDeg,
  orbitCamera,
  type RgbImage,
  startCpuRenderer,
  type View,
} from "../render/index.ts";
import { type Command, parseArguments, parseNumber, UsageError } from "./arguments.ts";
import { assetHelp, assetOptions, readSplatFile } from "./asset-file.ts";
import { progress } from "./progress.ts";

const help = `Usage: turntable-worker preview ASSET [options]

  --front FILE.png       one view from the front
  --grid FILE.png        front, right, back and left, two by two
  --turntable FILE.webp  once around, as a film
  --size N               pixels along an edge of a view [512]
${assetHelp}`;

const options = {
  front: { type: "string" },
  grid: { type: "string" },
  turntable: { type: "string" },
  size: { type: "string" },
  ...assetOptions,
} as const;

interface Picture {
  readonly file: string;
  readonly views: readonly View[];
  readonly encode: (images: readonly RgbImage[]) => Promise<Uint8Array>;
}

export const previewCommand: Command = {
  summary: "pictures of an asset for people: one, four, or a film",
  help,
  async run(argv, env) {
    const { values, positionals } = parseArguments(argv, options, ["ASSET"]);
    const size = parseNumber("size", values.size, { min: 16, max: 2048, integer: true }) ?? 512;
    const pictures = asked(values);
    if (pictures.length === 0) {
      throw new UsageError("--front, --grid or --turntable is missing");
    }
    const scene = createScene(await readSplatFile(positionals[0] ?? "", values, env));

    await using renderer = await startCpuRenderer(availableParallelism());
    using bar = progress(
      "rendered",
      pictures.reduce((sum, { views }) => sum + views.length, 0),
    );
    for (const { file, views, encode } of pictures) {
      const cameras = views.map((view) => orbitCamera(view, { size, fovyDeg: defaultFovyDeg }));
      const images = await renderer.render(scene, cameras, [1, 1, 1], { onView: () => bar.step() });
      await writeFile(file, await encode(images));
    }
  },
};

type Values = ReturnType<typeof parseArguments<typeof options>>["values"];

function asked({ front, grid, turntable }: Values): readonly Picture[] {
  const pictures: Picture[] = [];
  if (front !== undefined) {
    pictures.push({ file: front, views: [frontView], encode: ([image]) => encodeOne(image) });
  }
  if (grid !== undefined) {
    pictures.push({ file: grid, views: gridViews, encode: encodeGrid });
  }
  if (turntable !== undefined) {
    pictures.push({ file: turntable, views: turntableViews, encode: encodeTurntable });
  }
  return pictures;
}

async function encodeOne(image: RgbImage | undefined): Promise<Uint8Array> {
  if (image === undefined) {
    throw new Error("the renderer gave no picture");
  }
  return await encodePng(image);
}
