import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** `selftest` where Vulkan has no driver, so that every machine says the same. */
function selftest(...argv: readonly string[]) {
  const none = "/nonexistent";
  const env = { ...process.env, VK_DRIVER_FILES: none, VK_ICD_FILENAMES: none };
  return spawnSync(process.execPath, [main, "selftest", ...argv], { encoding: "utf8", env });
}

test("selftest names backend, ratio, time and device, and passes over what is absent", () => {
  const { status, stdout, stderr } = selftest("--threads", "1");
  assert.equal(status, 0, stderr);
  const [header, cpu, webgpu, gl, gap, ...providers] = stdout.trimEnd().split("\n");
  assert.match(header ?? "", /^backend +PSNR +ms a view +device$/);
  assert.match(cpu ?? "", /^cpu +\d\d\.\d dB +\d+\.\d +good +\S.*, threads: 1$/);
  assert.match(webgpu ?? "", /^webgpu +- +- +absent +WebGPU finds no GPU/);
  assert.match(gl ?? "", /^gl +- +- +absent +\S/);
  assert.equal(gap, "");
  const [providerHeader, onCpu, onWebgpu, onCuda, ...more] = providers;
  assert.match(providerHeader ?? "", /^provider +difference +ms a batch +model and operators$/);
  assert.match(onCpu ?? "", /^cpu +\d\.\de[+-]\d+ +\d+\.\d +good +\S.*, threads: 1$/);
  assert.match(onWebgpu ?? "", /^webgpu +- +- +absent +.* Vulkan offers no GPU/);
  assert.match(onCuda ?? "", /^cuda +\S/);
  assert.deepEqual(more, []);
});

test("selftest fails where the backend that was named is absent", () => {
  const { status, stderr } = selftest("--backend", "gl");
  assert.equal(status, 1);
  assert.match(stderr, /^turntable-worker selftest: .*gl/);
});
