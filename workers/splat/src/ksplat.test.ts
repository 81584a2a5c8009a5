import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { makeKsplat } from "../test/makers/ksplat.ts";
import { assertNear, assertRefused } from "../test/near.ts";
import { cloud } from "../test/shapes.ts";
import { defaultAssetLimits, readAnySplat, readAsset } from "./index.ts";

const exact = {
  positions: 0,
  scales: 1e-5,
  opacities: 0.003,
  shDc: 0.01,
  shRest: 0,
  rotations: 1e-6,
};
const coarse = { ...exact, positions: 1e-4, scales: 1e-3, shRest: 5e-4, rotations: 1e-5 };

for (const shDegree of [0, 1, 2, 3] as const) {
  for (const [level, tolerances] of [
    [0, exact],
    [1, coarse],
    [2, { ...coarse, shRest: 0.004 + 1e-6 }],
  ] as const) {
    test(`level ${level} of degree ${shDegree}`, async () => {
      // 70 splats in buckets of 16: four full ones and one of 6.
      const splat = cloud(70, shDegree);
      const { splat: back, format, notes } = await readAnySplat(makeKsplat(splat, level));
      assertNear(back, splat, tolerances);
      assert.deepEqual([format, notes], ["ksplat", []]);
    });
  }
}

test("it is told by its sizes, and refused where they do not fit", async () => {
  const bytes = makeKsplat(cloud(70, 1), 1);
  assert.equal((await readAnySplat(gzipSync(bytes))).format, "ksplat in gzip");
  await assertRefused(
    readAsset(bytes),
    "unknown-format",
    /is a \.ksplat: `turntable-worker convert`/,
  );
  await assertRefused(readAnySplat(bytes.subarray(0, bytes.length - 1)), "unknown-format", /./);
  const limits = { ...defaultAssetLimits, maxSplats: 69 };
  await assertRefused(readAnySplat(bytes, { limits }), "too-many-splats", /70 splats/);
  const lost = Buffer.from(bytes);
  lost.writeUInt32LE(3, 4096 + 1024); // of the 6 in the last bucket
  await assertRefused(readAnySplat(lost), "malformed", /splat 67 of the \.ksplat is in no bucket/);
});
