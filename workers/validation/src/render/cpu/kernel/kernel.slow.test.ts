import assert from "node:assert/strict";
import { test } from "node:test";
import { type Camera, orbitCamera } from "../../camera.ts";
import { psnr, type RgbImage } from "../../image.ts";
import { createScene, type Scene } from "../../scene.ts";
import { createTestSplat, extremeChanges } from "../../test-scenes.ts";
import { renderReference } from "../reference.ts";
import {
  createSharedMemory,
  ensureBytes,
  firstFreeByte,
  startRasteriser,
  tileDrawer,
  tilesOf,
} from "./host.ts";
import {
  aligned,
  cameraBytes,
  placeScene,
  sceneBytes,
  writeCamera,
  writeSplats,
} from "./layout.ts";
import { loadBlendRecords, loadRasteriser } from "./load.ts";

const memory = createSharedMemory();
const kernel = startRasteriser(loadRasteriser(), memory);

/** @param drawAll draws the tiles of a view whose records had room */
function render(
  scene: Scene,
  camera: Camera,
  listCapacity: number,
  drawAll: (tiles: number) => void = drawInOrder,
): { readonly image: RgbImage; readonly hadRoom: boolean } {
  const { size } = camera;
  const cameraAt = firstFreeByte + aligned(sceneBytes(scene));
  const threadAt = cameraAt + cameraBytes;
  const viewAt = threadAt + kernel.threadBytes(scene.count);
  ensureBytes(memory, viewAt + kernel.viewBytes(scene.count, size, listCapacity));
  const placed = placeScene(scene, firstFreeByte);
  writeSplats(memory.buffer, placed);
  writeCamera(memory.buffer, cameraAt, camera);
  const at = kernel.useAreas(threadAt, viewAt, placed.count, size, listCapacity, 0.2, 0.5, 1);
  const hadRoom = kernel.projectView(placed.at, placed.shDegree, cameraAt) !== 0;
  if (hadRoom) {
    drawAll(tilesOf(size));
  } else {
    kernel.drawParts(placed.shDegree, cameraAt);
  }
  const pixels = new Uint8Array(memory.buffer, at, size * size * 3).slice();
  return { image: { width: size, height: size, pixels }, hadRoom };
}

function drawInOrder(tiles: number): void {
  for (let tile = 0; tile < tiles; tile++) {
    kernel.drawTile(tile);
  }
}

test("a view whose records have no room together is drawn in parts, with the same bytes, of any size", () => {
  const scene = createScene(createTestSplat({ count: 4_000 }));
  for (const size of [1, 33, 130]) {
    const camera = orbitCamera(
      { azimuthDeg: 30, elevationDeg: 10, radius: 1.2 },
      { size, fovyDeg: 49.1 },
    );
    const whole = render(scene, camera, 1 << 20);
    assert.ok(whole.hadRoom);
    const parts = render(scene, camera, 64);
    assert.equal(parts.hadRoom, size < 32);
    assert.deepEqual(parts.image.pixels, whole.image.pixels);
    const db = psnr(whole.image, renderReference(scene, camera, [0.2, 0.5, 1]));
    assert.ok(db >= 75, `${size} pixels: ${db.toFixed(1)} dB`);
  }
});

test("tiles can be drawn in any order", () => {
  const scene = createScene(createTestSplat({ count: 2_000 }));
  const camera = orbitCamera(
    { azimuthDeg: 30, elevationDeg: 10, radius: 1.2 },
    { size: 130, fovyDeg: 49.1 },
  );
  const backwards = (tiles: number): void => {
    for (let tile = tiles - 1; tile >= 0; tile--) {
      kernel.drawTile(tile);
    }
  };
  const expected = render(scene, camera, 1 << 20).image;
  assert.deepEqual(render(scene, camera, 1 << 20, backwards).image, expected);
});

/** How many of them a tile has decides how they are sorted. */
for (const count of [60, 1_500, 20_000]) {
  test(`${count} splats at one depth are blended in the order of the asset`, () => {
    const splat = createTestSplat({ count });
    for (let i = 0; i < count; i++) {
      splat.positions[i * 3 + 2] = 0;
    }
    splat.opacities.fill(1);
    const scene = createScene(splat);
    const camera = orbitCamera(
      { azimuthDeg: 0, elevationDeg: 0, radius: 3 },
      { size: 100, fovyDeg: 49.1 },
    );
    const { image } = render(scene, camera, 1 << 20);
    const db = psnr(image, renderReference(scene, camera, [0.2, 0.5, 1]));
    assert.ok(db >= 80, `${db.toFixed(1)} dB`);
  });
}

