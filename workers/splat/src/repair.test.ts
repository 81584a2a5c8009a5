import assert from "node:assert/strict";
import { test } from "node:test";
import { ball, createRandom } from "../test/shapes.ts";
import { readAnySplat, repairSplat, writePly } from "./index.ts";

test("broken, unseen and far rows are dropped and counted, the others stay as they are", () => {
  const sound = ball(1_000, createRandom(3));
  const broken = structuredClone(sound);
  broken.positions[0] = Number.NaN;
  broken.scales[3] = Infinity;
  broken.opacities[2] = Number.NaN;
  broken.rotations.fill(0, 12, 16);
  broken.opacities[4] = -Infinity;
  broken.opacities[5] = -6;
  broken.opacities[6] = Infinity;
  broken.positions.set([50, 0, 0], 7 * 3);
  broken.positions.set([2e6, 0, 0], 8 * 3);
  broken.positions.set([1.5, 0, 0], 9 * 3); // out of the ball, but not far
  const { splat, dropped } = repairSplat(broken);
  assert.deepEqual(dropped, { nonFinite: 3, zeroQuaternion: 1, invisible: 2, stray: 2 });
  assert.equal(splat.count, 992);
  assert.equal(splat.opacities[0], Infinity);
  assert.equal(splat.positions[3], 1.5);
  assert.deepEqual(splat.positions.subarray(6), sound.positions.subarray(30));
  const again = repairSplat(sound);
  assert.deepEqual(again, {
    splat: sound,
    dropped: { nonFinite: 0, zeroQuaternion: 0, invisible: 0, stray: 0 },
  });
});

test("what is broken is read when it is not to be judged", async () => {
  const broken = ball(10, createRandom(3));
  broken.positions[0] = Number.NaN;
  await assert.rejects(readAnySplat(writePly(broken)), /position of splat 0 is NaN/);
  const { splat } = await readAnySplat(writePly(broken), { unjudged: true });
  assert.equal(repairSplat(splat).splat.count, 9);
});

test("nothing may be left", () => {
  const hidden = { ...ball(10, createRandom(3)), opacities: new Float32Array(10).fill(-9) };
  assert.equal(repairSplat(hidden).splat.count, 0);
});
