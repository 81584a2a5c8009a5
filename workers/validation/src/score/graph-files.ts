/**
 * Which ONNX files of a directory are the model.
 *
 * D1 Of several precisions fp32 goes first, then fp16, then int8, then the rest by name, and both towers have the same
 *    where the directory allows it; where it does not, that is told. Of one precision the directory goes before its
 *    `onnx/`. The split layout goes before the combined one: its text tower runs once a prompt, not once a batch.
 * D2 Files of other names, or whose inputs and outputs have other names, are taken when turntable.json maps them.
 */
import { basename, join, normalize, posix } from "node:path";
import { z } from "zod";
import { ModelError } from "./errors.ts";
import { oneOf } from "./schema.ts";

export interface GraphFile {
  /** Path in the directory. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  /** What the file calls inputs and outputs, by their usual names, where that is something else. */
  readonly names: GraphNames;
}

export type GraphNames = Readonly<Record<string, string>>;

export type GraphFiles =
  | { readonly layout: "split"; readonly vision: GraphFile; readonly text: GraphFile }
  | { readonly layout: "combined"; readonly model: GraphFile };

const name = z.string().min(1).optional();
const file = z.string().min(1);
const visionSchema = z.strictObject({ file, pixel_values: name, image_embeds: name });
const textSchema = z.strictObject({
  file,
  input_ids: name,
  attention_mask: name,
  text_embeds: name,
});
const combinedSchema = z.strictObject({
  ...{ file, pixel_values: name, input_ids: name, attention_mask: name, logits_per_image: name },
});

const mapSchema = z.union([
  z.strictObject({ vision: visionSchema, text: textSchema }),
  z.strictObject({ model: combinedSchema }),
]);
export type GraphMap = z.infer<typeof mapSchema>;

/** `graphs` of turntable.json, D2. */
export const graphMapSchema = oneOf(
  mapSchema,
  '{"vision": {"file": …, "pixel_values": …, "image_embeds": …}, "text": {"file": …, "input_ids": …, ' +
    '"attention_mask": …, "text_embeds": …}} and {"model": {"file": …, "pixel_values": …, "input_ids": …, ' +
    '"attention_mask": …, "logits_per_image": …}}; all but "file" may be left out',
);

/** @throws ModelError when there is none, or only one half of one */
export function findGraphs(
  root: string,
  files: readonly string[],
  map: GraphMap | undefined,
): GraphFiles {
  if (map !== undefined) {
    return mappedGraphs(root, map);
  }
  const towers = pairOf(files);
  const graph = (found: string): GraphFile => ({
    file: found,
    path: join(root, found),
    names: {},
  });
  if (towers !== undefined) {
    return { layout: "split", vision: graph(towers.vision), text: graph(towers.text) };
  }
  const [combined] = variantsOf("model", files);
  if (combined !== undefined) {
    return { layout: "combined", model: graph(combined.file) };
  }
  throw new ModelError("model-missing", whatIsMissing(root, files));
}

/** D1: said where the towers that were found are of two precisions. */
export function mixedPrecisions(graphs: GraphFiles): string | undefined {
  if (graphs.layout === "combined") {
    return undefined;
  }
  const { vision, text } = graphs;
  const [ofVision, ofText] = [precisionOf(vision.file), precisionOf(text.file)];
  if (ofVision === ofText) {
    return undefined;
  }
  return `${vision.file} (${ofVision}) and ${text.file} (${ofText}) are of two precisions`;
}

/**
 * The path in the directory of what a file of it names.
 * @throws ModelError when it leads out of that file's folder, which ONNX Runtime would not load either
 */
export function pathInside(root: string, from: string, named: string): string {
  const path = posix.normalize(named);
  if (posix.isAbsolute(named) || path === ".." || path.startsWith("../") || path === ".") {
    throw new ModelError(
      "model-damaged",
      `${join(root, from)} names the file "${named}", which is not beside it or in a folder beside it`,
    );
  }
  return posix.join(posix.dirname(from), path);
}

