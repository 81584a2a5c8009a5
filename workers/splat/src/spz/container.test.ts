import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { assertRefused } from "../../test/near.ts";
import { cloud } from "../../test/shapes.ts";
import { defaultAssetLimits, readAnySplat, readAsset, writeSpz } from "../index.ts";

const splat = cloud(60, 3);
const file = writeSpz(splat, { version: 4 });

function changed(change: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const bytes = Uint8Array.from(file);
  change(new DataView(bytes.buffer), bytes);
  return bytes;
}

test("the subnet's reader refuses SPZ 4 by its version and says what to do", async () => {
  await assertRefused(readAsset(file), "unsupported-version", /version 4 .*convert/);
  await assertRefused(readAsset(gzipSync(file)), "unsupported-version", /version 4/);
});

test("the table and the columns begin where the format says", () => {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  assert.equal(Buffer.from(file).toString("latin1", 0, 4), "NGSP");
  assert.deepEqual([view.getUint32(4, true), view.getUint32(8, true)], [4, 60]);
  assert.deepEqual([...file.subarray(12, 16)], [3, 12, 0, 6]);
  assert.equal(view.getUint32(16, true), 32);
  // A frame of zstd follows the table of six entries; positions take nine bytes a splat.
  assert.equal(view.getUint32(32 + 6 * 16, true), 0xfd2fb528);
  assert.equal(view.getBigUint64(40, true), 540n);
  const flat = writeSpz(cloud(5, 0), { version: 4 });
  assert.equal(flat[15], 5, "an empty column has no entry");
});

test("inside gzip and zstd it is seen through", async () => {
  const { format } = await readAnySplat(file);
  assert.equal(format, "spz 4");
  assert.equal((await readAnySplat(gzipSync(file))).format, "spz 4 in gzip");
  assert.equal((await readAnySplat(zstdCompressSync(file))).format, "spz 4 in zstd");
});

test("what does not fit together is refused before anything is unpacked", async () => {
  const refused = async (bytes: Uint8Array, code: Parameters<typeof assertRefused>[1], m: RegExp) =>
    await assertRefused(readAnySplat(bytes), code, m);
  await refused(file.subarray(0, 20), "truncated", /header/);
  await refused(file.subarray(0, 100), "truncated", /table/);
  await refused(file.subarray(0, 200), "truncated", /position column/);
  await refused(file.subarray(0, file.length - 1), "truncated", /sh column/);
  await refused(
    changed((view) => view.setUint32(8, 0, true)),
    "empty",
    /no splats/,
  );
  await refused(
    changed((view) => view.setUint32(8, 61, true)),
    "malformed",
    /position column/,
  );
  await refused(
    changed((view) => view.setUint8(12, 5)),
    "malformed",
    /degree 5/,
  );
  await refused(
    changed((view) => view.setUint8(15, 5)),
    "malformed",
    /5 columns/,
  );
  await refused(
    changed((view) => view.setUint32(16, 8, true)),
    "truncated",
    /table at 8/,
  );
  await refused(
    changed((view) => view.setUint8(32 + 6 * 16, 0)),
    "malformed",
    /damaged/,
  );
  const limits = { ...defaultAssetLimits, maxSplats: 59 };
  await assertRefused(readAnySplat(file, { limits }), "too-many-splats", /60 splats/);
  const small = { ...defaultAssetLimits, maxDecompressedBytes: 60 * 64 };
  await assertRefused(readAnySplat(file, { limits: small }), "too-large", /3900 bytes/);
});

test("a column that unpacks to more than the table says is refused", async () => {
  const frame = zstdCompressSync(new Uint8Array(100_000));
  const bytes = Buffer.concat([file.subarray(0, 128), frame, file.subarray(128)]);
  bytes.writeBigUInt64LE(BigInt(frame.length), 32);
  await assertRefused(readAnySplat(bytes), "malformed", /unpacks to more/);
});

test("degree 4 comes without its highest band; flags are told", async () => {
  const count = 10;
  const widths = [9, 1, 3, 3, 4, 72];
  const frames = widths.map((width, column) =>
    zstdCompressSync(
      Uint8Array.from({ length: count * width }, (_, i) => (column === 5 ? 128 + (i % 72) : 100)),
    ),
  );
  const head = Buffer.alloc(32 + 6 * 16);
  head.write("NGSP", "latin1");
  head.writeUInt32LE(4, 4);
  head.writeUInt32LE(count, 8);
  head.set([4, 12, 1, 6], 12);
  head.writeUInt32LE(32, 16);
  for (const [index, frame] of frames.entries()) {
    head.writeBigUInt64LE(BigInt(frame.length), 32 + index * 16);
    head.writeBigUInt64LE(BigInt(count * (widths[index] ?? 0)), 40 + index * 16);
  }
  const { splat: read, notes } = await readAnySplat(Buffer.concat([head, ...frames]));
  assert.equal(read.shDegree, 3);
  assert.deepEqual(
    [...read.shRest.subarray(45, 48)].map((value) => value * 128),
    [0, 1, 2],
  );
  assert.equal(notes.length, 2);
  assert.match(notes.join(), /band 4.*antialiasing/);
});

test("flags of older versions are told as well, and versions that do not exist named", async () => {
  const plain = gunzipSync(writeSpz(cloud(5, 0), { version: 3, compression: "gzip" }));
  plain[14] = 3;
  const { notes } = await readAnySplat(gzipSync(plain));
  assert.match(notes.join(), /antialiasing.*extensions are not applied;/);
  plain.writeUInt32LE(5, 4);
  await assertRefused(readAnySplat(plain), "unsupported-version", /SPZ version 5; 1 to 4 are read/);
});
