import assert from "node:assert/strict";
import { test } from "node:test";
import { openRules } from "../../test/rules.ts";
import { historyOf } from "../miners/index.ts";
import { createAttempts } from "../weights/index.ts";
import { createOwnHistory } from "./own-history.ts";

const netuid = 17;
const validator = "5Validator";

async function open() {
  const opened = await openRules();
  const attempts = createAttempts(opened.store);
  let now = 0;
  const history = createOwnHistory({
    historyOf: (hotkey, limit, before) => historyOf(opened.store, hotkey, limit, before),
    weightAfter: (hotkey, at) => attempts.weightAfter(netuid, validator, hotkey, at),
    taskOf: (id) => opened.tasks.assignment(id)?.taskId,
    now: () => now,
  });
  return {
    ...{ opened, attempts, history },
    at: (ms: number) => {
      now = ms;
    },
    async judged(hotkey: string, score: number, at: number): Promise<string> {
      const taskId = opened.ask(`a cube of ${hotkey} at ${at}`, at);
      const { id } = await opened.submit(taskId, hotkey, at);
      opened.submissions.applyResult(opened.scored(id, score), at);
      return taskId;
    },
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  };
}

test("a miner reads its own verdicts, newest first, page by page, and no other's", async () => {
  using subnet = await open();
  const tasks = [];
  for (const [hotkey, score, at] of [
    ["A", 0.9, 10],
    ["B", 0.9, 20],
    ["A", 0.2, 30],
    ["A", 0.7, 40],
  ] as const) {
    tasks.push(await subnet.judged(hotkey, score, at));
  }
  const first = subnet.history.page("A", 2, 0);
  assert.deepEqual(
    first.verdicts.map((one) => [one.at, one.verdict, one.code, one.fidelity, one.task_id]),
    [
      [40, "accepted", "accepted", 0.75, tasks[3]],
      [30, "rejected", first.verdicts[1]?.code, 0, tasks[2]],
    ],
  );
  assert.equal(first.more, true);
  const second = subnet.history.page("A", 2, first.verdicts[1]?.number ?? 0);
  assert.deepEqual([second.verdicts.map(({ at }) => at), second.more], [[10], false]);
  assert.equal(second.verdicts[0]?.reward, 1);
  assert.deepEqual(subnet.history.page("C", 2, 0), { verdicts: [], more: false });
});

test("each verdict has the weight that followed from this validator, once there is one", async () => {
  using subnet = await open();
  await subnet.judged("A", 0.9, 10);
  const set = (whose: string, at: number, weight: number, kind: "included" | "failed") => {
    const rows = [{ uid: 1, hotkey: "A", reward: 1, weight }];
    const begun = { netuid, validator: whose, at, block: at, versionKey: 1, rows };
    const id = subnet.attempts.begin(begun);
    const outcome =
      kind === "included"
        ? ({ kind, block: at + 1, revealRound: undefined } as const)
        : ({ kind, message: "away" } as const);
    subnet.attempts.end(id, outcome);
  };
  const weights = () =>
    subnet.history.page("A", 9, 0).verdicts.map((one) => [one.weight, one.weight_block]);
  set(validator, 5, 1, "included");
  set("5Other", 11, 2, "included");
  set(validator, 12, 3, "failed");
  assert.deepEqual(weights(), [[null, null]]);
  set(validator, 13, 65_535, "included");
  set(validator, 14, 4, "included");
  assert.deepEqual(weights(), [[65_535, 14]]);
});

test("a page has fifty verdicts at most, and a miner six of them a minute", async () => {
  using subnet = await open();
  for (let i = 0; i < 52; i++) {
    const said = {
      verdict: "rejected",
      code: "not-assigned",
      reason: "",
      score: 0,
      fidelity: 0,
      averageShare: 0,
    };
    subnet.opened.miners.record({ hotkey: "A", assignmentId: undefined, ...said }, i);
  }
  const largest = subnet.history.page("A", 1_000_000, 0);
  assert.deepEqual([largest.verdicts.length, largest.more], [50, true]);
  assert.equal(largest.verdicts[0]?.task_id, "");
  assert.equal(subnet.history.page("A", -1, 0).verdicts.length, 1);
  for (let i = 0; i < 6; i++) {
    assert.equal(subnet.history.limited("A"), undefined);
  }
  assert.equal(subnet.history.limited("A"), "Rate limit");
  assert.equal(subnet.history.limited("B"), undefined);
  subnet.at(60_000);
  assert.equal(subnet.history.limited("A"), undefined);
});
