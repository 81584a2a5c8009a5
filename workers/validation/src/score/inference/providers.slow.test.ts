/** What runs a model: agreement of webgpu with the CPU, and what is said where something else than asked for runs. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { encodeModel, type Node } from "../../../test/onnx/index.ts";
import {
  createTestModel,
  testCombinedModel,
  testImageSize,
  testTextModel,
  testVisionModel,
} from "../../../test/test-model.ts";
import { DeviceError, listGpus } from "../../gpu/index.ts";
import type { RgbImage } from "../../render/index.ts";
import { defaultModelDir, loadClip } from "../clip.ts";
import { ModelError } from "../errors.ts";
import { describePlacement } from "./placement.ts";

const { env } = process;
const onGpu = { executionProvider: "webgpu", env, allowSoftwareGpu: true } as const;
const gpus = await listGpus({ env, allowSoftware: true });
const skip = gpus.length === 0 ? "Vulkan has no GPU" : false;
/** On a view's probability. */
const tolerance = 1e-3;
const prompt = "a red ball";
const images = [10, 80, 200].map((value): RgbImage => {
  const size = testImageSize * 4;
  const pixels = Uint8Array.from({ length: size * size * 3 }, (_, i) => (value + i * 7) % 256);
  return { width: size, height: size, pixels };
});

/** @returns the probabilities */
async function assertAgrees(directory: string): Promise<readonly number[]> {
  await using cpu = await loadClip(directory);
  await using webgpu = await loadClip(directory, onGpu);
  assert.equal(webgpu.executionProvider, "webgpu");
  assert.ok(webgpu.placement.onProvider > 0);
  const expected = await cpu.probabilities(prompt, images);
  for (const [view, probability] of (await webgpu.probabilities(prompt, images)).entries()) {
    const difference = Math.abs(probability - (expected[view] ?? Number.NaN));
    assert.ok(difference <= tolerance, `view ${view} differs by ${difference}`);
  }
  return expected;
}

test("webgpu agrees with the CPU: the built-in model", { skip }, async () => {
  await assertAgrees(defaultModelDir);
});

test("webgpu agrees with the CPU: a split and a combined model", { skip }, async () => {
  await using split = await createTestModel();
  await split.write("vision_model.onnx", testVisionModel());
  await split.write("text_model.onnx", testTextModel({ ids: "int32" }));
  await split.write("turntable.json", JSON.stringify({ logit_scale: 9 }));
  const probabilities = await assertAgrees(split.directory);
  // Near 0 and 1 a fault would not show.
  assert.ok(probabilities.some((value) => value > 0.05 && value < 0.95));
  await using combined = await createTestModel();
  await combined.write("model.onnx", testCombinedModel({ ids: "int32" }));
  await assertAgrees(combined.directory);
});

test("operators that fall back to the CPU are counted by their kind", { skip }, async () => {
  await using model = await createTestModel();
  await model.write("vision_model.onnx", testVisionModel());
  await model.write("text_model.onnx", testTextModel({ ids: "int64" }));
  await using clip = await loadClip(model.directory, onGpu);
  assert.deepEqual(clip.placement.onCpu, { Cast: 1 });
  assert.match(
    describePlacement(clip.executionProvider, clip.placement),
    /^\d+ operators on webgpu, 1 on the CPU: Cast 1$/,
  );
});

test("a process that dies fails the pictures in work, and the next have another", {
  skip,
}, async () => {
  await using model = await createTestModel();
  await model.write("vision_model.onnx", testVisionModel());
  await model.write("text_model.onnx", testTextModel());
  await using clip = await loadClip(model.directory, onGpu);
  const before = await clip.probabilities(prompt, images);
  const [pid] = await children();
  assert.ok(pid !== undefined);
  const dying = clip.probabilities(prompt, images);
  process.kill(pid, "SIGKILL");
  await assert.rejects(dying, (error) => error instanceof DeviceError && error.code === "crashed");
  assert.deepEqual(await clip.probabilities(prompt, images), before);
});

test("an int8 model stays on the CPU, and that is said", async () => {
  await using model = await createTestModel();
  await model.write("vision_model.onnx", quantisedVisionModel());
  await model.write("text_model.onnx", testTextModel());
  await using clip = await loadClip(model.directory, onGpu);
  assert.equal(clip.executionProvider, "cpu");
  assert.match(clip.note ?? "", /an int8 model runs on the cpu, not on webgpu/);
});

test("webgpu is refused where there is no GPU, and auto takes the CPU", async () => {
  const names = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];
  const before = names.map((name) => process.env[name]);
  for (const name of names) {
    process.env[name] = "/nonexistent";
  }
  try {
    await assert.rejects(loadClip(defaultModelDir, onGpu), (error) => {
      assert.ok(error instanceof ModelError && error.code === "execution-provider");
      assert.match(error.message, /webgpu cannot be used: Vulkan offers no GPU/);
      return true;
    });
    await using clip = await loadClip(defaultModelDir, { executionProvider: "auto", env });
    assert.equal(clip.executionProvider, "cpu");
  } finally {
    for (const [index, name] of names.entries()) {
      delete process.env[name];
      if (before[index] !== undefined) {
        process.env[name] = before[index];
      }
    }
  }
});

/** The mean of each channel through an int8 matrix. */
function quantisedVisionModel(): Uint8Array {
  const node = (op: string, inputs: readonly string[], outputs: readonly string[]): Node => ({
    ...{ op, inputs, outputs },
  });
  const bytes = new Uint8Array(Int8Array.from({ length: 12 }, (_, i) => i * 5 - 30).buffer);
  const means = { axes: { ints: [2, 3] }, keepdims: { int: 0 } };
  const edge = testImageSize;
  return encodeModel({
    name: "vision",
    inputs: [{ name: "pixel_values", type: "float32", shape: ["batch", 3, edge, edge] }],
    outputs: [{ name: "image_embeds", type: "float32", shape: ["batch", 4] }],
    initializers: [{ name: "weights", type: "int8", shape: [3, 4], bytes }],
    nodes: [
      { ...node("ReduceMean", ["pixel_values"], ["means"]), attributes: means },
      node("DynamicQuantizeLinear", ["means"], ["bytes", "scale", "zero"]),
      node("MatMulInteger", ["bytes", "weights", "zero"], ["sums"]),
      { ...node("Cast", ["sums"], ["image_embeds"]), attributes: { to: { int: 1 } } },
    ],
  });
}

/** Process ids of this process' children. */
async function children(): Promise<readonly number[]> {
  const tasks = await readdir("/proc/self/task");
  const lists = tasks.map((task) => readFile(`/proc/self/task/${task}/children`, "utf8"));
  return (await Promise.all(lists)).join(" ").split(" ").filter(Boolean).map(Number);
}
