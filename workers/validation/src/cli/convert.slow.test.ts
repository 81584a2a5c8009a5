import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readPly, readSpz, type Splat, shC0 } from "@turntable/splat";
import { writeHdf5 } from "@turntable/splat/hdf5";
import { createTestSplat } from "../render/index.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "turntable-convert-"));
after(() => rmSync(folder, { recursive: true }));

function convert(from: string, to: string, ...options: readonly string[]) {
  const argv = [main, "convert", join(folder, from), join(folder, to), ...options];
  const { stderr, status } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  return { stderr, status };
}

test("an HDF5 of activated values is converted when it is said to be one", async () => {
  const splat = createTestSplat({ count: 50 });
  const activated: Splat = {
    ...splat,
    opacities: splat.opacities.map((logit) => 1 / (1 + Math.exp(-logit))),
    scales: splat.scales.map(Math.exp),
    shDc: splat.shDc.map((value) => 0.5 + shC0 * value),
  };
  writeFileSync(join(folder, "a.h5"), await writeHdf5(activated));
  assert.deepEqual(convert("a.h5", "a.ply", "--activated"), { stderr: "", status: 0 });
  const read = readPly(readFileSync(join(folder, "a.ply")));
  for (const name of ["opacities", "scales", "shDc"] as const) {
    read[name].forEach((value, i) => {
      assert.ok(Math.abs(value - (splat[name][i] ?? Number.NaN)) < 1e-4, `${name} ${i}: ${value}`);
    });
  }
});

test("SPZ comes in the version and compression that is asked for, and into no other format", async () => {
  writeFileSync(join(folder, "b.h5"), await writeHdf5(createTestSplat({ count: 50 })));
  const options = ["--spz-version", "3", "--spz-compression", "gzip"];
  assert.deepEqual(convert("b.h5", "b.spz", ...options), { stderr: "", status: 0 });
  const packed = readFileSync(join(folder, "b.spz"));
  assert.deepEqual([...packed.subarray(0, 2)], [0x1f, 0x8b]);
  assert.equal((await readSpz(packed)).count, 50);
  const { stderr, status } = convert("b.h5", "b.ply", ...options);
  assert.equal(status, 2);
  assert.match(stderr, /go with an OUT that ends in \.spz; see --help\n$/);
});
