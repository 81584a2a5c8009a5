import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "../chaos/faults.ts";
import { watchSilences } from "../chaos/silences.ts";

const fault = (kind: Fault["kind"], target: string, dice = 0): Fault => ({
  ...{ kind, target, dice },
  ...{ atMs: 0, forMs: 0 },
});
const line = (fields: object): string => JSON.stringify({ job_id: "j", ...fields });
const verdict = { msg: "verdict", outcome: "system-fault", reason: "scoring failed", attempt: 2 };

/** A job that w1 and then w2 had, and neither gave back; ended by `ending`. @param faults with when each begins */
function judge(
  faults: readonly (readonly [Fault, number])[],
  {
    ending = verdict as object,
    second = {} as object | undefined,
    secondAt = 14_000,
    stalledShare = 0,
  } = {},
) {
  let now = 0;
  using silences = watchSilences(
    () => now,
    () => now * stalledShare,
  );
  const at = (ms: number, what: () => void): void => {
    now = ms;
    what();
  };
  for (const [one, from] of faults) {
    at(from, () => silences.note(one, "begins"));
    at(from + 100, () => silences.note(one, "is over"));
  }
  at(10_000, () => silences.read("coordinator", line({ msg: "submission taken" })));
  at(10_100, () => silences.read("w1", line({ msg: "job taken" })));
  at(12_200, () => silences.read("w2", line({ msg: "job taken" })));
  if (second !== undefined) {
    at(secondAt, () => silences.read("w2", line({ msg: "job", outcome: "lost", ...second })));
  }
  at(14_500, () => silences.read("coordinator", line(ending)));
  at(15_000, () => silences.read("w1", line({ msg: "job", outcome: "scored" })));
  return silences.explain("j");
}

test("a fault of ours is explained by what was done to both who had its job, or to NATS", () => {
  const both = [
    [fault("kill-worker", "w1"), 10_200],
    [fault("partition", "w2"), 12_300],
  ] as const;
  assert.equal(judge(both), "faults");
  assert.equal(judge([[fault("kill-nats", "n2"), 11_000]]), "faults");
  assert.equal(judge([[fault("partition", "coordinator", 0.7), 11_000]]), "faults");
  // Silent for longer than the ack wait, and scored in the end.
  const late = { second: { outcome: "scored" }, secondAt: 14_400 };
  assert.equal(judge([[fault("kill-nats", "n2"), 11_000]], late), "faults");
});

test("nothing else explains it", () => {
  const isNone = (found: ReturnType<typeof judge>): void => assert.equal(typeof found, "object");
  isNone(judge([]));
  isNone(judge([[fault("kill-worker", "w1"), 10_200]]));
  isNone(judge([[fault("kill-nats", "n1"), 1_000]]));
  isNone(judge([[fault("kill-coordinator", "coordinator"), 11_000]]));
  isNone(judge([[fault("partition", "coordinator", 0.2), 11_000]]));
  isNone(judge([[fault("update", "all"), 11_000]]));
  isNone(
    judge([
      [fault("slow-worker", "w1"), 10_200],
      [fault("slow-worker", "w2"), 12_300],
    ]),
  );
  const nats = [[fault("kill-nats", "n2"), 11_000]] as const;
  isNone(judge(nats, { second: { outcome: "scored" } }));
  isNone(judge(nats, { second: { msg: "job left to others" } }));
  isNone(judge(nats, { ending: { ...verdict, reason: "the asset was lost" } }));
});

test("a machine that is too busy is told apart from faults", () => {
  assert.equal(judge([], { stalledShare: 0.9 }), "load");
  assert.equal(judge([[fault("kill-worker", "w1"), 10_200]], { stalledShare: 0.9 }), "load");
  assert.equal(typeof judge([], { stalledShare: 0.5 }), "object");
});
