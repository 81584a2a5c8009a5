import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { createWorkers, isActiveWorker } from "./workers.ts";

const scored = (workerId: string, totalMs: number) =>
  create(RenderScoreResultSchema, {
    workerId,
    outcome: { case: "scored", value: create(ScoreReportSchema, { timings: { totalMs } }) },
  });

test("a worker's busy share is that of the last five minutes, and of its life when that is shorter", () => {
  const workers = createWorkers();
  assert.equal(workers.busyShare("w", 0), 0);
  workers.seen(scored("w", 15_000), 0);
  workers.seen(scored("w", 15_000), 60_000);
  assert.equal(workers.busyShare("w", 60_000), 0.5);
  assert.equal(workers.busyShare("w", 120_000), 0.25);
  workers.seen(scored("w", 90_000), 600_000);
  assert.equal(workers.busyShare("w", 600_000), 90_000 / 270_000, "what was before is forgotten");
  assert.equal(workers.busyShare("w", 1_200_000), 0);
  workers.seen(scored("x", 900_000), 600_000);
  assert.equal(workers.busyShare("x", 630_000), 1, "several renderers are no more than busy");
});

test("a worker is active for ten minutes after a result", () => {
  const workers = createWorkers();
  workers.seen(scored("w", 1), 0);
  const [worker] = workers.list();
  assert.ok(worker !== undefined);
  assert.deepEqual(
    [isActiveWorker(worker, 600_000), isActiveWorker(worker, 600_001)],
    [true, false],
  );
  assert.deepEqual([workers.count(600_000), workers.count(600_001)], [1, 0]);
});
