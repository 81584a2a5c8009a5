import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { makeZip } from "../test/makers/zip.ts";
import { assertRefused } from "../test/near.ts";
import { ball, createRandom } from "../test/shapes.ts";
import { readAnySplat, readAsset, readDotSplat, writeDotSplat, writePly } from "./index.ts";

const splat = ball(50, createRandom(1));

for (const [what, start, message] of [
  [
    "a Git LFS pointer",
    "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n",
    /Git LFS pointer.*git lfs pull/,
  ],
  ["a web page", "\n<!DOCTYPE html>\n<html><body>404</body></html>", /web page/],
  ["a web page without a declaration", "<html lang=en>", /web page/],
  ["a glTF in JSON", '{"asset":{"version":"2.0"},"scenes":[]}', /one binary \.glb/],
  [
    "a SOG's meta.json",
    '{"version":2,"count":5,"means":{"mins":[0,0,0],"files":["means_l.webp"]}}',
    /zip it with its pictures/,
  ],
  ["an error in JSON", '{"error":"not found"}', /error message of a server/],
  ["other JSON", '{"results":[]}', /JSON, perhaps a server's error/],
  ["an error in plain text", "404: Not Found", /error message of a server/],
  ["a web page behind a mark", "\xef\xbb\xbf<!doctype html>", /web page/],
  ["a git-annex pointer", "/annex/objects/SHA256E-s12--ab.ply\n", /git annex get/],
  ["a DVC pointer", "outs:\n- md5: ab\n  path: a.ply\n", /dvc pull/],
  ["a file of macOS", "\0\x05\x16\x07\0\x02\0\0", /begins with \._/],
  ["an answer with its headers", "HTTP/1.1 200 OK\r\n\r\nply\n", /headers/],
  ["nothing but zeros", "\0".repeat(600), /zeros only/],
  ["a tileset", '{"asset":{"version":"1.1"},"geometricError":9}', /3D Tiles/],
  ["a streamed SOG", '{"lodLevels":3,"filenames":["0_0/meta.json"]}', /lod-meta\.json/],
  ["a mesh in XML", '<?xml version="1.0"?><COLLADA>', /mesh \(COLLADA/],
  ["a binary STL", `${"x".repeat(80)}\x01\0\0\0${"\0".repeat(50)}`, /mesh \(STL\)/],
  ["a table", "x,y,z,opacity\n0.1,0.2,0.3,1\n", /table of numbers/],
  ["safetensors", '\x20\0\0\0\0\0\0\0{"__metadata__":{}}', /safetensors/],
  ["a .splatv", "Kg\0\0\x01\0\0\0", /splats that move/],
  ["zlib data", "\x78\x9c\x01\x02", /zlib data: unpack/],
  ["any other text", "Dear customer,\nyour", /text, which begins with "Dear customer,"/],
  ["an error in XML", '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /XML/],
  ["base64", writePlyBase64(), /base64/],
  ["an OBJ", "# Blender\nmtllib a.mtl\no Cube\nv 1 1 1\n", /mesh \(OBJ\)/],
  ["an STL", "solid cube\nfacet normal 0 0 1\n", /mesh \(STL\)/],
  ["a PNG", "\x89PNG\r\n\x1a\n", /picture \(PNG\)/],
  ["a JPEG", "\xff\xd8\xff\xe0", /picture \(JPEG\)/],
  ["a checkpoint", "\x80\x02}q", /pickle/],
  ["a NumPy array", "\x93NUMPY\x01\0", /NumPy/],
  ["a LAS", "LASF\0\0", /point cloud \(LAS\)/],
  ["a 7z archive", "7z\xbc\xaf\x27\x1c", /7z archive: unpack it/],
] as const) {
  test(`${what} is named, with what to do`, async () => {
    const bytes = Buffer.from(start, "latin1");
    await assertRefused(readAnySplat(bytes), "unknown-format", message);
    await assertRefused(readAnySplat(gzipSync(bytes)), "unknown-format", message);
    // Whatever its name says.
    await assertRefused(readAnySplat(bytes, { format: "splat" }), "unknown-format", message);
    await assertRefused(readAsset(bytes), "unknown-format", message);
  });
}

for (const [name, message] of [
  ["scene/garden.ply", /a ZIP in which scene\/garden\.ply lies: unpack it/],
  ["archive/data.pkl", /a checkpoint of PyTorch/],
  ["means.npy", /NumPy arrays/],
  ["a.usdc", /a USD scene/],
  ["a.obj", /a ZIP with a mesh/],
  ["__MACOSX/._a.ply", /a ZIP without a SOG's meta\.json/],
] as const) {
  test(`a ZIP of ${name} is named by what is in it`, async () => {
    const zip = makeZip({ [name]: Uint8Array.of(1) });
    await assertRefused(readAnySplat(zip), "unknown-format", message);
  });
}

function writePlyBase64(): string {
  return Buffer.from(writePly(splat)).toString("base64");
}

test("what is nothing that is known shows its first bytes", async () => {
  const bytes = Uint8Array.of(1, 2, 3, 0xfe, 5, 6, 7, 8, 9);
  await assertRefused(
    readAnySplat(bytes),
    "unknown-format",
    /begins with 010203fe05060708.*--format splat/,
  );
});

test("compression around compression is seen through, within reason", async () => {
  const ply = writePly(splat);
  const twice = await readAnySplat(zstdCompressSync(gzipSync(ply)));
  assert.equal(twice.format, "ply in gzip in zstd");
  let packed: Uint8Array = ply;
  for (let i = 0; i < 5; i++) {
    packed = gzipSync(packed);
  }
  await assertRefused(readAnySplat(packed), "too-large", /packed more than 4 times/);
  await assertRefused(readAnySplat(gzipSync("")), "empty", /unpacks to no bytes/);
});

test("a .splat whose first bytes look like another file's is taken by its name", async () => {
  // 0x4d42…: the first bytes of a BMP, and a coordinate.
  const bytes = writeDotSplat(splat);
  bytes.set([0x42, 0x4d], 0);
  assert.equal((await readAnySplat(bytes, { format: "splat" })).splat.count, 50);
});

test(".splat is written and read again, through gzip too; other formats are told from it", async () => {
  const bytes = writeDotSplat(splat);
  assert.equal(bytes.length, 50 * 32);
  const back = readDotSplat(bytes);
  assert.deepEqual(back.positions, splat.positions);
  for (const [i, value] of back.scales.entries()) {
    assert.ok(Math.abs(value - (splat.scales[i] ?? 0)) < 1e-5);
  }
  for (const [i, value] of back.shDc.entries()) {
    assert.ok(Math.abs(value - (splat.shDc[i] ?? 0)) <= 0.5 / 255 / 0.28209 + 1e-5);
  }
  const packed = await readAnySplat(gzipSync(bytes), { format: "splat" });
  assert.deepEqual(packed.splat, back);
  assert.equal(packed.format, "splat in gzip");
  assert.equal((await readAnySplat(writePly(splat), { format: "splat" })).format, "ply");
  await assertRefused(readAnySplat(bytes), "unknown-format", /--format splat/);
  await assertRefused(
    readAnySplat(bytes, { format: "splat", activated: true }),
    "malformed",
    /splat says itself/,
  );
});
