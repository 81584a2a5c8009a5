/** The webgpu backend; SwiftShader will do, with small pictures. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import type { Splat } from "@turntable/splat";
import { missingDevice } from "../../../test/missing-device.ts";
import { DeviceError, vulkanEnvironment } from "../../gpu/index.ts";
import { createScene, createTestSplat, orbitCamera, psnr, startCpuRenderer } from "../index.ts";
import { type DeviceRenderer, startDeviceRenderer } from "../remote/index.ts";
import { extremeChanges } from "../test-scenes.ts";
import { startWebgpuRenderer } from "./index.ts";

const start = (timeoutMs = 120_000) =>
  startWebgpuRenderer({ env: process.env, allowSoftware: true, timeoutMs });
const skip = await missingDevice(start);
/** One process for all tests that leave it as it was. */
let running: Promise<DeviceRenderer> | undefined;
function shared(): Promise<DeviceRenderer> {
  running ??= start();
  return running;
}
after(async () => (await running)?.[Symbol.asyncDispose]());
const white = [1, 1, 1] as const;
const leastDb = 75;
const cameraOf = (azimuthDeg: number, size: number, radius = 1.3) =>
  orbitCamera(
    { azimuthDeg, elevationDeg: (azimuthDeg % 40) - 20, radius },
    { size, fovyDeg: 49.1 },
  );
const cameras = [cameraOf(0, 48), cameraOf(75, 33), cameraOf(200, 64)];
const ball = createScene(createTestSplat({ count: 300, shDegree: 1 }));

test("draws 50 scenes as cpu does, and the same bytes again", { skip }, async (t) => {
  await using cpu = await startCpuRenderer(1);
  const webgpu = await shared();
  t.diagnostic(webgpu.device);
  assert.equal(webgpu.approximate, false);
  let worst = Number.POSITIVE_INFINITY;
  for (let seed = 1; seed <= 50; seed++) {
    const shDegree = ([0, 1, 2, 3] as const)[seed % 4] ?? 0;
    const scene = createScene(createTestSplat({ count: 40 + seed * 4, shDegree, seed }));
    const camera = cameraOf(seed * 37, 20 + seed, 1 + seed / 50);
    const [expected] = await cpu.render(scene, [camera], white);
    const [image, again] = await webgpu.render(scene, [camera, camera], white);
    assert.ok(image !== undefined && expected !== undefined);
    assert.deepEqual(again, image);
    const db = psnr(image, expected);
    worst = Math.min(worst, db);
    assert.ok(db >= leastDb, `seed ${seed}: ${db.toFixed(1)} dB`);
  }
  t.diagnostic(`the worst has ${worst.toFixed(1)} dB`);
});

test("colours below 0 stay below 0 where the profile says so", { skip }, async () => {
  const splat = createTestSplat({ count: 200 });
  const dark = { ...splat, shDc: splat.shDc.map((value) => value - 2) };
  await using cpu = await startCpuRenderer(1);
  const webgpu = await shared();
  const pictures = [];
  for (const colours of ["all-bands", "band-0-unclamped"] as const) {
    const scene = createScene(dark, { colours });
    const [expected] = await cpu.render(scene, cameras, white);
    const [image] = await webgpu.render(scene, cameras, white);
    assert.ok(image !== undefined && expected !== undefined);
    assert.ok(psnr(image, expected) >= leastDb, colours);
    pictures.push(image);
  }
  assert.notDeepEqual(pictures[0], pictures[1]);
});

test("lives through anything", { skip }, async (t) => {
  const webgpu = await shared();
  const { pid } = webgpu;
  for (const [name, change] of Object.entries(extremeChanges(1.3))) {
    await t.test(name, async () => {
      const splat: Splat = { ...createTestSplat({ count: 2 }), ...change };
      assert.equal((await webgpu.render(createScene(splat), cameras, white)).length, 3);
    });
  }
  await t.test("an empty view is the background", async () => {
    const splat = { ...createTestSplat({ count: 1 }), positions: Float32Array.of(900, 0, 0) };
    const images = await webgpu.render(createScene(splat), cameras, white);
    for (const { pixels } of images) {
      assert.ok(pixels.every((value) => value === 255));
    }
  });
  assert.equal(webgpu.pid, pid);
});

test("a scene or picture beyond the device's limits is refused, and the process stays", {
  skip,
}, async () => {
  const webgpu = await shared();
  const { pid } = webgpu;
  await assert.rejects(webgpu.render(ball, [cameraOf(0, 40_000)], white), (error) => {
    assert.ok(error instanceof DeviceError && error.code === "too-large");
    assert.match(error.message, /takes \d+ MiB .* for the picture; the device allows \d+ MiB/);
    return true;
  });
  assert.equal((await webgpu.render(ball, cameras, white)).length, 3);
  assert.equal(webgpu.pid, pid);
});

test("an aborted render ends early and leaves the process in use", { skip }, async () => {
  const webgpu = await shared();
  const { pid } = webgpu;
  const abort = new AbortController();
  const reason = new Error("enough");
  const many = Array.from({ length: 30 }, () => cameras).flat();
  let views = 0;
  const onView = (): void => {
    views += 1;
    abort.abort(reason);
  };
  await assert.rejects(webgpu.render(ball, many, white, { onView, signal: abort.signal }), reason);
  assert.ok(views <= 3, `${views} views were drawn`);
  await webgpu.render(ball, cameras, white);
  assert.equal(webgpu.pid, pid);
});

test("a failure is told by its kind, and the next render has another process", {
  skip,
}, async (t) => {
  await using webgpu = await start(10_000);
  const [before] = await webgpu.render(ball, cameras, white);
  const fails = async (code: string, failing: Promise<unknown>, pid: number): Promise<void> => {
    await assert.rejects(failing, (error) => error instanceof DeviceError && error.code === code);
    const [after] = await webgpu.render(ball, cameras, white);
    assert.notEqual(webgpu.pid, pid);
    assert.deepEqual(after, before);
  };
  const signalled = (signal: NodeJS.Signals, pid: number) =>
    webgpu.render(ball, [...cameras, ...cameras], white, {
      onView: () => process.kill(pid, signal),
    });
  await t.test("the process dies", async () => {
    const { pid } = webgpu;
    await fails("crashed", signalled("SIGKILL", pid), pid);
  });
  await t.test("the device has no memory", async () => {
    const { pid } = webgpu;
    const [, used] =
      /^VmSize:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    const limit = Number(used) * 1024 + 300 * 2 ** 20;
    assert.equal(spawnSync("prlimit", ["--pid", String(pid), `--as=${limit}`]).status, 0);
    // A picture of a gigabyte, and as much again to read it back.
    await fails("out-of-memory", webgpu.render(ball, [cameraOf(0, 16_000)], white), pid);
  });
  await t.test("the driver hangs", async () => {
    const { pid } = webgpu;
    await fails("timeout", signalled("SIGSTOP", pid), pid);
  });
});

test("a device that is lost fails the render", { skip }, async () => {
  await using losing = await startDeviceRenderer({
    ...{ backend: "webgpu", leastDb: 65, inFlight: 2 },
    program: new URL("../../../test/device-processes/lost.ts", import.meta.url),
    env: vulkanEnvironment({ env: process.env, allowSoftware: true }),
  });
  await assert.rejects(losing.render(ball, cameras, white), (error) => {
    assert.ok(error instanceof DeviceError && error.code === "lost");
    assert.match(error.message, /was lost/);
    return true;
  });
});
