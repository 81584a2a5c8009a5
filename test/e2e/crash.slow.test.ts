/** A few kills of the coordinator under load; `npm run test:crash` does as many as one likes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runCrashes } from "../crash/crash.ts";

test("fault 10: kill -9 of the coordinator under load loses nothing and rewards nothing twice", async (t) => {
  const run = await runCrashes({
    ...{ kills: 5, seed: 14, miners: 8 },
    onKill: (count, afterMs) => t.diagnostic(`kill ${count} after ${afterMs} ms`),
  });
  assert.deepEqual(run.wrong, []);
  assert.ok(run.created > 0 && run.told > 0, `${run.created} tasks, ${run.told} verdicts`);
});
