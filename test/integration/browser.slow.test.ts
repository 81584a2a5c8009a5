/** What the page does with assets, in a browser: decodes them, draws what was scored, and shows them. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { defaultAssetLimits, writePly, writeSpz } from "@turntable/splat";
import { writeHdf5 } from "@turntable/splat/hdf5";
import { ball, createRandom, originals } from "@turntable/splat/test";
import { createTestSplat, psnr } from "@turntable/validation";
import { type BundlePage, openBundle } from "../harness/browser-bundle.ts";
import { chromiumMissing } from "../harness/chromium.ts";
import { assertSameSplats, type NamedFile, pathOf } from "./same-splats.ts";
import { hashOf, imageOf, scoredPictures, someViews } from "./scored-views.ts";

const large = ball(30_000, createRandom(4));
const scene: NamedFile = {
  name: "scene.ply",
  bytes: writePly(createTestSplat({ count: 3_000, shDegree: 2, seed: 17 })),
};
const broken: readonly NamedFile[] = [
  { name: "a cut spz", bytes: writeSpz(large).subarray(0, 20_000) },
  { name: "text", bytes: Buffer.from("this is no asset") },
];
/** Of a few kilobytes. */
const bomb: NamedFile = {
  name: "bomb.ply",
  bytes: zstdCompressSync(Buffer.alloc(defaultAssetLimits.maxDecompressedBytes + 1, "ply\n")),
};

describe("in a browser", { skip: chromiumMissing }, () => {
  const formats: NamedFile[] = [];
  let bundle: BundlePage;
  before(async () => {
    const made = (await originals()).filter(({ name }) => !name.startsWith("webp"));
    formats.push(
      ...made.map(({ name, bytes }) => ({
        name,
        bytes,
        ...(name === "splat" ? { format: "splat" } : {}),
      })),
    );
    const unusual = Uint8Array.from(await writeHdf5(ball(40, createRandom(1))));
    unusual[16] = 8; // wider leaves of trees: for the HDF5 library
    const ply = writePly(large);
    formats.push(
      { name: "hdf5 for the library", bytes: unusual },
      { name: "large spz in zstd", bytes: writeSpz(large) },
      { name: "large spz 4", bytes: writeSpz(large, { version: 4 }) },
      { name: "large ply in gzip", bytes: gzipSync(ply) },
      { name: "large ply in zstd", bytes: zstdCompressSync(ply) },
      { name: "ply in gzip in zstd", bytes: zstdCompressSync(gzipSync(ply)) },
    );
    const files = [...formats, ...broken, scene, bomb];
    bundle = await openBundle(
      fileURLToPath(import.meta.resolve("@turntable/web/test-page")),
      new Map(files.map((file) => [pathOf(file), file.bytes])),
    );
    await bundle.page.emulateMedia({ reducedMotion: "reduce" });
    await bundle.page.setViewportSize({ width: 160, height: 500 });
  });
  after(async () => {
    await bundle[Symbol.asyncDispose]();
    assert.deepEqual(bundle.complaints, []);
  });

  test("every format decodes to the same bits as on Node", async () => {
    const found = await assertSameSplats(bundle, [...formats, ...broken]);
    const people = (name: string): string | undefined => found.get(name)?.people;
    assert.deepEqual(
      broken.map(({ name }) => people(name)),
      ["truncated", "unknown-format"],
    );
    for (const { name } of formats) {
      assert.match(people(name) ?? "", /^[a-z]+[^:]*: \d+ of degree/, name);
    }
  });

  test("the contact sheet is what was scored, bit for bit", async () => {
    const views = await someViews(9);
    const hashes = await bundle.evaluate(
      `exported.hashesOfSheet(...${JSON.stringify([pathOf(scene), views, 512])})`,
    );
    assert.deepEqual(hashes, (await scoredPictures(scene.bytes, views)).map(hashOf));
  });

  test("the viewer looks through scored cameras, steps, and says what is shown", async () => {
    const { page, evaluate } = bundle;
    const views = await someViews(18);
    await evaluate(`exported.show(...${JSON.stringify([pathOf(scene), views])})`);
    await page.getByText("3,000 splats").waitFor();
    const size = 128;
    for (const [view, expected] of (await scoredPictures(scene.bytes, views, size)).entries()) {
      await evaluate(`exported.look({ kind: "scored", view: ${view} })`);
      const drawn = imageOf(await evaluate(`exported.picture(${size})`), size);
      const db = psnr(drawn, expected);
      assert.ok(db >= 35, `view ${view}: ${db.toFixed(1)} dB`);
    }
    await page.getByRole("button", { name: "Next scored view" }).click();
    await page.getByText(/view 1 of 2: azimuth 0°, .*, probability 0\.900/).waitFor();
    await page.getByRole("application").press("ArrowLeft");
    await page.getByText(/^azimuth 355°/).waitFor();
    await page.getByLabel("Background").selectOption("black");
    const [red, green, blue] = imageOf(await evaluate("exported.picture(64)"), 64).pixels;
    assert.deepEqual([red, green, blue], [0, 0, 0]);
    await evaluate("exported.close()");
    assert.equal(await page.locator("canvas").count(), 0);
  });

  test("one after the other, each leaves nothing that fails", async () => {
    const { page, evaluate } = bundle;
    for (let times = 0; times < 4; times++) {
      await evaluate(`exported.show(...${JSON.stringify([pathOf(scene), []])})`);
      await page.getByText("3,000 splats").waitFor();
    }
    await evaluate("exported.close()");
    // Those that Spark reads with are kept for the next asset.
    while (page.workers().length > 1) {
      await page.workers().at(-1)?.waitForEvent("close");
    }
  });

  test("a bomb gives a message", async () => {
    const { page, evaluate } = bundle;
    await evaluate(`exported.show(...${JSON.stringify([pathOf(bomb), []])})`);
    await page.getByText("unpacks to more than").waitFor();
    await evaluate("exported.close()");
  });

  test("without WebGL the rasteriser that scores draws", async () => {
    const { page, evaluate } = bundle;
    await evaluate(
      "void (HTMLCanvasElement.prototype.getContext = ((own) => function (kind, ...rest) { return kind === 'webgl2' ? null : own.call(this, kind, ...rest); })(HTMLCanvasElement.prototype.getContext))",
    );
    const views = await someViews(18);
    await evaluate(`exported.show(...${JSON.stringify([pathOf(scene), views])})`);
    await page.getByText("this browser gives no WebGL 2").waitFor();
    await evaluate(`exported.look({ kind: "scored", view: 1 })`);
    const [, expected] = await scoredPictures(scene.bytes, views);
    const drawn = imageOf(await evaluate("exported.picture(512)"), 512);
    assert.equal(hashOf(drawn), expected === undefined ? "" : hashOf(expected));
    await evaluate("exported.close()");
  });
});
