import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { cloud } from "../../test/shapes.ts";
import { readHdf5, writeHdf5 } from "../hdf5.ts";
import { readHdf5Here } from "../hdf5-file.ts";
import { AssetError, defaultAssetLimits, type Splat } from "../index.ts";
import { decodePlainHdf5 } from "./index.ts";

const limits = defaultAssetLimits;

for (const shDegree of [0, 1, 3] as const) {
  for (const count of [1, 50, 9_000]) {
    test(`${count} splats of degree ${shDegree} are read as the library reads them`, async () => {
      const splat = cloud(count, shDegree);
      const bytes = await writeHdf5(splat);
      const plain = decodePlainHdf5(bytes, limits, false);
      assert.deepEqual(plain, readHdf5Here(bytes, limits, false));
      assert.deepEqual(plain, splat);
      assert.deepEqual(decodePlainHdf5(bytes, limits, true), readHdf5Here(bytes, limits, true));
    });
  }
}

test("limits are told as the library's reader tells them, before anything is unpacked", async () => {
  const bytes = await writeHdf5(cloud(60, 0));
  const refused = (code: string) => (error: unknown) =>
    error instanceof AssetError && error.code === code;
  const few = { ...limits, maxSplats: 59 };
  assert.throws(() => decodePlainHdf5(bytes, few, false), refused("too-many-splats"));
  const small = { ...limits, maxDecompressedBytes: 60 * 13 * 4 };
  assert.throws(() => decodePlainHdf5(bytes, small, false), refused("too-large"));
});

test("where a broken file is read, its values are the library's, or those that were written", async () => {
  const splat: Splat = cloud(20, 1);
  const bytes = await writeHdf5(splat);
  let [read, left] = [0, 0];
  for (let at = 0; at < bytes.length; at += 3) {
    const broken = Uint8Array.from(bytes);
    broken[at] = (broken[at] ?? 0) ^ (1 << (at % 8));
    const plain = attempt(() => decodePlainHdf5(broken, limits, false));
    if (plain === undefined) {
      left++; // the library's turn
    } else {
      read++;
      // The library looks at more than it needs; whether it would have refused a byte without a say does not matter.
      if (isDeepStrictEqual(plain, splat)) {
        continue;
      }
      const other = attempt(() => readHdf5Here(broken, limits, false));
      const isRefused = typeof plain === "string" && typeof other === "string";
      if (!isRefused) {
        assert.deepEqual(plain, other, `byte ${at}`);
      }
    }
  }
  assert.ok(read > 1_000 && left > 500, `${read} were read, ${left} left to the library`);
  for (let length = 0; length < bytes.length; length += 97) {
    assert.equal(decodePlainHdf5(bytes.subarray(0, length), limits, false), undefined);
  }
  await assert.rejects(readHdf5(bytes.subarray(0, 2_000)), AssetError);
});

test("a chunk that is not there is left to the library, which knows what to put in its place", async () => {
  const bytes = Buffer.from(await writeHdf5(cloud(9_000, 0)));
  // The first tree of chunks: its kind is 1, and it has three of them.
  let tree = bytes.indexOf("TREE");
  while (bytes[tree + 4] !== 1) {
    tree = bytes.indexOf("TREE", tree + 1);
  }
  assert.equal(bytes.readUInt16LE(tree + 6), 3);
  bytes.writeUInt16LE(2, tree + 6);
  // Not `assert.equal`, which would print 9,000 splats.
  assert.ok(decodePlainHdf5(bytes, limits, false) === undefined);
});

function attempt(read: () => Splat | undefined): Splat | string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof AssetError) {
      return error.code;
    }
    throw error;
  }
}
