/** The verbs that take any asset: what they read, write, say and refuse. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";
import {
  readAnySplat,
  readPly,
  type Splat,
  shC0,
  writeDotSplat,
  writeGlb,
  writePly,
  writeSpz,
} from "@turntable/splat";
import { writeHdf5 } from "@turntable/splat/hdf5";
import { makeKsplat, makeSog, makeZip, sogParts } from "@turntable/splat/test";
import sharp from "sharp";
import { createTestSplat } from "../render/index.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "turntable-assets-"));
after(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

function worker(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...argv], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { stdout, stderr, status };
}

const splat = createTestSplat({ count: 60 });
writeFileSync(at("a.ply"), writePly(splat));

describe("inspect and convert", () => {
  for (const [name, bytes, format] of [
    ["a.glb", writeGlb(splat), "glb"],
    ["a.sog", makeSog(splat), "sog"],
    ["a.ksplat", makeKsplat(splat, 1), "ksplat"],
    ["a.splat", writeDotSplat(splat), "splat"],
    ["a.splat.gz", gzipSync(writeDotSplat(splat)), "splat in gzip"],
    ["a.spz", writeSpz(splat, { version: 4 }), "spz 4"],
    ["ply-called.glb", gzipSync(writePly(splat)), "ply in gzip"],
  ] as const) {
    test(`${name} is read as ${format} and comes out as PLY`, () => {
      writeFileSync(at(name), bytes);
      const inspected = JSON.parse(worker(["inspect", at(name), "--json"]).stdout);
      assert.deepEqual([inspected.format, inspected.count], [format, 60]);
      const converted = worker(["convert", at(name), at("out.ply")]);
      assert.deepEqual([converted.status, converted.stdout], [0, ""]);
      assert.equal(readPly(readFileSync(at("out.ply"))).count, 60);
    });
  }

  for (const name of ["b.ply", "b.spz", "b.glb", "b.splat", "b.h5"]) {
    test(`${name} is written`, () => {
      assert.deepEqual(worker(["convert", at("a.ply"), at(name)]).status, 0);
      assert.equal(JSON.parse(worker(["inspect", at(name), "--json"]).stdout).count, 60);
    });
  }

  test("SPZ 4 is written when it is asked for", async () => {
    assert.equal(worker(["convert", at("a.ply"), at("c.spz"), "--spz-version", "4"]).status, 0);
    assert.equal((await readAnySplat(readFileSync(at("c.spz")))).format, "spz 4");
  });

  test("what a format has no place for is told", () => {
    const { stderr, status } = worker(["convert", at("a.ply"), at("d.splat")]);
    assert.deepEqual(
      [status, /SH bands above 0 are left out/.test(stderr)],
      [0, splat.shDegree > 0],
    );
  });

  test("activated values of a PLY are turned back", () => {
    const activated: Splat = {
      ...splat,
      opacities: splat.opacities.map((logit) => 1 / (1 + Math.exp(-logit))),
      scales: splat.scales.map(Math.exp),
    };
    writeFileSync(at("activated.ply"), writePly(activated));
    const told = worker(["inspect", at("activated.ply")]);
    assert.match(told.stdout, /note +its values look activated already.*--activated/);
    assert.equal(worker(["convert", at("activated.ply"), at("e.ply"), "--activated"]).status, 0);
    const back = readPly(readFileSync(at("e.ply")));
    for (const name of ["opacities", "scales", "shDc"] as const) {
      for (const [i, value] of back[name].entries()) {
        assert.ok(Math.abs(value - (splat[name][i] ?? Number.NaN)) < 1e-4, `${name} ${i}`);
      }
    }
  });

  test("it is turned and mirrored", () => {
    const options = ["--flip", "x", "--rotate", "-90,0,0"];
    assert.equal(worker(["convert", at("a.ply"), at("f.ply"), ...options]).status, 0);
    const { positions } = readPly(readFileSync(at("f.ply")));
    const [x = 0, y = 0, z = 0] = splat.positions;
    // A turn by −90 degrees around x takes y to −z and z to y.
    assert.deepEqual([...positions.subarray(0, 3)], [-x, z, -y]);
  });
});

test("pictures of a SOG as libwebp packs them are read to the bit", async () => {
  const many = createTestSplat({ count: 5_000 });
  const expected = await readAnySplat(makeSog(many));
  const { meta, pictures } = sogParts(many);
  for (const effort of [0, 4, 6]) {
    const files: Record<string, Uint8Array> = { "meta.json": meta };
    for (const [name, { width, height, rgba }] of Object.entries(pictures)) {
      const raw = { width, height, channels: 4 as const };
      files[name] = await sharp(rgba, { raw })
        .webp({ lossless: true, exact: true, effort })
        .toBuffer();
    }
    const packed = await readAnySplat(makeZip(files));
    assert.ok(isDeepStrictEqual(packed, expected), `effort ${effort}`);
  }
});

describe("repair", () => {
  test("drops what is broken, unseen or far away, and says how many", () => {
    const broken = structuredClone(createTestSplat({ count: 600 }));
    broken.positions[0] = Number.NaN;
    broken.rotations.fill(0, 4, 8);
    broken.opacities[2] = -9;
    broken.positions.set([400, 0, 0], 9);
    writeFileSync(at("broken.ply"), writePly(broken));
    assert.match(worker(["inspect", at("broken.ply")]).stderr, /position of splat 0 is NaN/);
    const { stdout, stderr, status } = worker(["repair", at("broken.ply"), at("mended.spz")]);
    assert.deepEqual([status, stderr], [0, ""]);
    const before = createTestSplat({ count: 600 }).opacities.filter(
      (o) => o < -Math.log(254),
    ).length;
    assert.match(stdout, new RegExp(`^kept ${596 - before} of 600 splats\\ndropped 1 with values`));
    assert.equal(worker(["lint", at("mended.spz")]).status, 0);
    const json = worker(["repair", at("broken.ply"), at("g.ply"), "--json"]).stdout;
    assert.deepEqual(JSON.parse(json).dropped, {
      nonFinite: 1,
      zeroQuaternion: 1,
      invisible: 1 + before,
      stray: 1,
    });
  });
  test("writes nothing when nothing is left", () => {
    writeFileSync(
      at("hidden.ply"),
      writePly({ ...splat, opacities: splat.opacities.map(() => -9) }),
    );
    const { stderr, status } = worker(["repair", at("hidden.ply"), at("never.ply")]);
    assert.deepEqual([status, /none is left; nothing is written/.test(stderr)], [1, true]);
    assert.throws(() => readFileSync(at("never.ply")), /ENOENT/);
  });
});

describe("lint", () => {
  test("looks at what only people's formats hold, and says that validators do not take it", () => {
    writeFileSync(at("h.glb"), writeGlb(createTestSplat({ count: 600 })));
    const { stdout, status } = worker(["lint", at("h.glb"), "--json"]);
    const { rejected, unreadable, measures } = JSON.parse(stdout);
    assert.deepEqual(
      [status, rejected, unreadable.code, measures.count],
      [1, true, "unknown-format", 600],
    );
    assert.match(unreadable.message, /`turntable-worker convert` makes a PLY of it/);
    assert.match(
      worker(["lint", at("h.glb")]).stdout,
      /validators do not take it; `turntable-worker convert` makes a PLY of it\n$/,
    );
  });
  test("tells splats larger than the object", () => {
    const { stdout } = worker(["lint", at("activated.ply")]);
    assert.match(stdout, /^error +oversized: 1 of the visible splats are larger than the object/m);
  });
});

test("an HDF5 of activated values is still converted, colours too", async () => {
  const activated: Splat = {
    ...splat,
    opacities: splat.opacities.map((logit) => 1 / (1 + Math.exp(-logit))),
    scales: splat.scales.map(Math.exp),
    shDc: splat.shDc.map((value) => 0.5 + shC0 * value),
  };
  writeFileSync(at("z.h5"), await writeHdf5(activated));
  assert.equal(worker(["convert", at("z.h5"), at("z.ply"), "--activated"]).status, 0);
  const { shDc } = readPly(readFileSync(at("z.ply")));
  for (const [i, value] of shDc.entries()) {
    assert.ok(Math.abs(value - (splat.shDc[i] ?? 9)) < 1e-4);
  }
});

test("the processes refuse what does not apply to them", () => {
  for (const [argv, message] of [
    [["serve", "--pool-timeout-ms", "5"], /--pool-timeout-ms .* makes no sense without --nats/],
    [
      ["serve", "--nats", "nats://127.0.0.1:1", "--model", "m"],
      /--model .* makes no sense with --nats/,
    ],
    [["run", "--backend", "cpu", "--gpu", "0"], /--gpu .* makes no sense while the backend is cpu/],
    [["run", "--backend", "gl", "--gpu", "0"], /--gpu .* makes no sense while the backend is gl/],
  ] as const) {
    const { stderr, status } = worker(argv);
    assert.match(stderr, message);
    assert.equal(status, 2);
  }
});
