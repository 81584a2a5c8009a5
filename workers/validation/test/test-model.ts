/** Small CLIP directories for tests, in every form that exports come in. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createVocabulary, tokenizerJson } from "../src/score/vocabulary.ts";
import {
  type ElementType,
  encodeModel,
  floats,
  type Graph,
  type Initializer,
  type Node,
} from "./onnx/index.ts";

export interface TestModel extends AsyncDisposable {
  readonly directory: string;
  /** Writes a file of the directory, over the one that may be there. */
  write(name: string, content: string | Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
}

/** A tokenizer that knows a few words whole; it spells all others in letters. */
export const testTokenizerJson = JSON.stringify(
  tokenizerJson(createVocabulary(["red", "orange", "yellow", "green", "blue", "purple"])),
);

/** A model directory of its own with a small vocabulary and pictures of 8 × 8; no ONNX files yet. */
export async function createTestModel(): Promise<TestModel> {
  const directory = await mkdtemp(join(tmpdir(), "turntable-model-"));
  const model: TestModel = {
    directory,
    async write(name, content) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), content);
    },
    remove: (name) => rm(join(directory, name), { recursive: true }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
  await model.write("tokenizer.json", testTokenizerJson);
  await model.write(
    "config.json",
    JSON.stringify({ vision_config: { image_size: testImageSize } }),
  );
  await model.write(
    "preprocessor_config.json",
    JSON.stringify({ size: testImageSize, crop_size: testImageSize, do_normalize: false }),
  );
  return model;
}

export const testImageSize = 8;
/** What the test models compute with: the mean of each channel, and the lowest (with a mask the sum) of the ids. */
export const testWeights = {
  image: [0.3, -0.8, 0.5, 0.2, 0.9, 0.4, -0.6, 0.1, -0.2, 0.7, 0.8, -0.5],
  text: [0.013, -0.007, 0.004, 0.009],
  textBias: [-2, 1.5, 0.25, -1],
  /** What the logits are multiplied by, in the combined model only. */
  logitScale: 17,
};

export interface TestGraphOptions {
  readonly pixels?: ElementType;
  readonly ids?: ElementType;
  readonly mask?: boolean;
  /** Fixed lengths instead of ones that vary. */
  readonly batch?: number;
  readonly sequence?: number;
  readonly imageOutput?: string;
  /** Length of text embeddings; that of images is 4. */
  readonly width?: number;
  /** Instead of the weights of the vision model. */
  readonly weights?: number;
  /** File of the vision model's weights, `testImageWeights()`, instead of within it. */
  readonly location?: string;
  /** Instead of `pixel_values` and `input_ids`. */
  readonly input?: string;
}

const imageWidth = 4;

export function testVisionModel(options: TestGraphOptions = {}): Uint8Array {
  const { pixels = "float32", batch = "batch", imageOutput = "image_embeds" } = options;
  const { input = "pixel_values" } = options;
  return encodeModel({
    name: "vision",
    inputs: [{ name: input, type: pixels, shape: [batch, 3, testImageSize, testImageSize] }],
    outputs: [{ name: imageOutput, type: pixels, shape: [batch, imageWidth] }],
    initializers: [{ ...imageInitializer(options.weights), ...locationOf(options) }],
    nodes: [...imageNodes(input), cast("image", imageOutput, pixels)],
  });
}

export function testTextModel(options: TestGraphOptions = {}): Uint8Array {
  const { batch = "batch", width = imageWidth } = options;
  return encodeModel({
    name: "text",
    inputs: textInputs(options),
    outputs: [{ name: "text_embeds", type: "float32", shape: [batch, width] }],
    initializers: textInitializers(width),
    nodes: [...textNodes(options), cast("text", "text_embeds", "float32")],
  });
}

