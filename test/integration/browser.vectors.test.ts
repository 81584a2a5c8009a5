/** The assets of the vectors in a browser: decoded as on Node, and shown as they were scored. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { psnr } from "@turntable/validation";
import { type BundlePage, openBundle } from "../harness/browser-bundle.ts";
import { chromiumMissing } from "../harness/chromium.ts";
import { assertSameSplats, type NamedFile, pathOf } from "./same-splats.ts";
import { hashOf, imageOf, scoredPictures, someViews } from "./scored-views.ts";

const vectors = process.env.TURNTABLE_VECTORS;
const skip = vectors === undefined ? "TURNTABLE_VECTORS is not set" : chromiumMissing;
/** Tuned Spark was measured at 54 to 61. */
const leastDb = 35;

describe("the vectors in a browser", { skip }, () => {
  const files: NamedFile[] = [];
  let bundle: BundlePage;
  before(async () => {
    const folder = join(vectors ?? "", "render");
    const names = readdirSync(folder).filter((name) => /\.(ply|spz|h5)$/.test(name));
    files.push(...names.map((name) => ({ name, bytes: readFileSync(join(folder, name)) })));
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

  test("all assets decode to the same bits as on Node", async () => {
    const found = await assertSameSplats(bundle, files);
    assert.ok(found.size >= 10);
    for (const [name, { people }] of found) {
      assert.match(people, /: \d+ of degree/, name);
    }
  });

  test(`hamburger.ply: the sheet is what was scored, the viewer within ${leastDb} dB of it`, async (t) => {
    const { evaluate, page } = bundle;
    const file = files.find(({ name }) => name === "hamburger.ply") ?? assert.fail("no hamburger");
    const views = await someViews(9);
    const expected = await scoredPictures(file.bytes, views);
    const sheet = JSON.stringify([pathOf(file), views, 512]);
    assert.deepEqual(await evaluate(`exported.hashesOfSheet(...${sheet})`), expected.map(hashOf));
    await evaluate(`exported.show(...${JSON.stringify([pathOf(file), views])})`);
    await page.getByText("52,709 splats").waitFor();
    for (const [view, scored] of expected.entries()) {
      await evaluate(`exported.look({ kind: "scored", view: ${view} })`);
      const drawn = imageOf(await evaluate("exported.picture(512)"), 512);
      const db = psnr(drawn, scored);
      assert.ok(db >= leastDb, `view ${view}: ${db.toFixed(1)} dB`);
      t.diagnostic(`view ${view}: ${db.toFixed(1)} dB`);
    }
  });
});
