/**
 * CLIP directories of the true architecture with random weights: as slow as the trained ones, as large, and of no
 * other use. Source of the architecture: Radford et al., Learning Transferable Visual Models From Natural Language
 * Supervision (2021), table 20, and openai/CLIP's model.py; exported as the usual split layout is.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createVocabulary, tokenizerJson } from "@turntable/validation/internal";
import {
  encodeModel,
  floats,
  type Initializer,
  int64s,
  type Node,
} from "@turntable/validation/test/onnx";

export interface ClipShape {
  /** Pixels along an edge of a patch; pictures are 224 × 224. */
  readonly patch: 32 | 16;
  /** int8: signed weights in MatMul only, activations quantised as they come; all else stays fp32. */
  readonly weights: "fp32" | "int8";
  /** Words that the tokenizer knows, each as one token. */
  readonly words: readonly string[];
  /** How many layers each of the two towers has; 12 when absent. */
  readonly layers?: number;
}

const image = 224;
const vision = { width: 768, layers: 12, heads: 12 } as const;
const text = { width: 512, layers: 12, heads: 8 } as const;
const embedding = 512;
const vocabularySize = 49_408;
const maxTokens = 77;

/** The same weights for the same patch, so that an int8 directory is the fp32 one quantised. */
export async function writeClipDirectory(directory: string, shape: ClipShape): Promise<void> {
  await mkdir(directory, { recursive: true });
  const write = (name: string, content: string | Uint8Array): Promise<void> =>
    writeFile(join(directory, name), content);
  const isQuantised = shape.weights === "int8";
  await write("vision_model.onnx", visionModel(createBuilder(shape.patch, isQuantised), shape));
  await write("text_model.onnx", textModel(createBuilder(1000 + shape.patch, isQuantised), shape));
  await write("tokenizer.json", JSON.stringify(tokenizerJson(createVocabulary(shape.words))));
  await write("preprocessor_config.json", JSON.stringify({ size: image, crop_size: image }));
  await write(
    "config.json",
    JSON.stringify({
      model_type: "clip",
      vision_config: { image_size: image, patch_size: shape.patch },
      text_config: { max_position_embeddings: maxTokens },
    }),
  );
  await write(
    "turntable.json",
    JSON.stringify({ demonstration: true, description: "Random weights, for benchmarks." }),
  );
}

function visionModel(builder: Builder, { patch, layers = vision.layers }: ClipShape): Uint8Array {
  const { add, node, random, ints } = builder;
  const { width } = vision;
  const side = image / patch;
  add(floats("class", [1, 1, width], random(width, 0.02)));
  add(floats("patches", [width, 3, patch, patch], random(width * 3 * patch ** 2, 0.02)));
  add(floats("positions", [1, side ** 2 + 1, width], random((side ** 2 + 1) * width, 0.02)));
  const convolved = node("Conv", ["pixel_values", "patches"], {
    kernel_shape: { ints: [patch, patch] },
    strides: { ints: [patch, patch] },
  });
  const flat = node("Reshape", [convolved, ints([0, width, side ** 2])]);
  const tokens = node("Transpose", [flat], { perm: { ints: [0, 2, 1] } });
  const batch = node("Slice", [node("Shape", ["pixel_values"]), ints([0]), ints([1])]);
  const classShape = node("Concat", [batch, ints([1, width])], { axis: { int: 0 } });
  const all = node("Concat", [node("Expand", ["class", classShape]), tokens], { axis: { int: 1 } });
  const embedded = builder.normalised(node("Add", [all, "positions"]), width);
  const last = transformer(builder, embedded, { ...vision, layers });
  const first = node("Gather", [last, builder.index(0)], { axis: { int: 1 } });
  builder.projected(builder.normalised(first, width), width, embedding, "image_embeds");
  return encodeModel({
    name: "vision",
    inputs: [{ name: "pixel_values", type: "float32", shape: ["batch", 3, image, image] }],
    outputs: [{ name: "image_embeds", type: "float32", shape: ["batch", embedding] }],
    initializers: builder.initializers,
    nodes: builder.nodes,
  });
}

function textModel(builder: Builder, { layers = text.layers }: ClipShape): Uint8Array {
  const { add, node, random, ints } = builder;
  const { width } = text;
  add(floats("words", [vocabularySize, width], random(vocabularySize * width, 0.02)));
  add(floats("positions", [maxTokens, width], random(maxTokens * width, 0.01)));
  // No token sees one after it.
  const mask = Array.from({ length: maxTokens ** 2 }, (_, at) =>
    at % maxTokens > Math.floor(at / maxTokens) ? -1e9 : 0,
  );
  add(floats("causal", [maxTokens, maxTokens], mask));
  const length = node("Slice", [node("Shape", ["input_ids"]), ints([1]), ints([2])]);
  const positions = node("Slice", ["positions", ints([0]), length, ints([0])]);
  const rows = node("Slice", ["causal", ints([0]), length, ints([0])]);
  const seen = node("Slice", [rows, ints([0]), length, ints([1])]);
  const embedded = node("Add", [node("Gather", ["words", "input_ids"]), positions]);
  const last = builder.normalised(transformer(builder, embedded, { ...text, layers }, seen), width);
  // The end token has the highest id; the first one is where the text ends, those after it fill up.
  const end = node("ArgMax", ["input_ids"], { axis: { int: 1 }, keepdims: { int: 1 } });
  const pooled = node("GatherND", [last, end], { batch_dims: { int: 1 } });
  builder.projected(pooled, width, embedding, "text_embeds");
  return encodeModel({
    name: "text",
    inputs: [{ name: "input_ids", type: "int64", shape: ["batch", "sequence"] }],
    outputs: [{ name: "text_embeds", type: "float32", shape: ["batch", embedding] }],
    initializers: builder.initializers,
    nodes: builder.nodes,
  });
}

