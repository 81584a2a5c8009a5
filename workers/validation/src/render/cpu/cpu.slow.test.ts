import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Splat } from "@turntable/splat";
import { orbitCamera, psnr, type RgbImage } from "../index.ts";
import { createScene } from "../scene.ts";
import { createTestSplat, extremeChanges } from "../test-scenes.ts";
import { startCpuRenderer } from "./index.ts";
import { renderReference } from "./reference.ts";

const white = [1, 1, 1] as const;
const projection = { size: 96, fovyDeg: 49.1 };
const cameras = [0, 75, 200, 310].map((azimuthDeg, index) =>
  orbitCamera({ azimuthDeg, elevationDeg: index * 13 - 20, radius: 1.5 }, projection),
);

async function render(splat: Splat, threads: number): Promise<readonly RgbImage[]> {
  await using renderer = await startCpuRenderer(threads);
  return await renderer.render(createScene(splat), cameras, white);
}

/** To compare pictures by: what differs in thousands of bytes is not worth printing. */
function hashes(images: readonly RgbImage[]): readonly string[] {
  return images.map(({ pixels }) => createHash("sha256").update(pixels).digest("hex"));
}

for (const shDegree of [0, 1, 2, 3] as const) {
  test(`agrees with the plain float64 rasteriser at SH degree ${shDegree}`, async () => {
    const splat = createTestSplat({ count: 3_000, shDegree });
    const scene = createScene(splat);
    for (const [index, image] of (await render(splat, 2)).entries()) {
      const camera = cameras[index];
      assert.ok(camera !== undefined);
      const db = psnr(image, renderReference(scene, camera, white));
      assert.ok(db >= 80, `view ${index}: ${db.toFixed(1)} dB`);
    }
  });
}

test("gives the same bytes whatever the number of threads, and again", async () => {
  const splat = createTestSplat({ count: 2_000, shDegree: 1 });
  const one = hashes(await render(splat, 1));
  assert.deepEqual(hashes(await render(splat, 3)), one);
  assert.deepEqual(hashes(await render(splat, 1)), one);
});

for (const [name, change] of Object.entries(extremeChanges(1.5))) {
  test(`lives through ${name}`, async () => {
    const splat: Splat = { ...createTestSplat({ count: 2 }), ...change };
    const images = await render(splat, 1);
    assert.equal(images.length, cameras.length);
    for (const image of images) {
      assert.equal(image.pixels.length, 96 * 96 * 3);
    }
  });
}

test("an empty view is the background", async () => {
  const splat = { ...createTestSplat({ count: 1 }), positions: Float32Array.of(900, 0, 0) };
  for (const image of await render(splat, 1)) {
    assert.ok(image.pixels.every((value) => value === 255));
  }
});

/** A render that is over after its first view, by what is done when that comes. */
async function interrupted(onFirst: (stop: AbortController) => void): Promise<unknown> {
  await using renderer = await startCpuRenderer(2);
  const scene = createScene(createTestSplat({ count: 2_000 }));
  const many = Array.from({ length: 500 }, (_, index) => cameras[index % 4] ?? assert.fail());
  const stop = new AbortController();
  let seen = 0;
  const onView = (): void => {
    seen += 1;
    onFirst(stop);
  };
  const why = await renderer.render(scene, many, white, { onView, signal: stop.signal }).then(
    () => assert.fail("it went on"),
    (error: unknown) => error,
  );
  assert.equal(seen, 1);
  const again = await renderer.render(scene, cameras, white);
  assert.deepEqual(hashes(again), hashes(await render(createTestSplat({ count: 2_000 }), 1)));
  return why;
}

test("an aborted render gives no more views and leaves the renderer in use", async () => {
  const reason = new Error("not wanted any more");
  assert.equal(await interrupted((stop) => stop.abort(reason)), reason);
});

test("so does one whose views nobody can take", async () => {
  const reason = new Error("no room");
  assert.equal(
    await interrupted(() => {
      throw reason;
    }),
    reason,
  );
});

test("a signal that is aborted after its render stops no other one", async () => {
  await using renderer = await startCpuRenderer(2);
  const scene = createScene(createTestSplat({ count: 2_000 }));
  const over = new AbortController();
  const first = await renderer.render(scene, cameras, white, { signal: over.signal });
  const many = Array.from({ length: 60 }, (_, index) => cameras[index % 4] ?? assert.fail());
  const images = await renderer.render(scene, many, white, { onView: () => over.abort() });
  const expected = hashes(first);
  assert.deepEqual(
    hashes(images),
    many.map((_, index) => expected[index % 4]),
  );
});

test("a second asset is refused while one is drawn", async () => {
  await using renderer = await startCpuRenderer(2);
  const scene = createScene(createTestSplat({ count: 2_000 }));
  const first = renderer.render(scene, cameras, white);
  await assert.rejects(renderer.render(scene, cameras, white), /one at a time/);
  assert.equal((await first).length, cameras.length);
});

test("pictures that are handed back become the next ones' memory, others stay as they are", async () => {
  await using renderer = await startCpuRenderer(2);
  const scene = createScene(createTestSplat({ count: 2_000 }));
  const render = async (background: readonly [number, number, number]) =>
    await renderer.render(scene, cameras, background);
  const onBlack = await render([0, 0, 0]);
  const expected = hashes(onBlack);

  const onWhite = await render(white);
  assert.deepEqual(hashes(onBlack), expected);
  renderer.recycle?.(onWhite);
  const again = await render([0, 0, 0]);
  assert.deepEqual(hashes(again), expected);
  assert.equal(again[0]?.pixels.buffer, onWhite[0]?.pixels.buffer);
  const larger = await renderer.render(scene, [...cameras, ...cameras], [0, 0, 0]);
  assert.deepEqual(hashes(larger), [...expected, ...expected]);
});
