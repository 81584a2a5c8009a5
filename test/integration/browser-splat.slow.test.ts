/** Assets of every format, decoded in a browser as on Node. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { writePly, writeSpz } from "@turntable/splat";
import { writeHdf5 } from "@turntable/splat/hdf5";
import { ball, createRandom, originals } from "@turntable/splat/test";
import { chromiumMissing } from "../harness/chromium.ts";
import { limits } from "./browser/describe-splat.ts";
import { assertSameSplats, type NamedFile } from "./browser/same-splats.ts";

test("every format decodes in a browser to the same bits as on Node", {
  skip: chromiumMissing,
}, async () => {
  const files: NamedFile[] = (await originals())
    .filter(({ name }) => !name.startsWith("webp"))
    .map(({ name, bytes }) => ({ name, bytes, ...(name === "splat" ? { format: "splat" } : {}) }));
  const unusual = Uint8Array.from(await writeHdf5(ball(40, createRandom(1))));
  unusual[16] = 8; // wider leaves of trees: for the HDF5 library
  const large = ball(30_000, createRandom(4));
  const ply = writePly(large);
  const spz = writeSpz(large);
  const packed: readonly NamedFile[] = [
    { name: "hdf5 for the library", bytes: unusual },
    { name: "large spz in zstd", bytes: spz },
    { name: "large spz 4", bytes: writeSpz(large, { version: 4 }) },
    { name: "large ply in gzip", bytes: gzipSync(ply) },
    { name: "large ply in zstd", bytes: zstdCompressSync(ply) },
    { name: "ply in gzip in zstd", bytes: zstdCompressSync(gzipSync(ply)) },
  ];
  const bomb = Buffer.alloc(limits.maxDecompressedBytes + 1, "ply\n");
  const broken: readonly NamedFile[] = [
    { name: "a cut spz", bytes: spz.subarray(0, spz.length >> 1) },
    { name: "a bomb", bytes: gzipSync(bomb) },
    { name: "a bomb in zstd", bytes: zstdCompressSync(bomb) },
    { name: "text", bytes: Buffer.from("this is no asset") },
  ];
  const found = await assertSameSplats([...files, ...packed, ...broken]);
  const people = (name: string): string | undefined => found.get(name)?.people;
  assert.deepEqual(
    broken.map(({ name }) => people(name)),
    ["truncated", "too-large", "too-large", "unknown-format"],
  );
  for (const { name } of [...files, ...packed]) {
    assert.match(people(name) ?? "", /^[a-z]+[^:]*: \d+ of degree/, name);
  }
});
