import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { writePly } from "@turntable/splat";
import sharp from "sharp";
import { createTestSplat } from "../render/index.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "turntable-render-"));
after(() => rmSync(folder, { recursive: true }));
const asset = join(folder, "a.ply");
writeFileSync(asset, writePly(createTestSplat({ count: 300 })));

function render(...argv: readonly string[]) {
  return spawnSync(process.execPath, [main, "render", ...argv, "--backend", "cpu"], {
    encoding: "utf8",
  });
}

test("one view is the same however its numbers are given, and has a sheet of its own", async () => {
  const out = (name: string): string => join(folder, name);
  const sheet = join(folder, "sheet.png");
  const spaced = render(asset, "--out", out("x"), "--size", "40", "--elevation", "-15");
  assert.deepEqual([spaced.status, spaced.stderr], [0, ""]);
  const more = ["--azimuth=0", "--radius", "2.5", "--sheet", sheet];
  assert.equal(render(asset, "--out", out("y"), "--size=40", "--elevation=-15", ...more).status, 0);
  assert.deepEqual(readdirSync(out("x")), ["0.png"]);
  assert.deepEqual(readFileSync(join(out("x"), "0.png")), readFileSync(join(out("y"), "0.png")));
  const { width, height } = await sharp(sheet).metadata();
  assert.ok(width === 192 && height !== undefined && height > 192);
});

test("as many threads as views are started, so that the largest picture fits into memory", async () => {
  const out = join(folder, "large");
  const { status, stderr } = render(asset, "--out", out, "--size", "8192", "--threads", "64");
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal((await sharp(join(out, "0.png")).metadata()).width, 8192);
});

test("files that are not there are told of in a line", () => {
  const missing = join(folder, "none.ply");
  const { status, stderr } = render(missing, "--out", folder);
  assert.deepEqual(
    [status, stderr],
    [1, `turntable-worker render: ${missing}: no such file or folder\n`],
  );
});
