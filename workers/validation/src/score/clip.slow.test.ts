import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import {
  createTestModel,
  type TestGraphOptions,
  type TestModel,
  testCombinedModel,
  testImageSize,
  testTextModel,
  testTokenizerJson,
  testVisionModel,
  testWeights,
} from "../../test/test-model.ts";
import type { RgbImage } from "../render/index.ts";
import { defaultModelDir, loadClip, negatives } from "./index.ts";
import { readModelDirectory } from "./model-directory.ts";
import { createTokenizer } from "./tokenizer.ts";

const images = [10, 80, 200].map((value) => flat([value, 255 - value, 90]));
const prompt = "a somewhat long prompt, so that others are padded";

const forms: Readonly<Record<string, TestGraphOptions>> = {
  plain: {},
  "16-bit floats, 32-bit ids": { pixels: "float16", ids: "int32" },
  "an attention mask": { mask: true },
  "one input at a time": { batch: 1 },
  "batches of a fixed length, texts of 77 tokens": { batch: 2, sequence: 77, mask: true },
};
for (const [form, options] of Object.entries(forms)) {
  test(`a split model computes what it says: ${form}`, async () => {
    await using model = await createTestModel();
    await model.write("onnx/vision_model.onnx", testVisionModel(options));
    await model.write("onnx/text_model.onnx", testTextModel(options));
    await model.write("turntable.json", JSON.stringify({ logit_scale: 9 }));
    await using clip = await loadClip(model.directory);
    const actual = await clip.probabilities(prompt, images);
    const expected = forward(prompt, 9, options.mask ?? false);
    assertNear(actual, expected, options.pixels === "float16" ? 2e-3 : 1e-6);
  });
}

for (const mask of [false, true]) {
  test(`a combined model's own logit scale counts${mask ? ", with a mask" : ""}`, async () => {
    await using model = await createTestModel();
    await model.write("model.onnx", testCombinedModel({ mask }));
    await model.write("turntable.json", JSON.stringify({ logit_scale: 9 }));
    await using clip = await loadClip(model.directory, { batchSize: 2 });
    const actual = await clip.probabilities(prompt, images);
    assertNear(actual, forward(prompt, testWeights.logitScale, mask), 1e-5);
  });
}

test("the logit scale of a split model is 100 when nothing else is said", async () => {
  await using model = await createTestModel();
  await model.write("vision_model.onnx", testVisionModel());
  await model.write("text_model.onnx", testTextModel());
  await using clip = await loadClip(model.directory);
  assertNear(await clip.probabilities(prompt, images), forward(prompt, 100, false), 1e-4);
});

test("views that come in any order get their own probabilities, whatever the batch", async () => {
  await using model = await splitModel();
  await using clip = await loadClip(model.directory, { batchSize: 2 });
  const expected = forward(prompt, 9, false);
  for (const waitsForLast of [false, true]) {
    const scoring = clip.startViews(prompt, { waitsForLast });
    for (const view of [2, 0, 1]) {
      scoring.add(view, images[view] ?? flat([0, 0, 0]));
    }
    assertNear(await scoring.finish(), expected, 1e-6);
  }
});

test("the hash is what sha256sum prints, and follows every file that counts", async () => {
  await using model = await createTestModel();
  await model.write("vision_model.onnx", testVisionModel());
  await model.write("text_model.onnx", testTextModel());
  await model.write("README.md", "not part of it");
  await model.write("vision_model.onnx_data", "nor are weights that no graph names");
  const { files, sha256 } = await readModelDirectory(model.directory);
  assert.deepEqual(files, [
    "config.json",
    "preprocessor_config.json",
    "text_model.onnx",
    "tokenizer.json",
    "vision_model.onnx",
  ]);
  const printed = execFileSync("sh", ["-c", 'sha256sum "$@" | sha256sum', "sh", ...files], {
    cwd: model.directory,
    encoding: "utf8",
  });
  assert.equal(Buffer.from(sha256).toString("hex"), printed.slice(0, 64));
});

