import assert from "node:assert/strict";
import { test } from "node:test";
import { createIntake } from "./intake.ts";

test("nothing is lent while the backlog is long, and nothing taken while the disk is full", () => {
  let pending = 1;
  let lack: string | undefined;
  const refusals: string[] = [];
  const intake = createIntake({
    limits: { pendingSubmissions: 2 },
    space: { lack: () => lack },
    countPending: () => pending,
    onRefusal: (kind) => refusals.push(kind),
  });
  assert.equal(intake.lendsNothing(), undefined);
  pending = 2;
  assert.match(intake.lendsNothing() ?? "", /2 submissions wait/);
  assert.equal(intake.takesNothing(), undefined, "what miners have is still taken");
  lack = "the disk is nearly full";
  assert.deepEqual([intake.takesNothing(), intake.lendsNothing()], [lack, lack]);
  assert.deepEqual(refusals, ["backlog", "disk", "disk"]);
});
