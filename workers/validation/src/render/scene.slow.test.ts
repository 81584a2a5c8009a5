import assert from "node:assert/strict";
import { test } from "node:test";
import { orbitCamera } from "./camera.ts";
import { startCpuRenderer } from "./cpu/index.ts";
import { renderReference } from "./cpu/reference.ts";
import { psnr } from "./image.ts";
import { createScene } from "./scene.ts";
import { createTestSplat } from "./test-scenes.ts";

test("band 0 alone, without a clamp: what is darker than black darkens what is before it", async () => {
  const splat = createTestSplat({ count: 400, shDegree: 1, seed: 3 });
  splat.shDc.fill(-4, 0, 600); // a colour of -0.63
  const clamped = createScene(splat);
  const unclamped = createScene(splat, { colours: "band-0-unclamped" });
  assert.deepEqual([clamped.shDegree, unclamped.shDegree], [1, 0]);
  const camera = orbitCamera(
    { azimuthDeg: 20, elevationDeg: 10, radius: 2.5 },
    { size: 64, fovyDeg: 49.1 },
  );
  await using renderer = await startCpuRenderer(1);
  const [picture] = await renderer.render(unclamped, [camera], [1, 1, 1]);
  assert.ok(picture !== undefined);
  assert.ok(psnr(picture, renderReference(unclamped, camera, [1, 1, 1])) > 70);
  const flat = { ...splat, shDegree: 0 as const, shRest: new Float32Array(0) };
  const [bright] = await renderer.render(createScene(flat), [camera], [1, 1, 1]);
  assert.ok(bright !== undefined);
  assert.ok(psnr(picture, bright) < 40, "the clamp made no difference");
  const sum = (pixels: Uint8Array): number => pixels.reduce((total, value) => total + value, 0);
  assert.ok(sum(picture.pixels) < sum(bright.pixels));
});