interface TransformerShape {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
}

/** Layers that normalise before attention and before the two-layer network, each added to what went in. */
function transformer(
  builder: Builder,
  input: string,
  { width, layers, heads }: TransformerShape,
  mask?: string,
): string {
  const { node, ints } = builder;
  const perHead = width / heads;
  const split = (value: string, perm: readonly number[]): string =>
    node("Transpose", [node("Reshape", [value, ints([0, -1, heads, perHead])])], {
      perm: { ints: perm },
    });
  let hidden = input;
  for (let layer = 0; layer < layers; layer++) {
    const normal = builder.normalised(hidden, width);
    const query = node("Mul", [
      builder.linear(normal, width, width),
      builder.constant(1 / Math.sqrt(perHead)),
    ]);
    const key = builder.linear(normal, width, width);
    const value = builder.linear(normal, width, width);
    const scores = node("MatMul", [split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1])]);
    const shown = mask === undefined ? scores : node("Add", [scores, mask]);
    const weights = node("Softmax", [shown], { axis: { int: -1 } });
    const mixed = node("MatMul", [weights, split(value, [0, 2, 1, 3])]);
    const together = node("Transpose", [mixed], { perm: { ints: [0, 2, 1, 3] } });
    const joined = node("Reshape", [together, ints([0, -1, width])]);
    hidden = node("Add", [hidden, builder.linear(joined, width, width)]);
    const wide = builder.linear(builder.normalised(hidden, width), width, 4 * width);
    // QuickGELU: x · sigmoid(1.702 x)
    const gate = node("Sigmoid", [node("Mul", [wide, builder.constant(1.702)])]);
    hidden = node("Add", [hidden, builder.linear(node("Mul", [wide, gate]), 4 * width, width)]);
  }
  return hidden;
}

type Builder = ReturnType<typeof createBuilder>;

function createBuilder(seed: number, isQuantised: boolean) {
  const nodes: Node[] = [];
  const initializers: Initializer[] = [];
  const next = xorshift(seed);
  let names = 0;
  const name = (): string => `v${names++}`;
  const add = (initializer: Initializer): string => {
    initializers.push(initializer);
    return initializer.name;
  };
  const node = (
    op: string,
    inputs: readonly string[],
    attributes: NonNullable<Node["attributes"]> = {},
    output = name(),
  ): string => {
    nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  };
  /** Uniform around 0 with a standard deviation. */
  const random = (count: number, deviation: number): Float32Array => {
    const values = new Float32Array(count);
    const factor = deviation * Math.sqrt(12) * 2 ** -32;
    for (let i = 0; i < count; i++) {
      values[i] = next() * factor;
    }
    return values;
  };
  const constant = (value: number): string => add(floats(name(), [], [value]));
  const multiplied = (input: string, from: number, to: number, output?: string): string => {
    const weights = random(from * to, 1 / Math.sqrt(from));
    if (!isQuantised) {
      return node("MatMul", [input, add(floats(name(), [from, to], weights))], {}, output);
    }
    const scale = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) / 127;
    const bytes = new Uint8Array(
      Int8Array.from(weights, (weight) => Math.round(weight / scale)).buffer,
    );
    const stored = add({ name: name(), type: "int8", shape: [from, to], bytes });
    const zero = add({ name: name(), type: "int8", shape: [], bytes: new Uint8Array(1) });
    const [quantised, inputScale, inputZero] = [name(), name(), name()];
    nodes.push({
      op: "DynamicQuantizeLinear",
      inputs: [input],
      outputs: [quantised, inputScale, inputZero],
    });
    const sums = node("MatMulInteger", [quantised, stored, inputZero, zero]);
    const scales = node("Mul", [inputScale, constant(scale)]);
    return node("Mul", [node("Cast", [sums], { to: { int: 1 } }), scales], {}, output);
  };
  return {
    nodes,
    initializers,
    add,
    node,
    random,
    constant,
    ints: (values: readonly number[]): string => add(int64s(name(), [values.length], values)),
    index: (value: number): string => add(int64s(name(), [], [value])),
    projected: multiplied,
    linear(input: string, from: number, to: number): string {
      const bias = add(floats(name(), [to], random(to, 0.02)));
      return node("Add", [multiplied(input, from, to), bias]);
    },
    normalised(input: string, width: number): string {
      const scale = add(floats(name(), [width], new Float32Array(width).fill(1)));
      const bias = add(floats(name(), [width], new Float32Array(width)));
      return node("LayerNormalization", [input, scale, bias], { epsilon: { float: 1e-5 } });
    },
  };
}

/** Signed 32-bit numbers. Source: Marsaglia, Xorshift RNGs (2003). */
function xorshift(seed: number): () => number {
  let state = seed * 2_654_435_769 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}
