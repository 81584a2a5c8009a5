import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { writePly } from "@turntable/splat";
import { writePng } from "../pictures/index.ts";
import { createTestSplat } from "../render/index.ts";
import { defaultModelDir, loadClip, readTokenizer } from "../score/index.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

async function worker(argv: readonly string[], input = "") {
  const child = spawn(process.execPath, [main, ...argv]);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { stdout, stderr, status: child.exitCode };
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "turntable-cli-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

function plain(red: number, green: number, blue: number, side = 64) {
  const pixels = new Uint8Array(side * side * 3);
  for (let i = 0; i < pixels.length; i += 3) {
    pixels.set([red, green, blue], i);
  }
  return { width: side, height: side, pixels };
}

test("score --pictures takes PNG files in the order of their numbers", async () => {
  await using folder = await temporaryFolder();
  const pictures = {
    "2.png": plain(220, 30, 30),
    "10.png": plain(30, 30, 220),
    "9.png": plain(30, 160, 40),
  };
  for (const [name, image] of Object.entries(pictures)) {
    await writePng(join(folder.path, name), image);
  }
  await writeFile(join(folder.path, "notes.txt"), "not a picture");
  const { stdout, stderr, status } = await worker([
    "score",
    "--pictures",
    folder.path,
    "--prompt",
    "a red ball",
    "--json",
  ]);
  assert.equal(stderr, "");
  assert.equal(status, 0);
  const { score, views, model } = JSON.parse(stdout);
  assert.deepEqual(
    views.map((view: { picture: string }) => view.picture),
    ["2.png", "9.png", "10.png"],
  );
  await using clip = await loadClip(defaultModelDir);
  const expected = await clip.probabilities("a red ball", [
    pictures["2.png"],
    pictures["9.png"],
    pictures["10.png"],
  ]);
  assert.deepEqual(
    views.map((view: { probability: number }) => view.probability),
    expected,
  );
  // Equal numbers would say nothing of their order.
  assert.equal(new Set(expected).size, 3);
  assert.equal(score, expected.reduce((sum, value) => sum + value, 0) / 3);
  assert.equal(model.demonstration, true);
});

test("score --pictures says in one line what it cannot take", async () => {
  await using folder = await temporaryFolder();
  const score = (...more: string[]) => worker(["score", "--pictures", folder.path, ...more]);
  const none = await score("--prompt", "x");
  assert.deepEqual([none.status, none.stderr.split("\n").length], [1, 2]);
  assert.match(none.stderr, /has no \.png file/);
  await writeFile(join(folder.path, "0.png"), "no picture");
  assert.match((await score("--prompt", "x")).stderr, /0\.png is no picture that can be read/);
  const seeded = await score("--prompt", "x", "--seed", "1");
  assert.match(seeded.stderr, /no sense with --pictures/);
  assert.equal(seeded.status, 2);
});

test("tokenize writes the ids of a JSON string a line, whatever separators it holds", async () => {
  const texts = ["a red ball", "line\u2028separator", "tab\tand\nnewline", "", "\ud800"];
  const input = texts
    .map((line) => `${JSON.stringify(line).replace("\\u2028", "\u2028")}\n`)
    .join("");
  const { stdout, status } = await worker(["tokenize"], input);
  assert.equal(status, 0);
  const tokenizer = await readTokenizer(defaultModelDir);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
    texts.map((line) => tokenizer.encode(line)),
  );
  const wrong = await worker(["tokenize"], '"good"\n{}\n');
  assert.deepEqual([wrong.status, wrong.stdout.split("\n").length], [2, 2]);
  assert.match(wrong.stderr, /line 2 of standard input is not a JSON string/);
});

test("a report is scored again: the same on one machine, whatever the number of threads", async () => {
  await using folder = await temporaryFolder();
  const [asset, other, report] = ["a.ply", "b.ply", "report.json"].map((name) =>
    join(folder.path, name),
  );
  assert.ok(asset !== undefined && other !== undefined && report !== undefined);
  await writeFile(asset, writePly(createTestSplat({ count: 800 })));
  await writeFile(other, writePly(createTestSplat({ count: 801 })));
  const seed = (2n ** 64n - 1n).toString();
  const first = await worker([
    "score",
    asset,
    "--prompt",
    "a blue ball",
    "--profile",
    "sn17-2024-05",
    "--seed",
    seed,
    "--threads",
    "2",
    "--json",
  ]);
  assert.equal(first.status, 0, first.stderr);
  const { score, views, cameraSeed, profile } = JSON.parse(first.stdout);
  assert.deepEqual([views.length, cameraSeed, profile], [10, seed, "sn17-2024-05"]);
  await writeFile(report, first.stdout);
  const again = await worker([
    "score",
    "--report",
    report,
    "--asset",
    asset,
    "--threads",
    "1",
    "--json",
  ]);
  assert.equal(again.status, 0, again.stderr);
  const comparison = JSON.parse(again.stdout);
  assert.deepEqual([comparison.reportedScore, comparison.changed], [score, []]);
  assert.ok(comparison.scoreDifference <= 1e-6 && comparison.largestViewDifference <= 1e-6);

  const changed = JSON.parse(first.stdout);
  changed.score += 0.25;
  changed.model.sha256 = "";
  await writeFile(report, JSON.stringify(changed));
  const told = await worker(["score", "--report", report, "--asset", asset]);
  assert.match(told.stdout, /a difference of 2\.5e-1/);
  assert.match(told.stdout, /changed: model/);

  const wrong = await worker(["score", "--report", report, "--asset", other]);
  assert.deepEqual([wrong.status, wrong.stderr.split("\n").length], [1, 2]);
  assert.match(wrong.stderr, /the report is of an asset with the SHA-256/);
  await writeFile(report, "[]");
  assert.match(
    (await worker(["score", "--report", report, "--asset", asset])).stderr,
    /is no score report/,
  );
  assert.equal((await worker(["score", "--report", report])).status, 2);
});