test("an aborted caller is let go and the next one is served", async () => {
  await using model = await splitModel();
  await using clip = await loadClip(model.directory, { batchSize: 1 });
  const controller = new AbortController();
  const reason = new Error("enough");
  const many = Array.from({ length: 50 }, () => flat([220, 30, 30]));
  const stopped = clip.probabilities(prompt, many, controller.signal);
  controller.abort(reason);
  await assert.rejects(stopped, (error) => error === reason);
  await assert.rejects(
    clip.probabilities(prompt, many, AbortSignal.abort(reason)),
    (error) => error === reason,
  );
  assertNear(await clip.probabilities(prompt, images), forward(prompt, 9, false), 1e-6);
});

test("an aborted caller does not wait for the one before it", async () => {
  await using clip = await loadClip(defaultModelDir, { batchSize: 1 });
  const ended: string[] = [];
  const image = flat([220, 30, 30], 256);
  const first = clip.probabilities(
    "a red cube",
    Array.from({ length: 30 }, () => image),
  );
  const controller = new AbortController();
  const second = clip.probabilities("a red cube", [image], controller.signal);
  const both = [
    first.then(() => ended.push("first")),
    second.catch(() => ended.push("second, aborted")),
  ];
  controller.abort();
  await Promise.all(both);
  assert.deepEqual(ended, ["second, aborted", "first"]);
});

test("the event loop runs on while the model does", async () => {
  await using clip = await loadClip(defaultModelDir);
  const many = Array.from({ length: 12 }, () => flat([220, 30, 30], 512));
  let turns = 0;
  let running = true;
  const turn = (): void => {
    turns++;
    if (running) {
      setImmediate(turn);
    }
  };
  turn();
  await clip.probabilities("a red cube", many);
  running = false;
  assert.ok(turns > 20, `${turns} turns`);
});

/** With a logit scale of 9. */
async function splitModel(): Promise<TestModel> {
  const model = await createTestModel();
  await model.write("vision_model.onnx", testVisionModel());
  await model.write("text_model.onnx", testTextModel());
  await model.write("turntable.json", JSON.stringify({ logit_scale: 9 }));
  return model;
}

/** The test models in plain numbers. Source: spread of ids and means as test-model.ts builds them. */
function forward(text: string, scale: number, mask: boolean): readonly number[] {
  const tokenizer = createTokenizer({ tokenizerJson: testTokenizerJson }, 77);
  const { image: weights, text: textWeights, textBias } = testWeights;
  const texts = [...negatives, text].map((each) => {
    const ids = tokenizer.encode(each);
    const pooled = mask ? ids.reduce((a, b) => a + b, 0) : Math.min(...ids);
    return textWeights.map((weight, i) => weight * pooled + (textBias[i] ?? 0));
  });
  return images.map(({ pixels }) => {
    const means = [0, 1, 2].map((channel) => (pixels[channel] ?? 0) / 255);
    const embedding = [0, 1, 2, 3].map((i) =>
      means.reduce((sum, mean, channel) => sum + mean * (weights[channel * 4 + i] ?? 0), 0),
    );
    const exps = texts.map((each) => Math.exp(scale * cosine(embedding, each)));
    return (exps.at(-1) ?? Number.NaN) / exps.reduce((a, b) => a + b, 0);
  });
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function flat(rgb: readonly [number, number, number], size = testImageSize): RgbImage {
  const pixels = new Uint8Array(size * size * 3);
  for (let i = 0; i < pixels.length; i += 3) {
    pixels.set(rgb, i);
  }
  return { width: size, height: size, pixels };
}

function assertNear(actual: readonly number[], expected: readonly number[], tolerance: number) {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, index) => {
    const difference = Math.abs(value - (actual[index] ?? Number.NaN));
    assert.ok(difference <= tolerance, `${index}: ${actual[index]}, not ${value}`);
  });
  // Equal numbers everywhere would prove little.
  assert.ok(new Set(expected.map((value) => value.toFixed(4))).size > 1, `${expected}`);
}
