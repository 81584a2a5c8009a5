/** The assets of the vectors, decoded in a browser as on Node. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chromiumMissing } from "../harness/chromium.ts";
import { assertSameSplats } from "./browser/same-splats.ts";

const vectors = process.env.TURNTABLE_VECTORS;
const skip = vectors === undefined ? "TURNTABLE_VECTORS is not set" : chromiumMissing;

test("the assets of the vectors decode in a browser to the same bits as on Node", {
  skip,
}, async () => {
  const folder = join(vectors ?? "", "render");
  const names = readdirSync(folder).filter((name) => /\.(ply|spz|h5)$/.test(name));
  const found = await assertSameSplats(
    names.map((name) => ({ name, bytes: readFileSync(join(folder, name)) })),
  );
  assert.ok(found.size >= 10);
  for (const [name, { people }] of found) {
    assert.match(people, /: \d+ of degree/, name);
  }
});