export function testCombinedModel(options: TestGraphOptions = {}): Uint8Array {
  return encodeModel({
    name: "combined",
    inputs: [
      ...textInputs(options),
      {
        name: "pixel_values",
        type: "float32",
        shape: ["images", 3, testImageSize, testImageSize],
      },
    ],
    outputs: [{ name: "logits_per_image", type: "float32", shape: ["images", "batch"] }],
    initializers: [
      ...textInitializers(imageWidth),
      imageInitializer(),
      floats("scale", [], [testWeights.logitScale]),
    ],
    nodes: [
      ...textNodes(options),
      ...imageNodes("pixel_values"),
      { op: "LpNormalization", inputs: ["text"], outputs: ["text_unit"] },
      { op: "LpNormalization", inputs: ["image"], outputs: ["image_unit"] },
      { op: "Transpose", inputs: ["text_unit"], outputs: ["columns"] },
      { op: "MatMul", inputs: ["image_unit", "columns"], outputs: ["cosines"] },
      { op: "Mul", inputs: ["cosines", "scale"], outputs: ["logits_per_image"] },
    ],
  });
}

/** TensorProto.DataType of what is cast to. */
const castTo: Readonly<Record<string, number>> = { float32: 1, float16: 10 };

function cast(input: string, output: string, to: ElementType): Node {
  return {
    op: "Cast",
    inputs: [input],
    outputs: [output],
    attributes: { to: { int: castTo[to] ?? 1 } },
  };
}

const locationOf = ({ location }: TestGraphOptions) => (location === undefined ? {} : { location });

const imageNodes = (input: string): readonly Node[] => [
  cast(input, "pixels", "float32"),
  {
    op: "ReduceMean",
    inputs: ["pixels"],
    outputs: ["means"],
    attributes: { axes: { ints: [2, 3] }, keepdims: { int: 0 } },
  },
  { op: "MatMul", inputs: ["means", "image_weights"], outputs: ["image"] },
];

/** The content of `location`. */
export function testImageWeights(): Uint8Array {
  return imageInitializer().bytes;
}

function imageInitializer(value?: number): Initializer {
  const weights = testWeights.image.map((weight) => value ?? weight);
  return floats("image_weights", [3, imageWidth], weights);
}

function textInitializers(width: number): readonly Initializer[] {
  const padded = (values: readonly number[]) =>
    Array.from({ length: width }, (_, i) => values[i] ?? 0);
  return [
    floats("text_weights", [1, width], padded(testWeights.text)),
    floats("text_bias", [width], padded(testWeights.textBias)),
  ];
}

function textInputs(options: TestGraphOptions): Graph["inputs"] {
  const { ids = "int64", mask = false, batch = "batch", sequence = "sequence" } = options;
  const { input = "input_ids" } = options;
  const shape = [batch, sequence];
  return [
    { name: input, type: ids, shape },
    ...(mask ? [{ name: "attention_mask", type: ids, shape }] : []),
  ];
}

/** The lowest id stands for a text: padding with the end token, whose id is the highest, does not change it… */
function textNodes({ mask = false, input = "input_ids" }: TestGraphOptions): readonly Node[] {
  const reduce = { keepdims: { int: 1 }, axes: { ints: [1] } };
  // …and with a mask the sum of the ids does, which padding would change were it not masked.
  const pooled: readonly Node[] = mask
    ? [
        cast("attention_mask", "mask", "float32"),
        { op: "Mul", inputs: ["ids", "mask"], outputs: ["masked"] },
        { op: "ReduceL1", inputs: ["masked"], outputs: ["pooled"], attributes: reduce },
      ]
    : [{ op: "ReduceMin", inputs: ["ids"], outputs: ["pooled"], attributes: reduce }];
  return [
    cast(input, "ids", "float32"),
    ...pooled,
    { op: "MatMul", inputs: ["pooled", "text_weights"], outputs: ["spread"] },
    { op: "Add", inputs: ["spread", "text_bias"], outputs: ["text"] },
  ];
}
