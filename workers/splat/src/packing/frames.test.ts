import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { ball, createRandom } from "../../test/shapes.ts";
import { AssetError, type AssetErrorCode, readAsset, writePly, writeSpz } from "../index.ts";

const splat = ball(50, createRandom(1));
const ply = writePly(splat);
/** Cut where a header is, and in the data. */
const pieces = [ply.subarray(0, 5), ply.subarray(5, 700), ply.subarray(700)];
const skipped = Buffer.from("5f2a4d1804000000cafecafe", "hex");

async function assertRefused(bytes: Uint8Array, code: AssetErrorCode): Promise<void> {
  await assert.rejects(
    readAsset(bytes),
    (error) => error instanceof AssetError && error.code === code,
  );
}

test("several zstd frames and gzip members are one file, skippable frames are skipped", async () => {
  const frames = pieces.map((piece) => zstdCompressSync(piece));
  for (const packed of [
    frames,
    [skipped, ...frames],
    frames.flatMap((frame) => [frame, skipped]),
    pieces.map((piece) => gzipSync(piece)),
  ]) {
    assert.deepEqual(await readAsset(Buffer.concat(packed)), splat);
  }
});

test("what follows the last frame is ignored, a short file too", async () => {
  for (const packed of [
    zstdCompressSync(ply),
    gzipSync(ply),
    writeSpz(splat),
    writeSpz(splat, { compression: "gzip" }),
  ]) {
    for (const tail of ["rubbish behind it", "\0".repeat(30)]) {
      const { count } = await readAsset(Buffer.concat([packed, Buffer.from(tail)]));
      assert.equal(count, splat.count);
    }
  }
});

test("gzip headers may have a name, a comment, more fields and a checksum", async () => {
  const packed = Buffer.from(gzipSync(ply));
  packed[3] = 2 | 4 | 8 | 16;
  const more = Buffer.from("\x03\x00abcname.ply\0a comment\0\x12\x34", "latin1");
  const whole = Buffer.concat([packed.subarray(0, 10), more, packed.subarray(10)]);
  assert.deepEqual(await readAsset(whole), splat);
  for (const end of [2, 5, 11, 14, 20, 30]) {
    await assertRefused(whole.subarray(0, end), "truncated");
  }
});

test("damage, a missing end and nothing at all are told apart", async () => {
  for (const packed of [gzipSync(ply), zstdCompressSync(ply)]) {
    await assertRefused(packed.subarray(0, packed.length - 3), "truncated");
    await assertRefused(packed.subarray(0, 300), "truncated");
  }
  const wrongSum = Buffer.from(gzipSync(ply));
  wrongSum.writeUInt32LE(7, wrongSum.length - 8);
  await assertRefused(wrongSum, "malformed");
  await assertRefused(
    Buffer.concat([gzipSync(ply).subarray(0, 10), Buffer.alloc(50, 7)]),
    "malformed",
  );
  await assertRefused(zstdCompressSync(""), "empty");
  await assertRefused(skipped, "empty");
});

test("more frames than any file has are refused before they take time", async () => {
  const empty = zstdCompressSync("");
  await assertRefused(Buffer.concat(new Array<Buffer>(100_000).fill(empty)), "too-large");
});