/** Splats of one kind, where each way through the pixel loop is taken: round or thin, from a fraction of a pixel up. */
const kinds = [
  ["splats far below a pixel", 1_500, 0.0004, 0],
  ["splats of a few pixels", 1_500, 0.004, 0],
  ["splats of two dozen pixels", 1_500, 0.02, 0],
  ["splats larger than a tile", 100, 0.15, 0],
  ["short needles", 1_500, 0.006, 3],
  ["long needles", 500, 0.1, 5],
] as const;

function sceneOf([, count, scale, thinness]: (typeof kinds)[number]): Scene {
  const splat = createTestSplat({ count });
  splat.scales.forEach((_, i) => {
    splat.scales[i] = Math.log(scale) - (i % 3 === 0 ? 0 : thinness);
  });
  return createScene(splat);
}

for (const kind of kinds) {
  test(`agrees with float64: ${kind[0]}`, () => {
    const scene = sceneOf(kind);
    const camera = orbitCamera(
      { azimuthDeg: 200, elevationDeg: -15, radius: 1.5 },
      { size: 150, fovyDeg: 49.1 },
    );
    const { image } = render(scene, camera, 1 << 20);
    const db = psnr(image, renderReference(scene, camera, [0.2, 0.5, 1]));
    assert.ok(db >= 80, `${db.toFixed(1)} dB`);
  });
}

const blendRecords = loadBlendRecords();
const skip =
  blendRecords === undefined && "the loop for AVX2 was not built, or this processor has none";

/** Scenes whose pictures by the processor's own vectors are held against those by WebAssembly. */
const compared: readonly (readonly [name: string, scene: () => Scene])[] = [
  ...kinds.map((kind) => [kind[0], () => sceneOf(kind)] as const),
  ...([0, 3] as const).map(
    (shDegree) =>
      [
        `all sizes together, SH degree ${shDegree}`,
        () => createScene(createTestSplat({ count: 20_000, shDegree })),
      ] as const,
  ),
  [
    "nothing",
    () => createScene({ ...createTestSplat({ count: 1 }), positions: Float32Array.of(900, 0, 0) }),
  ],
  ...Object.entries(extremeChanges(1.5)).map(
    ([name, change]) =>
      [name, () => createScene({ ...createTestSplat({ count: 2 }), ...change })] as const,
  ),
];

for (const [name, makeScene] of compared) {
  test(`AVX2 draws the same bytes: ${name}`, { skip }, () => {
    const scene = makeScene();
    for (const [size, radius] of [
      [1, 1.5],
      [33, 1.5],
      [256, 2.5],
      [300, 0.9],
    ] as const) {
      const camera = orbitCamera(
        { azimuthDeg: 200, elevationDeg: -15, radius },
        { size, fovyDeg: 49.1 },
      );
      const expected = render(scene, camera, 1 << 20);
      assert.ok(expected.hadRoom);
      const { image } = render(scene, camera, 1 << 20, (tiles) => {
        const drawTile = tileDrawer(kernel, memory, blendRecords);
        for (let tile = 0; tile < tiles; tile++) {
          drawTile(tile);
        }
      });
      const differing = image.pixels.findIndex((value, i) => value !== expected.image.pixels[i]);
      assert.equal(differing, -1, `${size} pixels`);
    }
  });
}

test("AVX2's loop refuses a tile and records that lie outside of the memory", { skip }, () => {
  const camera = orbitCamera(
    { azimuthDeg: 0, elevationDeg: 0, radius: 2 },
    { size: 64, fovyDeg: 49.1 },
  );
  render(createScene(createTestSplat({ count: 500 })), camera, 1 << 20, (tiles) => {
    const [open] = Array.from({ length: tiles }, (_, tile) => kernel.openTile(tile)).slice(-1);
    assert.ok(open !== undefined && blendRecords !== undefined);
    const header = new DataView(memory.buffer, open);
    const bytes = new Uint8Array(memory.buffer);
    const sorted = header.getUint32(68, true);
    assert.ok(header.getInt32(72, true) > 0);
    assert.throws(() => blendRecords(bytes, bytes.length - 4, 0), RangeError);
    assert.throws(() => blendRecords(bytes, open, -1), RangeError);
    assert.throws(() => blendRecords(bytes.subarray(0, sorted), open, 0), RangeError);
    for (const [at, value] of [
      [64, bytes.length - 100],
      [68, bytes.length - 4],
      [72, 0x7fffffff],
      [80, -32],
      [84, 33],
      [88, 0],
    ] as const) {
      const held = header.getInt32(at, true);
      header.setInt32(at, value, true);
      assert.throws(() => blendRecords(bytes, open, 0), RangeError, `field ${at}`);
      header.setInt32(at, held, true);
    }
    new DataView(memory.buffer).setUint32(sorted, bytes.length - 32, true);
    assert.throws(() => blendRecords(bytes, open, 0), RangeError);
  });
});
