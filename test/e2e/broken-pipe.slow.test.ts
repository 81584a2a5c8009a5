/** `… | head -1` with every command of the repository: a reader that leaves is no fault. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

for (const command of [
  ["bittensor/src/cli/wallet/main.ts", "--help"],
  ["bittensor/src/cli/weights/main.ts", "--help"],
  ["client-sdk/src/cli/main.ts", "--help"],
  ["coordinator/src/main.ts", "--help"],
  ["workers/generation/src/main.ts", "--help"],
  ["workers/miner/src/main.ts", "--help"],
  ["workers/validation/src/main.ts", "--help"],
  ["workers/validation/src/main.ts", "run", "--help"],
  ["workers/validation/src/main.ts", "models", "list"],
]) {
  test(`${command.join(" ")} ends quietly when its output is not read`, async () => {
    const [main = "", ...argv] = command;
    const path = fileURLToPath(new URL(`../../${main}`, import.meta.url));
    const child = spawn(process.execPath, [path, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
    assert.deepEqual([stderr, child.exitCode], ["", 0]);
  });
}
