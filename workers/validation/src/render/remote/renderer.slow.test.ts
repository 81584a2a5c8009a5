/** How the supervisor takes processes that do not draw; none of this needs a device. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceError, type DeviceErrorCode } from "../../gpu/index.ts";
import { startDeviceRenderer } from "./index.ts";

const backend = { backend: "test", env: process.env, leastDb: 46, inFlight: 2 };

const processes: readonly [string, string, DeviceErrorCode, RegExp][] = [
  [
    "draws black pictures",
    "black.ts",
    "wrong-pictures",
    /a black hole: \d+\.\d dB .* 46 are needed/,
  ],
  ["does not answer", "silent.ts", "timeout", /no answer/],
  [
    "aborts while it starts",
    "abort.ts",
    "crashed",
    /ended with SIG\w+: no driver would have this$/,
  ],
  ["finds no device", "absent.ts", "unavailable", /no device/],
];

for (const [what, file, code, message] of processes) {
  test(`a process that ${what} is not used`, async () => {
    const program = new URL(`../../../test/device-processes/${file}`, import.meta.url);
    const timeoutMs = code === "timeout" ? 500 : 30_000;
    await assert.rejects(startDeviceRenderer({ ...backend, program }, timeoutMs), (error) => {
      assert.ok(error instanceof DeviceError);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  });
}
