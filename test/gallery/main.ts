/**
 * Contact sheets of everything that the engine can make, and a page to browse them:
 * `npm run gallery -- [--out DIR] [--splats N] [--size N] [--only WORD]`. With `--overview FILE.webp` it makes the one
 * picture of the README instead: everything in its own colours.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { generate, qualities } from "@turntable/generation";
import {
  formatScene,
  type Material,
  materials,
  type Noun,
  objectThemes,
  primitives,
} from "@turntable/generation/grammar";
import { createScene, orbitCamera, type RgbImage, startCpuRenderer } from "@turntable/validation";
import { pageOf, type Section } from "./page.ts";
import { encodeSheet } from "./sheet.ts";

const { values: flags } = parseArgs({
  options: {
    out: { type: "string", default: ".turntable/gallery" },
    splats: { type: "string", default: "20000" },
    size: { type: "string", default: "224" },
    only: { type: "string" },
    overview: { type: "string" },
  },
});
const splats = Number(flags.splats);
const size = Number(flags.size);

/** Where each picture is taken from: a little above, from the front right. */
const view = { azimuthDeg: 28, elevationDeg: -18, radius: 2.3 };
const camera = orbitCamera(view, { size, fovyDeg: 49.1 });
const white = [1, 1, 1] as const;

await using renderer = await startCpuRenderer(Math.min(2, availableParallelism()));

async function picture(
  prompt: string,
  quality: (typeof qualities)[number] = "good",
): Promise<RgbImage> {
  const { splat } = generate({ prompt, seed: 1, splats, quality });
  const [image] = await renderer.render(createScene(splat), [camera], white);
  if (image === undefined) {
    throw new Error("the renderer gave no picture");
  }
  return image;
}

const themes: readonly { readonly title: string; readonly nouns: readonly Noun[] }[] = [
  { title: "primitives", nouns: primitives },
  ...Object.entries(objectThemes).map(([title, nouns]) => ({ title, nouns })),
];
const isAsked = (noun: Noun): boolean => flags.only === undefined || flags.only === noun;

/** Colours that the material columns are shown in. */
const showColour: Readonly<Record<Material, "red" | "blue" | "green" | "purple" | "orange">> = {
  matte: "green",
  glossy: "red",
  metal: "blue",
  glass: "blue",
  striped: "red",
  dotted: "purple",
  checkered: "orange",
};

const columns = flags.overview === undefined ? materials : [];

/** Scenes of several things, and the levels of quality. */
const together = [
  "a red cube on top of a blue cylinder",
  "a cat on top of a sofa",
  "a snowman next to a pine tree",
  "a red apple inside a blue bowl",
  "a fish inside a glass sphere",
  "a duck inside a bucket",
  "a stack of four pumpkins",
  "a stack of three red donuts",
  "a yellow duck on top of a red drum",
  "a purple and yellow striped rocket",
  "a gift on top of a table",
  "a robot next to a dog",
] as const;

await mkdir(path.join(flags.out, "pictures"), { recursive: true });
const overview: RgbImage[] = [];
const sections: Section[] = [];
for (const { title, nouns } of themes) {
  const rows: Section["rows"][number][] = [];
  const sheet: RgbImage[] = [];
  for (const noun of nouns.filter(isAsked)) {
    const prompts = [
      formatScene({ kind: "single", thing: { noun } }),
      ...columns.map((material) =>
        formatScene({ kind: "single", thing: { noun, material, colour: showColour[material] } }),
      ),
    ];
    rows.push({ title: noun, pictures: await writePictures(prompts, sheet) });
    const first = sheet[sheet.length - prompts.length];
    if (first !== undefined) {
      overview.push(first);
    }
  }
  if (rows.length === 0) {
    continue;
  }
  await writeFile(
    path.join(flags.out, `${title}.png`),
    await encodeSheet(sheet, columns.length + 1, "png"),
  );
  sections.push({ title, sheet: `${title}.png`, rows });
  console.log(`${title}: ${rows.length} things`);
}
if (flags.only === undefined) {
  const sheet: RgbImage[] = [];
  const pictures = await writePictures(together, sheet);
  const spoilt = [];
  for (const quality of qualities) {
    const prompt = "a red mushroom";
    const image = await picture(prompt, quality);
    sheet.push(image);
    spoilt.push({ caption: `${prompt}: ${quality}`, file: await writePicture(image, quality) });
  }
  await writeFile(path.join(flags.out, "together.png"), await encodeSheet(sheet, 6, "png"));
  sections.push({
    title: "together, and spoilt on purpose",
    sheet: "together.png",
    rows: [
      { title: "scenes", pictures },
      { title: "qualities", pictures: spoilt },
    ],
  });
  overview.push(...sheet);
}
if (flags.overview !== undefined) {
  await writeFile(flags.overview, await encodeSheet(overview, 12, "webp"));
} else {
  await writeFile(path.join(flags.out, "index.html"), pageOf(sections));
  console.log(`open ${path.join(flags.out, "index.html")}`);
}

async function writePictures(prompts: readonly string[], sheet: RgbImage[]) {
  const pictures = [];
  for (const prompt of prompts) {
    const image = await picture(prompt);
    sheet.push(image);
    pictures.push({ caption: prompt, file: await writePicture(image, prompt) });
  }
  return pictures;
}

async function writePicture(image: RgbImage, name: string): Promise<string> {
  const file = path.join("pictures", `${name.replaceAll(" ", "-")}.webp`);
  await writeFile(path.join(flags.out, file), await encodeSheet([image], 1, "webp"));
  return file;
}
