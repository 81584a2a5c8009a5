import assert from "node:assert/strict";
import { test } from "node:test";
import { vulkanEnvironment } from "./index.ts";

test("a process gets the variables handed in, and a driver that was chosen stays", () => {
  const env = { HOME: "/home/w", VK_DRIVER_FILES: "/drivers/own.json", UNSET: undefined };
  assert.deepEqual(vulkanEnvironment({ env, allowSoftware: true }), env);
});

test("without leave for software no driver is added", () => {
  const env = { HOME: "/home/w" };
  assert.deepEqual(vulkanEnvironment({ env }), env);
});
