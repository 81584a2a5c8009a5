import assert from "node:assert/strict";
import { test } from "node:test";
import { type Health, problemsOf } from "./problems.ts";

const validator: Health["validators"][number] = {
  ...{ netuid: 17, readMs: 1_000, everyMs: 600_000, isRegistered: true },
  ...{ barred: undefined, nothing: undefined, lateBlocks: 0, foreign: undefined },
};
const worker = { model: "clip-vit-b32", demonstration: false, isActive: true };
const well: Health = {
  dispatch: undefined,
  intake: { kind: "open", reason: "" },
  disk: { freeBytes: 10 * 1024 ** 3, reserveBytes: 1024 ** 3 },
  workers: [worker],
  quarantined: 0,
  pending: { count: 3, limit: 2_000, oldestMs: 5_000 },
  oldestTaskMs: 0,
  miners: 5,
  deadLetters: 0,
  storageAway: [],
  validators: [validator],
};

test("all is well", () => {
  assert.deepEqual(problemsOf(well), []);
  assert.deepEqual(problemsOf({ ...well, deadLetters: undefined }), []);
});

const cases: readonly (readonly [string, Partial<Health>, readonly string[], RegExp])[] = [
  ["the queue is away", { dispatch: "NATS is away" }, ["error queue-away"], /: NATS is away\./],
  [
    "nothing scores and something waits",
    {
      workers: [{ ...worker, isActive: false }],
      pending: { ...well.pending, count: 1, oldestMs: 61_000 },
    },
    ["error no-worker"],
    /1 asset waits, the oldest for 61 s/,
  ],
  [
    "no worker was ever there, and nothing waits",
    { workers: [], pending: { ...well.pending, count: 0, oldestMs: 0 } },
    [],
    /^$/,
  ],
  [
    "workers do not keep up",
    { pending: { ...well.pending, oldestMs: 301_000 } },
    ["warning queue-old"],
    /has waited 5 min/,
  ],
  [
    "too much waits",
    { pending: { count: 2_000, limit: 2_000, oldestMs: 1_000 } },
    ["error backlog"],
    /^2000 assets wait/,
  ],
  [
    "the disk is full",
    { disk: { freeBytes: 1024 ** 3 - 1, reserveBytes: 1024 ** 3 } },
    ["error disk-full"],
    /1023 MiB are free, and below 1024 MiB/,
  ],
  [
    "the disk fills up",
    { disk: { freeBytes: 1.5 * 1024 ** 3, reserveBytes: 1024 ** 3 } },
    ["warning disk-filling"],
    /1536 MiB are free/,
  ],
  [
    "somebody paused it",
    { intake: { kind: "paused", reason: "new disk" } },
    ["warning paused"],
    /has paused it: new disk\./,
  ],
  [
    "somebody drains it",
    { intake: { kind: "draining", reason: "" } },
    ["warning draining"],
    /stopped\./,
  ],
  ["nobody is registered", { miners: 0 }, ["warning no-miner"], /No miner is registered/],
  [
    "nobody takes a task",
    { oldestTaskMs: 180_000 },
    ["warning no-taker"],
    /waited 3 min for a miner/,
  ],
  [
    "jobs were given up",
    { deadLetters: 1 },
    ["warning dead-letters"],
    /^1 job was given up.* it again/,
  ],
  [
    "a worker is shut out",
    { quarantined: 1 },
    ["warning worker-quarantined"],
    /^1 worker is quarantined, since its scores differ.* release it/,
  ],
  [
    "a store outside is away",
    { storageAway: ["s3"] },
    ["warning storage-away"],
    /stored on s3 now/,
  ],
  [
    "a demonstration model scores",
    { workers: [worker, { model: "small", demonstration: true, isActive: true }] },
    ["info demonstration-model"],
    /demonstration model small:/,
  ],
  [
    "a worker with one is gone",
    { workers: [worker, { model: "small", demonstration: true, isActive: false }] },
    [],
    /^$/,
  ],
  [
    "the chain was not read",
    { validators: [{ ...validator, readMs: undefined, isRegistered: false }] },
    ["warning chain-away"],
    /not been read since the start.*subnet 17/,
  ],
  [
    "the chain was read long ago",
    { validators: [{ ...validator, readMs: 3_600_000 }] },
    ["warning chain-behind"],
    /last read 60 min ago/,
  ],
  [
    "our hotkey is not registered",
    { validators: [{ ...validator, isRegistered: false, barred: "the hotkey is not registered" }] },
    ["error not-registered"],
    /not registered on subnet 17/,
  ],
  [
    "weights cannot be set",
    { validators: [{ ...validator, barred: "the hotkey has no permit" }] },
    ["warning weights-barred"],
    /on subnet 17: the hotkey has no permit\./,
  ],
  [
    "weights are late",
    { validators: [{ ...validator, lateBlocks: 150, barred: "the hotkey has no permit" }] },
    ["error weights-late"],
    /are 150 blocks late: the hotkey has no permit\./,
  ],
  [
    "there have been no weights to set for long",
    { validators: [{ ...validator, lateBlocks: 150, nothing: "nobody has a reward yet" }] },
    ["warning weights-none"],
    /are 150 blocks late, since there are none to set: nobody has a reward yet\./,
  ],
  [
    "there are no weights to set yet",
    { validators: [{ ...validator, nothing: "nobody has a reward yet" }] },
    [],
    /^$/,
  ],
  [
    "weights are somebody else's",
    { validators: [{ ...validator, foreign: "somebody else set them" }] },
    ["error weights-foreign"],
    /^Subnet 17: somebody else set them\./,
  ],
];
for (const [what, change, expected, text] of cases) {
  test(what, () => {
    const problems = problemsOf({ ...well, ...change });
    assert.deepEqual(
      problems.map(({ severity, code }) => `${severity} ${code}`),
      expected,
    );
    assert.match(problems.map((problem) => problem.text).join(), text);
  });
}

test("the worst comes first", () => {
  const problems = problemsOf({
    ...{ ...well, deadLetters: 2, dispatch: "away" },
    workers: [{ ...worker, demonstration: true }],
  });
  assert.deepEqual(
    problems.map(({ severity }) => severity),
    ["error", "warning", "info"],
  );
});
