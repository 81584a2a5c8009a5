/** Which files of a directory are the model, and that each of them changes its hash. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createTestModel,
  type TestModel,
  testImageSize,
  testImageWeights,
  testTextModel,
  testVisionModel,
} from "../../test/test-model.ts";
import type { RgbImage } from "../render/index.ts";
import { ModelError } from "./errors.ts";
import { loadClip } from "./index.ts";
import { readModelDirectory } from "./model-directory.ts";

const prompt = "a red ball";
const image: RgbImage = {
  width: testImageSize,
  height: testImageSize,
  pixels: Uint8Array.from({ length: testImageSize ** 2 * 3 }, (_, i) => (i * 7) % 256),
};

async function splitModel(): Promise<TestModel> {
  const model = await createTestModel();
  await model.write("vision_model.onnx", testVisionModel());
  await model.write("text_model.onnx", testTextModel());
  await model.write("turntable.json", JSON.stringify({ logit_scale: 9 }));
  return model;
}

async function look({ directory }: TestModel) {
  await using clip = await loadClip(directory, { threads: 1 });
  const [probability = Number.NaN] = await clip.probabilities(prompt, [image]);
  return { probability, sha256: Buffer.from(clip.sha256).toString("hex"), files: clip.files };
}

/** Names of the graphs in use, by what is in the directory. */
const choices: readonly (readonly [
  files: readonly string[],
  used: readonly string[],
  note?: RegExp,
])[] = [
  [
    ["vision_model_bnb4", "vision_model_fp16", "text_model_bnb4", "text_model_fp16"],
    ["vision_model_fp16", "text_model_fp16"],
  ],
  [
    ["vision_model_q4", "vision_model_quantized", "text_model_q4", "text_model_quantized"],
    ["vision_model_quantized", "text_model_quantized"],
  ],
  [
    ["vision_model", "vision_model_int8", "text_model_int8"],
    ["vision_model_int8", "text_model_int8"],
  ],
  [
    ["vision_model_fp16", "text_model_int8"],
    ["vision_model_fp16", "text_model_int8"],
    /vision_model_fp16\.onnx \(fp16\) and text_model_int8\.onnx \(int8\)/,
  ],
  [
    ["vision_model_int8", "onnx/vision_model", "onnx/text_model", "text_model_int8"],
    ["onnx/vision_model", "onnx/text_model"],
  ],
  [
    ["onnx/vision_model_fp32", "vision_model_float32", "onnx/text_model", "text_model_float32"],
    ["vision_model_float32", "text_model_float32"],
  ],
  [
    ["vision_model_q4", "text_model_q4", "model"],
    ["vision_model_q4", "text_model_q4"],
  ],
  [["vision_model", "model_bnb4", "model_q4f16", "model_int8", "model_fp16"], ["model_fp16"]],
];
for (const [files, used, note] of choices) {
  test(`of ${files.join(", ")} the model is ${used.join(" with ")}`, async () => {
    await using model = await createTestModel();
    for (const file of files) {
      await model.write(`${file}.onnx`, "");
    }
    const read = await readModelDirectory(model.directory);
    const { graphs } = read;
    const names =
      graphs.layout === "split" ? [graphs.vision.file, graphs.text.file] : [graphs.model.file];
    assert.deepEqual(
      names,
      used.map((name) => `${name}.onnx`),
    );
    assert.ok(note === undefined ? read.note === undefined : note.test(read.note ?? ""), read.note);
  });
}

test("weights beside a graph count, whatever their file is called", async () => {
  await using model = await splitModel();
  const location = "0b6ff3f2-4f3d-4a52-9d68-0d8d0c3c7a11";
  const inside = await look(model);
  await model.write("vision_model.onnx", testVisionModel({ location }));
  await model.write(location, testImageWeights());
  const beside = await look(model);
  assert.ok(beside.files.includes(location));
  assert.equal(beside.probability, inside.probability);
  const others = testImageWeights();
  new DataView(others.buffer, others.byteOffset).setFloat32(0, 5, true);
  await model.write(location, others);
  const changed = await look(model);
  assert.notEqual(changed.sha256, beside.sha256);
  assert.notEqual(changed.probability, beside.probability);
});

test("weights of a graph in onnx/ are looked for beside it", async () => {
  await using model = await createTestModel();
  await model.write("onnx/vision_model.onnx", testVisionModel({ location: "weights/a.bin" }));
  await model.write("onnx/text_model.onnx", testTextModel());
  await model.write("onnx/weights/a.bin", testImageWeights());
  assert.ok((await look(model)).files.includes("onnx/weights/a.bin"));
});

const settings = {
  size: { shortest_edge: testImageSize },
  crop_size: { height: testImageSize, width: testImageSize },
  image_mean: [0.2, 0.4, 0.6],
  image_std: [0.5, 0.25, 0.5],
};

test("settings that transformers 5 nests into processor_config.json are those of its predecessor", async () => {
  await using model = await splitModel();
  await model.write("preprocessor_config.json", JSON.stringify(settings));
  const flat = await look(model);
  await model.remove("preprocessor_config.json");
  const nested = { processor_class: "CLIPProcessor", image_processor: settings };
  await model.write("processor_config.json", JSON.stringify(nested));
  const inProcessor = await look(model);
  assert.equal(inProcessor.probability, flat.probability);
  assert.ok(inProcessor.files.includes("processor_config.json"));
  const others = { image_processor: { ...settings, image_mean: [0, 0, 0] } };
  await model.write("processor_config.json", JSON.stringify(others));
  const changed = await look(model);
  assert.notEqual(changed.sha256, inProcessor.sha256);
  assert.notEqual(changed.probability, inProcessor.probability);
});

test("settings in a folder or a language that is not read are refused; a mark before JSON is not", async () => {
  await using model = await splitModel();
  await model.write("preprocessor_config.json", `\ufeff${JSON.stringify(settings)}`);
  await readModelDirectory(model.directory);
  for (const [name, content] of [
    ["feature_extractor/preprocessor_config.json", JSON.stringify(settings)],
    ["preprocess.yaml", "image_mean: [0, 0, 0]\n"],
    ["preprocessor_config.json", " ".repeat(1024 * 1024) + JSON.stringify(settings)],
  ] as const) {
    await model.remove("preprocessor_config.json");
    await model.write(name, content);
    await assert.rejects(readModelDirectory(model.directory), (error) => {
      return error instanceof ModelError && error.message.includes(name);
    });
    await model.remove(name);
    await model.write("preprocessor_config.json", JSON.stringify(settings));
  }
});

test("exports with names of their own are taken by a map, and count like others", async () => {
  await using model = await splitModel();
  const usual = await look(model);
  await model.remove("vision_model.onnx");
  await model.remove("text_model.onnx");
  await model.write(
    "visual/model.onnx",
    testVisionModel({ input: "IMAGE", imageOutput: "features" }),
  );
  await model.write("textual/model.onnx", testTextModel({ input: "TEXT", sequence: 77 }));
  await model.write(
    "turntable.json",
    JSON.stringify({
      logit_scale: 9,
      graphs: {
        vision: { file: "visual/model.onnx", pixel_values: "IMAGE", image_embeds: "features" },
        text: { file: "./textual/model.onnx", input_ids: "TEXT" },
      },
    }),
  );
  const mapped = await look(model);
  assert.equal(mapped.probability, usual.probability);
  assert.ok(mapped.files.includes("visual/model.onnx"));
  assert.ok(mapped.files.includes("textual/model.onnx"));
});
