/** A CLIP of the true shape on the webgpu execution provider: as on the CPU. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadClip, negatives } from "@turntable/validation";
import { listGpus } from "@turntable/validation/internal";
import { writeClipDirectory } from "../bench/clip-shape.ts";

const { env } = process;
const gpus = await listGpus({ env, allowSoftware: true });
const skip = gpus.length === 0 ? "Vulkan has no GPU" : false;
/** On a view's probability. */
const tolerance = 1e-3;
const prompt = "a red ball";

test("ViT-B/32 with one layer a tower: webgpu agrees with the CPU", { skip }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "turntable-clip-"));
  try {
    const words = [...negatives, prompt].flatMap((text) => text.split(" "));
    const shape = { patch: 32, weights: "fp32", layers: 1 } as const;
    await writeClipDirectory(directory, { ...shape, words: [...new Set(words)] });
    const pixels = Uint8Array.from({ length: 224 * 224 * 3 }, (_, i) => (i * 7 + (i >> 9)) % 256);
    const images = [{ width: 224, height: 224, pixels }];
    await using cpu = await loadClip(directory);
    await using webgpu = await loadClip(directory, {
      env,
      executionProvider: "webgpu",
      allowSoftwareGpu: true,
    });
    assert.ok(webgpu.placement.onProvider > 20);
    const [expected = Number.NaN] = await cpu.probabilities(prompt, images);
    const [actual = Number.NaN] = await webgpu.probabilities(prompt, images);
    assert.ok(expected > 1e-4 && expected < 1 - 1e-4, `${expected} says nothing`);
    assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, on the CPU ${expected}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
