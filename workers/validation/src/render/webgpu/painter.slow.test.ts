/** How the painter divides a view when room is short; within this process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceError } from "../../gpu/errors.ts";
import { vulkanEnvironment } from "../../gpu/index.ts";
import { type OpenDevice, openDevice } from "../../gpu/open-device.ts";
import { createScene, createTestSplat, orbitCamera } from "../index.ts";
import { createPainter } from "./painter.ts";

// The Vulkan loader of this process reads them.
Object.assign(process.env, vulkanEnvironment({ env: process.env, allowSoftware: true }));
let open: OpenDevice | undefined;
let skip: string | false = false;
try {
  open = await openDevice({ allowSoftware: true });
} catch (error) {
  if (!(error instanceof DeviceError)) {
    throw error;
  }
  skip = error.message;
}
const white = [1, 1, 1] as const;
const camera = orbitCamera(
  { azimuthDeg: 20, elevationDeg: 5, radius: 1.3 },
  { size: 80, fovyDeg: 49.1 },
);
const scene = createScene(createTestSplat({ count: 400, shDegree: 1 }));

async function paint(options: Parameters<typeof createPainter>[1]) {
  assert.ok(open !== undefined);
  const painter = createPainter(open, options);
  await painter.setScene(scene);
  const images = await Promise.all([painter.paint(camera, white), painter.paint(camera, white)]);
  return { images, work: painter.work };
}

test("lists that are too short grow, or the view is drawn in bands: the same bytes", {
  skip,
}, async () => {
  const { images, work } = await paint({});
  assert.deepEqual(images[0], images[1]);
  const { pairs } = work;
  assert.equal(work.readBytes, 2 * (16 + 80 * 80 * 4));
  const grown = await paint({ pairs: 10 });
  assert.deepEqual(grown.images, images);
  assert.equal(grown.work.pairs, pairs);
  const inBands = await paint({ pairs: 10, mostPairs: Math.ceil(pairs / 4) });
  assert.deepEqual(inBands.images, images);
  assert.equal(inBands.work.pairs, pairs);
  assert.ok(inBands.work.readBytes > grown.work.readBytes);
});

test("a view costs no more work than it did", { skip }, async () => {
  const { work } = await paint({});
  // The counts are those of two views of this scene; more means that tiles list splats they do not see, or do not end
  // early. A driver's rounding may move a few.
  assert.ok(work.pairs <= 5_058 * 1.01, `${work.pairs} pairs`);
  assert.ok(work.evaluations <= 668_826 * 1.01, `${work.evaluations} evaluations`);
});

test("a row of tiles that no list can hold is refused", { skip }, async () => {
  await assert.rejects(paint({ mostPairs: 100 }), (error) => {
    assert.ok(error instanceof DeviceError && error.code === "too-large");
    assert.match(error.message, /a row of tiles takes \d+ pairs; there is room for 100/);
    return true;
  });
});
