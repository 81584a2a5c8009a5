/**
 * Makes `turntable-tiny`, the model that the project scores with until it is given a real CLIP: `node
 * resources/models/make-tiny.ts [DIR]`. Nothing is trained or drawn at random, so the same files come out each time.
 *
 * The vision tower finds the mean colour of what is not white and says how near it is to each colour; the text tower
 * looks up the colour words of the prompt. Both give embeddings with one direction a colour and one, `anything`,
 * that all texts and pictures share. A picture then fits a text that names its colour better than the negatives, which
 * name none, and the negatives better than a text that names another.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  encodeModel,
  floats,
  type Graph,
  int64s,
} from "../../workers/validation/src/score/onnx/index.ts";
import { createVocabulary, tokenizerJson } from "./tiny-vocabulary.ts";

type Rgb = readonly [number, number, number];

/** A colour word's examples in full light, sRGB, 0 to 1. */
const colours: ReadonlyMap<string, readonly Rgb[]> = new Map<string, readonly Rgb[]>([
  [
    "red",
    [
      [0.9, 0.1, 0.1],
      [1, 0, 0],
      [0.6, 0.06, 0.08],
    ],
  ],
  [
    "orange",
    [
      [1, 0.5, 0.05],
      [1, 0.6, 0.1],
      [0.95, 0.45, 0.15],
    ],
  ],
  [
    "yellow",
    [
      [1, 0.9, 0.1],
      [0.95, 0.8, 0.15],
      [1, 1, 0.2],
    ],
  ],
  [
    "green",
    [
      [0.1, 0.65, 0.2],
      [0.1, 0.9, 0.15],
      [0.15, 0.45, 0.15],
      [0.4, 0.75, 0.2],
    ],
  ],
  [
    "blue",
    [
      [0.1, 0.2, 0.9],
      [0.15, 0.35, 0.85],
      [0.05, 0.1, 0.6],
    ],
  ],
  [
    "purple",
    [
      [0.5, 0.1, 0.7],
      [0.55, 0.25, 0.75],
      [0.6, 0.1, 0.85],
    ],
  ],
  [
    "pink",
    [
      [1, 0.55, 0.75],
      [1, 0.7, 0.8],
      [1, 0.4, 0.7],
    ],
  ],
  [
    "brown",
    [
      [0.45, 0.27, 0.12],
      [0.5, 0.32, 0.18],
      [0.4, 0.2, 0.08],
    ],
  ],
  [
    "black",
    [
      [0.04, 0.04, 0.04],
      [0.1, 0.1, 0.1],
      [0.16, 0.16, 0.16],
    ],
  ],
  [
    "gray",
    [
      [0.5, 0.5, 0.5],
      [0.55, 0.55, 0.55],
      [0.42, 0.42, 0.42],
    ],
  ],
  [
    "white",
    [
      [1, 1, 1],
      [0.94, 0.94, 0.94],
      [0.98, 0.96, 0.92],
    ],
  ],
  [
    "cyan",
    [
      [0.1, 0.8, 0.85],
      [0, 1, 1],
      [0.25, 0.85, 0.8],
    ],
  ],
]);

/** Other words for one of the colours. */
const synonyms: ReadonlyMap<string, string> = new Map([
  ["grey", "gray"],
  ["violet", "purple"],
  ["turquoise", "cyan"],
]);

/** Mean brightness of an object's visible faces, as parts of full light. */
const shades: readonly number[] = [0.55, 0.65, 0.75, 0.85, 0.95];
/** Shaded white is told from gray by being lighter than this much of full light. */
const whiteShades: readonly number[] = [0.68, 0.75, 0.85, 0.95];
/** Standard deviation, in sRGB, of the colours that one example stands for. */
const spread = 0.07;
/**
 * Distance from white, 0 to 1, from which a pixel begins to count and from which it counts fully: little, so that the
 * bright sides of a white object count.
 */
const foreground = { from: 0.02, to: 0.06 };
/** A picture shows something when this part of it counts. */
const smallestObject = 0.002;
/** How much of `anything` a picture has: what a colour must be sure of to win over the negatives. */
const imageAnything = 0.65;
/** Small: only texts without a colour word point to `anything`. */
const textAnything = 0.1;
const logitScale = 25;
/** Side in pixels of what the vision tower sees. With fewer, more of a small object is edge, half white. */
const imageSize = 224;

