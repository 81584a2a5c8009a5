import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Splat, writePly, writeSpz } from "@turntable/splat";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "turntable-lint-"));
after(() => rmSync(folder, { recursive: true }));

function worker(...argv: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...argv], {
    encoding: "utf8",
  });
  return { stdout, stderr, status };
}

/** A square in the plane z = 0, of n × n splats. */
function card(n: number): Splat {
  const count = n * n;
  const positions = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) {
    positions.set([(i % n) / n, Math.floor(i / n) / n, 0], i * 3);
  }
  return {
    count,
    shDegree: 0,
    positions,
    scales: new Float32Array(count * 3).fill(-4),
    rotations: new Float32Array(count * 4).fill(0.5),
    opacities: new Float32Array(count).fill(2),
    shDc: new Float32Array(count * 3),
    shRest: new Float32Array(0),
  };
}

test("lint tells of a card, and fails where the profile rejects it", () => {
  const file = join(folder, "card.ply");
  writeFileSync(file, writePly(card(30)));
  const seed = worker("lint", file);
  assert.deepEqual([seed.status, seed.stderr], [0, ""]);
  assert.match(
    seed.stdout,
    /^error +flat: 0 is the smallest extent[^\n]*\n.*takes it all the same/s,
  );
  const strict = worker("lint", file, "--profile", "sn17-strict", "--json");
  assert.equal(strict.status, 1);
  const { rejected, findings, measures } = JSON.parse(strict.stdout);
  assert.equal(rejected, true);
  assert.deepEqual(
    findings.map(({ code }: { code: string }) => code),
    ["flat", "one-sided"],
  );
  assert.equal(measures.count, 900);
});

test("score tells what lint found, and how many views the subnet would not take", () => {
  const file = join(folder, "card.ply");
  writeFileSync(file, writePly(card(30)));
  const profile = ["--profile", "sn17-2024-05", "--backend", "cpu"];
  const { stdout, status } = worker("score", file, "--prompt", "a card", ...profile);
  assert.equal(status, 0);
  assert.match(stdout, /^lint flat, one-sided$/m);
  assert.match(stdout, /^views 10, from .*; 10 below 0\.6$/m);
});

test("lint tells why an asset cannot be read", () => {
  const file = join(folder, "broken.ply");
  const splat = card(5);
  splat.positions[7] = Number.NaN;
  writeFileSync(file, writePly(splat));
  const { status, stdout } = worker("lint", file, "--json");
  assert.equal(status, 1);
  assert.equal(JSON.parse(stdout).unreadable.code, "non-finite");
});

test("inspect shows what is in an asset", () => {
  const file = join(folder, "card.spz");
  writeFileSync(file, writeSpz(card(30)));
  const { format, count, shDegree, bounds, histograms } = JSON.parse(
    worker("inspect", file, "--json").stdout,
  );
  assert.deepEqual([format, count, shDegree], ["spz 2 in zstd", 900, 0]);
  assert.deepEqual(bounds.min, [0, 0, 0]);
  for (const { counts, name } of histograms) {
    const total = counts.reduce((sum: number, value: number) => sum + value, 0);
    assert.equal(total, name === "opacity" ? 900 : 2_700);
  }
  const { stdout, status } = worker("inspect", file);
  assert.equal(status, 0);
  assert.match(stdout, /splats +900\n.*opacity \(0 to 1\)\n.*0\.88 █{50} 900\n/s);
});
