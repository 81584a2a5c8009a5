import assert from "node:assert/strict";
import { test } from "node:test";
import type { Splat } from "@turntable/splat";
import { createRandom, samplePrompt } from "../grammar/index.ts";
import { generate } from "./generate.ts";
import { maxExtent, maxRadius } from "./layout.ts";

test("1,000 random prompts keep the bounds of count and extent", () => {
  const random = createRandom(2026);
  for (let i = 0; i < 1000; i++) {
    const { prompt } = samplePrompt(random);
    const splats = 1200;
    const { splat, unknownWords } = generate({ prompt, seed: i, splats });
    assert.deepEqual(unknownWords, [], prompt);
    assert.ok(splat.count <= splats && splat.count > 0.6 * splats, `${prompt}: ${splat.count}`);
    const { radius, extent } = reachOf(splat);
    assert.ok(extent <= maxExtent * 1.02, `${prompt}: ${extent} wide`);
    assert.ok(radius <= maxRadius * 1.02, `${prompt}: reaches ${radius}`);
    assert.ok(radius > 0.2, `${prompt}: reaches only ${radius}`);
    for (const values of [
      splat.positions,
      splat.scales,
      splat.rotations,
      splat.shDc,
      splat.opacities,
    ]) {
      assert.ok(values.every(Number.isFinite), prompt);
    }
  }
});

/** Largest distance of a splat from the origin, and of two along an axis. */
function reachOf({ positions }: Splat): { readonly radius: number; readonly extent: number } {
  let radius = 0;
  let extent = 0;
  for (let i = 0; i < positions.length; i += 3) {
    const [x = 0, y = 0, z = 0] = positions.subarray(i, i + 3);
    radius = Math.max(radius, Math.hypot(x, y, z));
  }
  for (const axis of [0, 1, 2]) {
    const values = positions.filter((_, i) => i % 3 === axis);
    const high = values.reduce((a, b) => Math.max(a, b));
    extent = Math.max(extent, high - values.reduce((a, b) => Math.min(a, b)));
  }
  return { radius, extent };
}
