/** The gl backend on whatever device this machine has; software will do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Splat } from "@turntable/splat";
import { missingDevice } from "../../../test/missing-device.ts";
import { DeviceError } from "../../gpu/index.ts";
import {
  createScene,
  createTestSplat,
  leastDb,
  orbitCamera,
  psnr,
  startCpuRenderer,
} from "../index.ts";
import { extremeChanges } from "../test-scenes.ts";
import { startGlRenderer } from "./index.ts";

const skip = await missingDevice(() => startGlRenderer(process.env));
const white = [1, 1, 1] as const;
const cameras = [0, 75, 200].map((azimuthDeg, index) =>
  orbitCamera(
    { azimuthDeg, elevationDeg: index * 13 - 20, radius: 1.3 },
    { size: 96 + 32 * index, fovyDeg: 49.1 },
  ),
);
const ball = createScene(createTestSplat({ count: 3_000, shDegree: 1 }));

test("draws as cpu does, with harmonics of each degree, in one process", { skip }, async (t) => {
  await using cpu = await startCpuRenderer(2);
  await using gl = await startGlRenderer(process.env);
  assert.ok(gl.device.length > 0);
  t.diagnostic(gl.device);
  for (const shDegree of [3, 2, 1, 0] as const) {
    const scene = createScene(createTestSplat({ count: 3_000, shDegree }));
    const expected = await cpu.render(scene, cameras, white);
    const seen: number[] = [];
    const onView = (index: number): unknown => seen.push(index);
    const images = await gl.render(scene, cameras, white, { onView });
    assert.deepEqual(seen.toSorted(), [0, 1, 2]);
    for (const [index, image] of images.entries()) {
      const wanted = expected[index];
      assert.ok(wanted !== undefined);
      const db = psnr(image, wanted);
      assert.ok(db >= leastDb.gl, `degree ${shDegree}, view ${index}: ${db.toFixed(1)} dB`);
    }
  }
});

test("colours below 0 stay below 0 where the profile says so", { skip }, async () => {
  const splat = createTestSplat({ count: 500 });
  const dark = { ...splat, shDc: splat.shDc.map((value) => value - 2) };
  await using cpu = await startCpuRenderer(1);
  await using gl = await startGlRenderer(process.env);
  const scenes = ["all-bands", "band-0-unclamped"] as const;
  const pictures = [];
  for (const colours of scenes) {
    const scene = createScene(dark, { colours });
    const [expected] = await cpu.render(scene, cameras.slice(0, 1), white);
    const [image] = await gl.render(scene, cameras.slice(0, 1), white);
    assert.ok(image !== undefined && expected !== undefined);
    assert.ok(psnr(image, expected) >= leastDb.gl, colours);
    pictures.push(image);
  }
  assert.notDeepEqual(pictures[0], pictures[1]);
});

test("lives through anything", { skip }, async (t) => {
  await using gl = await startGlRenderer(process.env);
  const { pid } = gl;
  for (const [name, change] of Object.entries(extremeChanges(1.3))) {
    await t.test(name, async () => {
      const splat: Splat = { ...createTestSplat({ count: 2 }), ...change };
      assert.equal((await gl.render(createScene(splat), cameras, white)).length, cameras.length);
    });
  }
  await t.test("an empty view is the background", async () => {
    const splat = { ...createTestSplat({ count: 1 }), positions: Float32Array.of(900, 0, 0) };
    const images = await gl.render(createScene(splat), cameras, white);
    for (const { pixels } of images) {
      assert.ok(pixels.every((value) => value === 255));
    }
  });
  assert.equal(gl.pid, pid);
});

test("a process that dies fails the render in work, and the next has another", {
  skip,
}, async () => {
  await using gl = await startGlRenderer(process.env);
  const { pid } = gl;
  const [before] = await gl.render(ball, cameras, white);
  const dying = gl.render(ball, [...cameras, ...cameras], white, {
    onView: () => process.kill(pid, "SIGKILL"),
  });
  await assert.rejects(dying, (error) => error instanceof DeviceError && error.code === "crashed");
  const [after] = await gl.render(ball, cameras, white);
  assert.notEqual(gl.pid, pid);
  assert.deepEqual(after, before);
});

test("an aborted render ends early and leaves the process in use", { skip }, async () => {
  await using gl = await startGlRenderer(process.env);
  const { pid } = gl;
  const abort = new AbortController();
  const reason = new Error("enough");
  const many = Array.from({ length: 30 }, () => cameras).flat();
  let views = 0;
  const onView = (): void => {
    views += 1;
    abort.abort(reason);
  };
  await assert.rejects(gl.render(ball, many, white, { onView, signal: abort.signal }), reason);
  assert.ok(views <= 2, `${views} views were drawn`);
  await gl.render(ball, cameras, white);
  assert.equal(gl.pid, pid);
});