const names = [...colours.keys()];
/** One direction a colour, and `anything`. */
const width = names.length + 1;

function visionModel(): Graph {
  const examples = names.flatMap((name) =>
    (colours.get(name) ?? []).flatMap((example) =>
      (name === "white" ? whiteShades : shades).map((shade) => ({
        name,
        rgb: example.map((value) => value * shade),
      })),
    ),
  );
  const count = examples.length;
  const variance = spread * spread;
  // −|m − p|² / 2σ² without its |m|², which softmax does not see.
  const towards = [0, 1, 2].flatMap((channel) =>
    examples.map(({ rgb }) => (rgb[channel] ?? 0) / variance),
  );
  const offsets = examples.map(
    ({ rgb }) => -rgb.reduce((sum, value) => sum + value * value, 0) / (2 * variance),
  );
  const directions = examples.flatMap(({ name }) => oneHot(names.indexOf(name), width));
  return {
    name: "vision",
    inputs: [{ name: "pixel_values", type: "float32", shape: ["batch", 3, imageSize, imageSize] }],
    outputs: [{ name: "image_embeds", type: "float32", shape: ["batch", width] }],
    initializers: [
      floats("start", [], [1 - foreground.from]),
      floats("steepness", [], [1 / (foreground.to - foreground.from)]),
      floats("zero", [], [0]),
      floats("one", [], [1]),
      floats("tiny", [], [1e-6]),
      floats("sensitivity", [], [1 / smallestObject]),
      floats("towards", [3, count], towards),
      floats("offsets", [count], offsets),
      floats("directions", [count, width], directions),
      floats("anything", [width], oneHot(names.length, width, imageAnything)),
    ],
    nodes: [
      // How far a pixel is from white, by its darkest channel: 1 in the foreground, 0 in the background.
      {
        op: "ReduceMin",
        inputs: ["pixel_values"],
        outputs: ["darkest"],
        attributes: { axes: { ints: [1] }, keepdims: { int: 1 } },
      },
      { op: "Sub", inputs: ["start", "darkest"], outputs: ["beyond"] },
      { op: "Mul", inputs: ["beyond", "steepness"], outputs: ["ramp"] },
      { op: "Clip", inputs: ["ramp", "zero", "one"], outputs: ["weight"] },
      // The mean colour of the foreground, and how much of it there is.
      { op: "Mul", inputs: ["pixel_values", "weight"], outputs: ["weighted"] },
      {
        op: "ReduceMean",
        inputs: ["weighted"],
        outputs: ["sum"],
        attributes: { axes: { ints: [2, 3] }, keepdims: { int: 0 } },
      },
      {
        op: "ReduceMean",
        inputs: ["weight"],
        outputs: ["coverage"],
        attributes: { axes: { ints: [2, 3] }, keepdims: { int: 0 } },
      },
      { op: "Add", inputs: ["coverage", "tiny"], outputs: ["divisor"] },
      { op: "Div", inputs: ["sum", "divisor"], outputs: ["colour"] },
      // Which example it comes from: Gaussians around each, then the examples of one colour together.
      { op: "Gemm", inputs: ["colour", "towards", "offsets"], outputs: ["nearness"] },
      {
        op: "Softmax",
        inputs: ["nearness"],
        outputs: ["likelihood"],
        attributes: { axis: { int: -1 } },
      },
      { op: "MatMul", inputs: ["likelihood", "directions"], outputs: ["named"] },
      { op: "Mul", inputs: ["coverage", "sensitivity"], outputs: ["seen"] },
      { op: "Clip", inputs: ["seen", "zero", "one"], outputs: ["presence"] },
      { op: "Mul", inputs: ["named", "presence"], outputs: ["shown"] },
      { op: "Add", inputs: ["shown", "anything"], outputs: ["image_embeds"] },
    ],
  };
}

