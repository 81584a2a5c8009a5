import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Clip, defaultModelDir, loadClip } from "./clip.ts";
import { ModelError } from "./errors.ts";
import { checkModel, recordModel } from "./self-test.ts";

async function copyOfModel(): Promise<AsyncDisposable & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), "turntable-model-"));
  await cp(defaultModelDir, directory, { recursive: true });
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

const failsTest = (pattern: RegExp) => (error: unknown) =>
  error instanceof ModelError && error.code === "self-test" && pattern.test(error.message);

test("the built-in model gives what was recorded", async () => {
  await using clip = await loadClip(defaultModelDir, { threads: 1 });
  const { against, difference } = await checkModel(clip, defaultModelDir);
  assert.equal(against, "recorded");
  assert.ok(difference < 1e-5, String(difference));
});

test("a device that computes wrongly is found by what was recorded", async () => {
  await using clip = await loadClip(defaultModelDir, { threads: 1 });
  const wrongBy = (change: (value: number) => number): Pick<Clip, "probabilities"> => ({
    probabilities: async (...args) => (await clip.probabilities(...args)).map(change),
  });
  for (const [change, message] of [
    [(value: number) => value + 0.002, /probabilities 0.0020 off what it gives elsewhere/],
    [() => 0.5, /off what it gives elsewhere/],
    [() => Number.NaN, /no probabilities/],
  ] as const) {
    const broken = { ...clip, ...wrongBy(change) };
    await assert.rejects(checkModel(broken, defaultModelDir), failsTest(message));
  }
});

test("a model whose weights were changed is not the one that was recorded", async () => {
  await using model = await copyOfModel();
  const file = join(model.directory, "onnx/vision_model.onnx");
  const bytes = await readFile(file);
  bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 4096);
  await writeFile(file, bytes);
  await using clip = await loadClip(model.directory, { threads: 1 });
  await assert.rejects(checkModel(clip, model.directory), failsTest(/files are not those/));
  // On purpose: what it gives from now on is right.
  await recordModel(clip, model.directory);
  assert.equal((await checkModel(clip, model.directory)).difference, 0);
});

test("without a record a picture has to count the same, whatever is beside it", async () => {
  await using model = await copyOfModel();
  await rm(join(model.directory, "selftest.json"));
  await using clip = await loadClip(model.directory, { threads: 1 });
  assert.equal((await checkModel(clip, model.directory)).against, "batches");
  const broken: Clip = {
    ...clip,
    probabilities: async (prompt, images, signal) =>
      images.length > 1 ? images.map(() => 0.5) : await clip.probabilities(prompt, images, signal),
  };
  await assert.rejects(checkModel(broken, model.directory), failsTest(/the same pictures alone/));
});

test("a record that is none is named", async () => {
  await using model = await copyOfModel();
  await writeFile(join(model.directory, "selftest.json"), '{"prompt":"a red ball"}');
  await using clip = await loadClip(model.directory, { threads: 1 });
  await assert.rejects(checkModel(clip, model.directory), { code: "configuration" });
});
