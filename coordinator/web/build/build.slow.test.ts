/** The built page: small, whole, and without anything that its Content-Security-Policy refuses. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { buildPage } from "./build.ts";
import { sourceStamp, stampName } from "./stamp.ts";

/** Of everything that a first look at the overview loads, in bytes, gzipped. */
const mostFirstLoad = 150_000;

const directory = mkdtempSync(join(tmpdir(), "turntable-page-build-"));
after(() => rmSync(directory, { recursive: true }));
const folder = join(directory, "dist");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

before(() => buildPage(folder));

test("a first load stays under 150 kB gzipped, without the viewer", (t) => {
  const html = read("index.html");
  const first = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].flatMap(([, name]) => name ?? []);
  assert.ok(
    first.some((name) => name.endsWith(".js")) && first.some((name) => name.endsWith(".css")),
  );
  const sizes = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .map((name) => [name, gzipSync(readFileSync(join(folder, name))).length] as const),
  );
  for (const [name, size] of sizes) {
    t.diagnostic(`${name}: ${size} bytes gzipped`);
  }
  const total = first.reduce((sum, name) => sum + (sizes.get(name) ?? 0), gzipSync(html).length);
  assert.ok(total < mostFirstLoad, `${total} bytes`);
});

test("nothing is inline, and every address is relative", () => {
  const html = read("index.html");
  assert.doesNotMatch(
    html,
    /<style|<script[^>]*>[^<]|\son\w+=|\sstyle=|(?:src|href)="(?:\/|https?:)/,
  );
  assert.match(html, /<base href="\.\/" \/>/, "what the server replaces");
});

test("a build says what it was made of", () => {
  assert.equal(read(stampName).trim(), sourceStamp());
});

test("a build takes the place of the one before, whole", async () => {
  await buildPage(folder);
  assert.deepEqual(readdirSync(directory), ["dist"]);
});
