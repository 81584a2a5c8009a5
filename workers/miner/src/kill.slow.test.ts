import assert from "node:assert/strict";
import { test } from "node:test";
import { killMiner } from "../test/kill.ts";

// The long version, of 20 kills, is `npm run test:miner-kill`.
test("a miner that is killed at any moment submits what it was lent, with one content", async () => {
  const { faults, tasks, submissions } = await killMiner(3, 7);
  assert.deepEqual(faults, []);
  assert.ok(tasks >= 3 && submissions >= tasks - 3, `${tasks} tasks, ${submissions} submissions`);
});
