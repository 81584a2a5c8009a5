/** Two runs of chaos at one time; `npm run test:chaos` does as many as one likes. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Fault } from "../chaos/faults.ts";
import { findAbilities, runIsolated } from "../chaos/isolated.ts";

const fault = (kind: Fault["kind"], target: string, atMs: number, forMs: number): Fault => ({
  ...{ kind, target, atMs, forMs },
  dice: 0.75,
});
const schedules = {
  "the jobs' leader, a worker and the coordinator die": [
    fault("kill-leader", "JOBS", 1_000, 500),
    fault("kill-worker", "w1", 1_500, 500),
    fault("kill-coordinator", "coordinator", 2_500, 0),
  ],
  "a server is cut off, a worker stalls, the disk is full, the clock steps": [
    fault("partition", "n1", 500, 1_500),
    fault("stop-worker", "w2", 1_000, 2_500),
    fault("full-disk", "coordinator", 1_500, 500),
    fault("clock-step", "coordinator", 2_500, 1_000),
  ],
} satisfies Record<string, readonly Fault[]>;

test("every acknowledged submission gets one verdict", { concurrency: true }, async (t) => {
  const abilities = await findAbilities();
  for (const { kind, why } of abilities.impossible) {
    t.diagnostic(`${kind} is left out: ${why}`);
  }
  await Promise.all(
    Object.entries(schedules).map(([what, schedule]) =>
      t.test(`when ${what}`, async () => {
        const directory = await mkdtemp(join(tmpdir(), "turntable-chaos-"));
        const run = await runIsolated(abilities, {
          ...{ seed: 1, workMs: 4_000, miners: 4, kinds: [], olderCheckout: undefined, directory },
          schedule: schedule.filter(({ kind }) => abilities.possible.includes(kind)),
        });
        assert.ok(typeof run !== "string", String(run));
        assert.deepEqual(run.wrong, [], `logs are in ${directory}`);
        assert.ok(run.acknowledged > 0);
        await rm(directory, { recursive: true });
      }),
    ),
  );
});