function textModel(vocab: ReadonlyMap<string, number>): Graph {
  const meanings = new Float32Array(vocab.size * width);
  const ends = new Float32Array(vocab.size);
  for (const [token, id] of vocab) {
    if (token.endsWith("</w>") || token.startsWith("<|")) ends[id] = 1;
    const word = token.replace(/<\/w>$/, "");
    const colour = token === word ? -1 : names.indexOf(synonyms.get(word) ?? word);
    if (colour >= 0) meanings[id * width + colour] = 1;
  }
  return {
    name: "text",
    inputs: [{ name: "input_ids", type: "int64", shape: ["batch", "sequence"] }],
    outputs: [{ name: "text_embeds", type: "float32", shape: ["batch", width] }],
    initializers: [
      floats("meanings", [vocab.size, width], meanings),
      floats("ends", [vocab.size, 1], ends),
      floats("anything", [width], oneHot(names.length, width, textAnything)),
      int64s("zero", [1], [0]),
      int64s("one", [1], [1]),
      int64s("minus_one", [1], [-1]),
    ],
    nodes: [
      { op: "Gather", inputs: ["meanings", "input_ids"], outputs: ["meaning"] },
      // A token means something only where a word begins: the "red" that ends "layered" does not.
      { op: "Gather", inputs: ["ends", "input_ids"], outputs: ["end"] },
      { op: "Slice", inputs: ["end", "zero", "one", "one"], outputs: ["start"] },
      { op: "Slice", inputs: ["end", "zero", "minus_one", "one"], outputs: ["before"] },
      {
        op: "Concat",
        inputs: ["start", "before"],
        outputs: ["begins"],
        attributes: { axis: { int: 1 } },
      },
      { op: "Mul", inputs: ["meaning", "begins"], outputs: ["words"] },
      {
        op: "ReduceSum",
        inputs: ["words", "one"],
        outputs: ["sum"],
        attributes: { keepdims: { int: 0 } },
      },
      { op: "Add", inputs: ["sum", "anything"], outputs: ["text_embeds"] },
    ],
  };
}

function oneHot(index: number, length: number, value = 1): readonly number[] {
  return Array.from({ length }, (_, i) => (i === index ? value : 0));
}

/** @returns the content of each file of the model directory */
export function makeTiny(): ReadonlyMap<string, Uint8Array> {
  const vocabulary = createVocabulary([...names, ...synonyms.keys()]);
  const { vocab, startId, endId } = vocabulary;
  const special = {
    bos_token: "<|startoftext|>",
    eos_token: "<|endoftext|>",
    unk_token: "<|endoftext|>",
    pad_token: "<|endoftext|>",
  };
  const json = {
    "config.json": {
      model_type: "clip",
      projection_dim: width,
      text_config: { bos_token_id: startId, eos_token_id: endId, vocab_size: vocab.size },
      vision_config: { image_size: imageSize },
    },
    "preprocessor_config.json": {
      crop_size: { height: imageSize, width: imageSize },
      do_center_crop: true,
      do_convert_rgb: true,
      do_normalize: false,
      do_rescale: true,
      do_resize: true,
      image_processor_type: "CLIPImageProcessor",
      resample: 3,
      rescale_factor: 1 / 255,
      size: { shortest_edge: imageSize },
    },
    "special_tokens_map.json": special,
    "tokenizer.json": tokenizerJson(vocabulary),
    "tokenizer_config.json": {
      ...special,
      do_lower_case: true,
      model_max_length: 77,
      tokenizer_class: "CLIPTokenizer",
    },
    "turntable.json": {
      demonstration: true,
      description:
        "Compares the mean colour of what is not white with the colour words of the prompt.",
      logit_scale: logitScale,
    },
  };
  return new Map<string, Uint8Array>([
    ...Object.entries(json).map(([name, value]): [string, Uint8Array] => [
      name,
      new TextEncoder().encode(`${JSON.stringify(value, undefined, 1)}\n`),
    ]),
    ["onnx/vision_model.onnx", encodeModel(visionModel())],
    ["onnx/text_model.onnx", encodeModel(textModel(vocab))],
  ]);
}

/** Where the committed files are. */
export const tinyDir = fileURLToPath(new URL("turntable-tiny", import.meta.url));

if (import.meta.main) {
  const directory = process.argv[2] ?? tinyDir;
  for (const [name, bytes] of makeTiny()) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), bytes);
  }
  console.log(`wrote ${directory}`);
}