interface Variant {
  readonly file: string;
  readonly precision: string;
}

function pairOf(
  files: readonly string[],
): { readonly vision: string; readonly text: string } | undefined {
  const visions = variantsOf("vision_model", files);
  const texts = variantsOf("text_model", files);
  const [firstVision] = visions;
  const [firstText] = texts;
  if (firstVision === undefined || firstText === undefined) {
    return undefined;
  }
  const namesake = (vision: Variant) => vision.file.replace("vision_model", "text_model");
  for (const vision of visions) {
    const same = texts.filter(({ precision }) => precision === vision.precision);
    const text = same.find((each) => each.file === namesake(vision)) ?? same[0];
    if (text !== undefined) {
      return { vision: vision.file, text: text.file };
    }
  }
  return { vision: firstVision.file, text: firstText.file };
}

/** Files `<stem>.onnx` and `<stem>_<precision>.onnx`, the best first. */
function variantsOf(stem: string, files: readonly string[]): readonly Variant[] {
  const rank = ({ file, precision }: Variant): number =>
    (precision in ranks ? (ranks[precision] ?? 0) : Object.keys(ranks).length) * 2 +
    (file.startsWith("onnx/") ? 1 : 0);
  return files
    .filter((each) => {
      const name = basename(each);
      return name === `${stem}.onnx` || (name.startsWith(`${stem}_`) && name.endsWith(".onnx"));
    })
    .map((each): Variant => ({ file: each, precision: precisionOf(each) }))
    .toSorted((a, b) => rank(a) - rank(b));
}

/** What exporters write behind a name, by its precision. Source: the files of onnx-community's CLIPs, and optimum. */
const synonyms: Readonly<Record<string, string>> = {
  "": "fp32",
  float32: "fp32",
  float16: "fp16",
  half: "fp16",
  quantized: "int8",
  quantised: "int8",
};
const ranks: Readonly<Record<string, number>> = { fp32: 0, fp16: 1, int8: 2, uint8: 3 };

function precisionOf(file: string): string {
  const stem = basename(file, ".onnx").replace(/^(vision_model|text_model|model)/, "");
  const suffix = stem.replace(/^[_.-]/, "").toLowerCase();
  return synonyms[suffix] ?? suffix;
}

function mappedGraphs(root: string, map: GraphMap): GraphFiles {
  const graph = ({ file, ...names }: { readonly file: string }): GraphFile => {
    const inside = pathInside(root, "turntable.json", normalize(file));
    const given = Object.entries<string | undefined>(names).flatMap(([usual, own]) =>
      own === undefined ? [] : [[usual, own] as const],
    );
    return { file: inside, path: join(root, inside), names: Object.fromEntries(given) };
  };
  return "model" in map
    ? { layout: "combined", model: graph(map.model) }
    : { layout: "split", vision: graph(map.vision), text: graph(map.text) };
}

function whatIsMissing(root: string, files: readonly string[]): string {
  const [vision] = variantsOf("vision_model", files);
  const [text] = variantsOf("text_model", files);
  const found = vision ?? text;
  if (found !== undefined) {
    const other = vision === undefined ? "vision" : "text";
    return `${root} has ${found.file} but not the ${other} model that belongs to it`;
  }
  const others = files.filter((each) => each.endsWith(".onnx"));
  const accepted = `no vision_model.onnx with text_model.onnx and no model.onnx, in it or in onnx/`;
  if (others.length === 0) {
    return `${root} has ${accepted}`;
  }
  return (
    `${root} has ${others.join(", ")}, but ${accepted}; turntable.json may map other names: ` +
    '{"graphs": {"vision": {"file": "visual.onnx", "pixel_values": "IMAGE"}, "text": {"file": "textual.onnx", "input_ids": "TEXT"}}}'
  );
}
