/**
 * Builds the models that benchmarks of scoring use: ViT-B/32 and ViT-B/16 as CLIP has them, with random weights, in
 * fp32 and int8, into .cache/models. `npm run bench:model` (again to build them anew).
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { negatives } from "@turntable/validation";
import { type ClipShape, writeClipDirectory } from "./clip-shape.ts";

export const modelsDir = fileURLToPath(new URL("../../.cache/models", import.meta.url));

/** The prompt that benchmarks score with; each of its words is one token of their models. */
export const benchPrompt = "a juicy hamburger with a sesame seed bun";

const shapes: Readonly<Record<string, Pick<ClipShape, "patch" | "weights">>> = {
  "vit-b-32": { patch: 32, weights: "fp32" },
  "vit-b-32-int8": { patch: 32, weights: "int8" },
  "vit-b-16": { patch: 16, weights: "fp32" },
  "vit-b-16-int8": { patch: 16, weights: "int8" },
};

/** Where a model is; made when it is not there. */
export async function benchModel(name: keyof typeof shapes & string): Promise<string> {
  const directory = join(modelsDir, name);
  // Written last.
  const isThere = await readFile(join(directory, "turntable.json")).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await build(name);
  }
  return directory;
}

async function build(name: string): Promise<void> {
  const shape = shapes[name];
  if (shape === undefined) {
    throw new RangeError(`no model ${name}`);
  }
  const directory = join(modelsDir, name);
  const words = [...new Set([...negatives, benchPrompt].flatMap((text) => text.split(" ")))];
  await writeClipDirectory(directory, { ...shape, words });
  const sizes = await Promise.all(
    ["vision_model.onnx", "text_model.onnx"].map(
      async (file) => (await stat(join(directory, file))).size,
    ),
  );
  console.log(`${directory}: ${sizes.map((size) => `${Math.round(size / 1e6)} MB`).join(" + ")}`);
}

if (import.meta.main) {
  for (const name of Object.keys(shapes)) {
    await build(name);
  }
}
