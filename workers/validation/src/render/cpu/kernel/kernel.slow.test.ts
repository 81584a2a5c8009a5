import assert from "node:assert/strict";
import { test } from "node:test";
import { orbitCamera } from "../../camera.ts";
import { psnr } from "../../image.ts";
import { createScene } from "../../scene.ts";
import { createTestSplat } from "../../test-scenes.ts";
import { renderReference } from "../reference.ts";
import {
  createSharedMemory,
  ensureBytes,
  firstFreeByte,
  loadRasteriser,
  startRasteriser,
} from "./host.ts";
import { aligned, cameraBytes, sceneBytes, writeCamera, writeScene } from "./layout.ts";

test("lists made in many portions give the same picture, of any size", () => {
  const scene = createScene(createTestSplat({ count: 4_000 }));
  const memory = createSharedMemory();
  const kernel = startRasteriser(loadRasteriser(), memory);
  for (const size of [1, 33, 130]) {
    const camera = orbitCamera(
      { azimuthDeg: 30, elevationDeg: 10, radius: 1.2 },
      { size, fovyDeg: 49.1 },
    );
    const render = (listCapacity: number): Uint8Array => {
      const cameraAt = firstFreeByte + aligned(sceneBytes(scene));
      const scratchAt = cameraAt + cameraBytes;
      ensureBytes(memory, scratchAt + kernel.scratchBytes(scene.count, size, listCapacity));
      const count = writeScene(memory.buffer, firstFreeByte, scene);
      writeCamera(memory.buffer, cameraAt, camera);
      const at = kernel.renderView(
        ...([
          firstFreeByte,
          count,
          0,
          cameraAt,
          size,
          0.2,
          0.5,
          1,
          scratchAt,
          listCapacity,
        ] as const),
      );
      return new Uint8Array(memory.buffer, at, size * size * 3).slice();
    };
    const whole = render(1 << 20);
    assert.deepEqual(render(64), whole);
    const reference = renderReference(scene, camera, [0.2, 0.5, 1]);
    const db = psnr({ width: size, height: size, pixels: whole }, reference);
    assert.ok(db >= 75, `${size} pixels: ${db.toFixed(1)} dB`);
  }
});
