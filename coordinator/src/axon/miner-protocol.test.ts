import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import type { Payload } from "@turntable/bittensor/axon";
import { verifySignature } from "@turntable/bittensor/keys";
import { canonicalReport } from "@turntable/proto";
import { openRules, rules, validator } from "../../test/rules.ts";
import { createMinerProtocol } from "./miner-protocol.ts";
import type { Results } from "./results.ts";

/** Where the clock stands at first, ms since 1970. */
const start = 1_764_000_000_000;

/** The protocol on the coordinator's rules without sockets: `scored` plays the workers, `at` the clock. */
async function open(prompt?: string, lendsNothing: () => string | undefined = () => undefined) {
  let now = start;
  const opened = await openRules();
  const { tasks, miners, reports, submissions } = opened;
  const waiting: string[] = [];
  let wake = (): void => {};
  let isQueued = true;
  const protocol = createMinerProtocol({
    validator: validator.ss58,
    tasks,
    miners,
    submissions,
    rules,
    isStrong: () => false,
    drawPrompt: () => prompt,
    lendsNothing,
    async verify({ signature }) {
      await new Promise(setImmediate); // as in a thread
      return signature === "old" ? "2024" : signature === "new" ? "2025" : undefined;
    },
    onAssigned: () => {},
    onSubmitted: ({ id }) => {
      waiting.push(id);
      wake();
    },
    isQueued: async () => isQueued,
    now: () => now,
  });
  const apply = (id: string, outcome: Parameters<typeof opened.result>[1]) =>
    submissions.applyResult(opened.result(id, outcome), now);
  return {
    tasks,
    miners,
    reports,
    submissions,
    protocol,
    apply,
    loseQueue: () => {
      isQueued = false;
    },
    at: (ms: number) => {
      now = start + ms;
    },
    ask: (text: string) => tasks.get(opened.ask(text, now, "c")) ?? assert.fail(),
    pull: (hotkey: string): string => protocol.pull(hotkey).task?.id ?? assert.fail("no task"),
    /** Submits; the answer comes once a verdict was applied. */
    submit: (hotkey: string, taskId: string, change: Partial<Results> = {}, signal = never) =>
      protocol.submit(hotkey, { ...results(taskId), ...change }, signal),
    /** The next submission that came in. */
    async submitted(): Promise<string> {
      while (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return waiting.shift() ?? assert.fail();
    },
    /** How many more submissions were told. */
    taken: () => waiting.length,
    scored: (id: string, score: number) => submissions.applyResult(opened.scored(id, score), now),
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  };
}

const never = new AbortController().signal;

/** As the axon hands an asset over. */
function payload(text: string): Payload {
  const bytes = Buffer.from(text);
  return {
    kind: "bytes",
    sizeBytes: bytes.length,
    sha256: hash("sha256", bytes, "hex"),
    take: () => bytes,
  };
}

function results(taskId: string): Results {
  return {
    taskId,
    prompt: undefined,
    asset: payload("an asset"),
    release: () => {},
    dataFormat: "ply",
    dataVersion: 0,
    compression: 0,
    submitTime: 1_764_000_000_000_000_001n,
    signature: "old",
    hasSigned: () => assert.fail("signatures are told by name here"),
  };
}

test("an accepted result is fed back with fidelity, count, reward and cooldown", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const answer = subnet.submit("A", subnet.pull("A"));
  subnet.at(5_000);
  subnet.scored(await subnet.submitted(), 0.7);
  const { feedback, cooldown_until } = await answer;
  assert.equal(feedback?.verdict, "accepted");
  assert.equal(feedback?.task_fidelity_score, 0.75);
  assert.equal(feedback?.generations_within_8_hours, 1);
  assert.equal(feedback?.average_fidelity_score, 0.9875);
  assert.equal(feedback?.current_miner_reward, 0.9875);
  assert.equal(cooldown_until, (start + 5_000 + rules.cooldownMs) / 1000);
});

test("an asset is let go once it is on disk, before the verdict, and at once when there is one already", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const taskId = subnet.pull("A");
  let released = 0;
  const release = (): void => {
    released += 1;
  };
  const first = subnet.submit("A", taskId, { release });
  const id = await subnet.submitted();
  await new Promise(setImmediate);
  assert.equal(released, 1);
  const second = subnet.submit("A", taskId, { release });
  await new Promise(setImmediate);
  assert.equal(released, 2);
  subnet.scored(id, 0.9);
  await Promise.all([first, second]);
});

test("fault 3: submitting twice, also while scoring runs, returns one verdict and counts once", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const taskId = subnet.pull("A");
  const first = subnet.submit("A", taskId);
  const id = await subnet.submitted();
  const second = subnet.submit("A", taskId, { asset: payload("other") });
  assert.equal(subnet.scored(id, 0.9).kind, "applied");
  assert.equal(subnet.scored(id, 0.2).kind, "repeated", "the same job done twice");
  assert.deepEqual(await second, await first);
  assert.deepEqual(await subnet.submit("A", taskId), await first);
  assert.equal(subnet.miners.get("A", start).observations, 1);
});

test("a rejected result costs nothing but the cooldown, and its miner gets no second try", async () => {
  using subnet = await open();
  const task = subnet.ask("a red cube");
  const answer = subnet.submit("A", subnet.pull("A"));
  subnet.scored(await subnet.submitted(), 0.3);
  assert.equal((await answer).feedback?.task_fidelity_score, 0);
  assert.equal((await answer).feedback?.average_fidelity_score, 1);
  assert.equal(subnet.tasks.get(task.id)?.state, "queued", "the slot is free");
  subnet.at(rules.cooldownMs);
  assert.equal(subnet.protocol.pull("A").task, null);
  assert.equal(subnet.pull("B"), task.id);
});

test("fault 5: a system fault is no verdict: no reward, no penalty, no cooldown", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  subnet.ask("a green ball");
  const taskId = subnet.pull("A");
  const old = subnet.submit("A", taskId);
  const current = subnet.submit("B", subnet.pull("B"), { signature: "new" });
  for (let count = 0; count < 2; count++) {
    const id = await subnet.submitted();
    subnet.apply(id, { case: "systemFault", value: { message: "the renderer crashed" } });
  }
  assert.equal((await old).feedback, null, "a client of 2024 tries again");
  assert.equal((await current).feedback?.validation_failed, true);
  assert.equal((await current).feedback?.reason.includes("renderer"), false, "nothing internal");
  const miner = subnet.miners.get("A", start);
  assert.deepEqual([miner.observations, miner.cooldownUntil, miner.averageFidelity], [0, 0, 1]);
  assert.equal(subnet.pull("A"), taskId, "and another try at once");
});

test("faults in a row are no penalty, but not tried as fast as they fail", async () => {
  using subnet = await open("a green ball");
  for (let i = 0; i < rules.faultTries; i++) {
    const answer = subnet.submit("A", subnet.pull("A"), { asset: payload(`${i}`) });
    const id = await subnet.submitted();
    subnet.apply(id, { case: "systemFault", value: { message: "the renderer crashed" } });
    await answer;
  }
  const { task, cooldown_until, cooldown_violations } = subnet.protocol.pull("A");
  assert.deepEqual(
    [task, cooldown_until, cooldown_violations],
    [null, (start + rules.cooldownMs) / 1000, 0],
  );
  subnet.at(rules.cooldownMs);
  assert.ok(subnet.protocol.pull("A").task);
});

test("a replayed dead letter still gives the miner its verdict, once", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const answer = subnet.submit("A", subnet.pull("A"));
  const id = await subnet.submitted();
  subnet.apply(id, { case: "systemFault", value: { message: "gone" } });
  await answer;
  assert.equal(subnet.scored(id, 0.9).kind, "applied");
  assert.equal(subnet.scored(id, 0.9).kind, "repeated");
  assert.equal(subnet.miners.get("A", start).observations, 1);
});

test("fault 6: a score that is no probability is the worker's fault, not the miner's", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const answer = subnet.submit("A", subnet.pull("A"), { signature: "new" });
  subnet.scored(await subnet.submitted(), Number.NaN);
  assert.equal((await answer).feedback?.validation_failed, true);
});

test("an invalid asset is told with its code", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const answer = subnet.submit("A", subnet.pull("A"));
  const value = { code: "truncated", message: "the file ends early" };
  subnet.apply(await subnet.submitted(), { case: "invalidAsset", value });
  assert.equal((await answer).feedback?.verdict, "invalid-asset");
  assert.match((await answer).feedback?.reason ?? "", /^truncated: the file ends early/);
});

test("fault 7: a wrong task and a wrong signature count as violations with a cooldown", async () => {
  using subnet = await open();
  const task = subnet.ask("a red cube");
  const stranger = await subnet.submit("A", task.id);
  assert.equal(stranger.feedback?.task_fidelity_score, 0);
  assert.ok(stranger.cooldown_until > start / 1000);
  subnet.at(rules.cooldownMs);
  const forged = await subnet.submit("A", subnet.pull("A"), { signature: "forged" });
  assert.match(forged.feedback?.reason ?? "", /signature/);
  const other = await subnet.submit("B", subnet.pull("B"), { prompt: "a blue cube" });
  assert.match(other.feedback?.reason ?? "", /prompt/);
  assert.equal(subnet.miners.get("A", start).violations, 2);
  assert.equal(subnet.tasks.get(task.id)?.state, "queued");
});

test("while a signature is looked at, its assignment may end or be handed in by another call of the miner", async () => {
  using subnet = await open();
  const task = subnet.ask("a red cube");
  const [wrong, right, again] = [
    subnet.submit("A", subnet.pull("A"), { signature: "forged" }),
    subnet.submit("B", subnet.pull("B")),
    subnet.submit("B", task.id),
  ];
  const late = subnet.submit("A", task.id);
  const id = await subnet.submitted();
  subnet.scored(id, 0.9);
  assert.match((await wrong).feedback?.reason ?? "", /signature/);
  assert.match((await late).feedback?.reason ?? "", /signature/, "what its assignment ended with");
  assert.equal((await right).feedback?.verdict, "accepted");
  assert.deepEqual(await again, await right);
  assert.equal(subnet.taken(), 0, "told once");
  assert.deepEqual(
    ["A", "B"].map((hotkey) => subnet.miners.get(hotkey, start).violations),
    [1, 0],
  );
});

test("an empty submission gives the task back without a penalty beyond the cooldown", async () => {
  using subnet = await open();
  const task = subnet.ask("a red cube");
  await subnet.submit("A", subnet.pull("A"), { asset: payload("") });
  assert.equal(subnet.miners.get("A", start).violations, 0);
  assert.equal(subnet.pull("B"), task.id);
});

test("results that are not base64 are an invalid asset", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const answer = await subnet.submit("A", subnet.pull("A"), { asset: { kind: "malformed" } });
  assert.equal(answer.feedback?.verdict, "invalid-asset");
});

const poison: readonly (readonly [string, Partial<Results>, RegExp])[] = [
  [
    "a data_ver that no field can hold",
    { dataVersion: 2 ** 40 },
    /^malformed: data_ver is 1099511627776;/,
  ],
  ["a negative data_ver", { dataVersion: -1 }, /data_ver is -1/],
  ["a negative compression", { compression: -1 }, /compression is -1; 0 to 4294967295/],
  ["a data_format of megabytes", { dataFormat: "x".repeat(9_000_000) }, /data_format is not/],
  ["no data_format at all", { dataFormat: "" }, /data_format is not/],
  ["a time before all time", { submitTime: -1n }, /submit_time is more than a day/],
  ["a time beyond 64 bits", { submitTime: 2n ** 64n }, /submit_time is more than a day/],
  ["yesterday's time", { submitTime: BigInt(start - 86_400_001) * 1_000_000n }, /submit_time/],
  ["tomorrow's time", { submitTime: BigInt(start + 86_400_001) * 1_000_000n }, /submit_time/],
];
for (const [what, change, reason] of poison) {
  test(`${what} is the miner's fault, is not kept and keeps nobody waiting`, async () => {
    using subnet = await open();
    const task = subnet.ask("a red cube");
    const { feedback } = await subnet.submit("A", subnet.pull("A"), change);
    assert.equal(feedback?.verdict, "invalid-asset");
    assert.match(feedback?.reason ?? "", reason);
    assert.deepEqual(subnet.submissions.pending(0, 9), []);
    assert.equal(subnet.tasks.get(task.id)?.state, "queued");
    assert.ok(subnet.miners.get("A", start).cooldownUntil > start);
  });
}

test("a clock that is off by less than a day is no reason to refuse", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const submitTime = BigInt(start - 86_000_000) * 1_000_000n;
  const answer = subnet.submit("A", subnet.pull("A"), { submitTime });
  subnet.scored(await subnet.submitted(), 0.9);
  assert.equal((await answer).feedback?.verdict, "accepted");
});

test("a miner with a task gets the same one again; in its cooldown it gets none and is counted", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const taskId = subnet.pull("A");
  assert.equal(subnet.pull("A"), taskId);
  const answer = subnet.submit("A", taskId);
  subnet.scored(await subnet.submitted(), 0.9);
  const { cooldown_until } = await answer;
  subnet.ask("a blue cube");
  const refused = subnet.protocol.pull("A");
  assert.equal(refused.task, null);
  assert.equal(refused.cooldown_until, cooldown_until);
  assert.equal(refused.cooldown_violations, 1);
  subnet.at(rules.cooldownMs);
  assert.ok(subnet.protocol.pull("A").task);
});

test("silence costs a cooldown and counts; what comes after the lease is too late, and costs no more", async () => {
  using subnet = await open();
  const task = subnet.ask("a red cube");
  const { submit_before } = subnet.protocol.pull("A");
  assert.equal(submit_before, (start + rules.leaseMs) / 1000);
  subnet.at(rules.leaseMs);
  subnet.tasks.expire(start + rules.leaseMs);
  const standing = subnet.miners.get("A", start + rules.leaseMs);
  assert.deepEqual(
    [standing.silences, standing.violations, standing.cooldownUntil],
    [1, 0, start + rules.leaseMs + rules.cooldownMs],
  );
  assert.equal(subnet.protocol.pull("A").task, null);
  assert.equal(subnet.pull("B"), task.id);
  const { feedback, cooldown_until } = await subnet.submit("A", task.id);
  assert.deepEqual(
    [feedback?.verdict, feedback?.reason],
    ["rejected", "nothing was submitted in time"],
  );
  assert.equal(cooldown_until, standing.cooldownUntil / 1000);
});

test("silence costs the same when the miner comes before the next tick, to submit late or to pull", async () => {
  for (const late of ["submit", "pull"] as const) {
    using subnet = await open("a green ball");
    const task = subnet.ask("a red cube");
    subnet.pull("A");
    subnet.at(rules.leaseMs);
    if (late === "submit") {
      const { feedback } = await subnet.submit("A", task.id, { asset: payload("") });
      assert.equal(feedback?.reason, "nothing was submitted in time");
    }
    const { task: next, cooldown_until } = subnet.protocol.pull("A");
    const until = start + rules.leaseMs + rules.cooldownMs;
    assert.deepEqual([next, cooldown_until], [null, until / 1000]);
    assert.equal(subnet.miners.get("A", start + rules.leaseMs).silences, 1);
    subnet.tasks.expire(start + rules.leaseMs);
    assert.equal(subnet.miners.get("A", start + rules.leaseMs).silences, 1, "once");
  }
});

for (const [year, signature] of [
  ["2024", "old"],
  ["2025", "new"],
] as const) {
  test(`a pending verdict blocks the next task, as ${year} has it; the cooldown counts from the verdict`, async () => {
    using subnet = await open("a green ball");
    const taskId = subnet.pull("A");
    const answer = subnet.submit("A", taskId, { signature });
    const id = await subnet.submitted();
    for (let i = 0; i < 30; i++) {
      const refusal = subnet.protocol.pullRefusal("A");
      assert.equal(refusal, year === "2024" ? "Waiting for the previous task" : undefined);
      assert.equal(subnet.pull("A"), taskId, "no other one, whatever the axon lets through");
    }
    assert.equal(subnet.protocol.pullRefusal("B"), undefined);
    subnet.at(50_000);
    subnet.scored(id, 0.9);
    assert.equal((await answer).cooldown_until, (start + 50_000 + rules.cooldownMs) / 1000);
    assert.equal(subnet.protocol.pullRefusal("A"), undefined);
    assert.equal(subnet.protocol.pull("A").task, null);
    assert.equal(subnet.miners.get("A", start + 50_000).observations, 1);
    subnet.at(50_000 + rules.cooldownMs);
    assert.notEqual(subnet.pull("A"), taskId);
  });
}

test("a verdict that does not come blocks its miner for as long as a task lasts", async () => {
  using subnet = await open("a green ball");
  const taskId = subnet.pull("A");
  const { feedback } = await subnet.submit("A", taskId, {}, AbortSignal.abort());
  assert.equal(feedback, null);
  subnet.at(rules.taskTimeoutMs - 1);
  assert.ok(subnet.protocol.pullRefusal("A"));
  subnet.at(rules.taskTimeoutMs);
  assert.equal(subnet.protocol.pullRefusal("A"), undefined);
  assert.notEqual(subnet.pull("A"), taskId);
});

test("without a client's task the miner gets a synthetic one, which ends with its verdict", async () => {
  using subnet = await open("a green ball");
  const pulled = subnet.protocol.pull("A");
  assert.equal(pulled.task?.prompt, "a green ball");
  const answer = subnet.submit("A", pulled.task?.id ?? "");
  subnet.scored(await subnet.submitted(), 0.2);
  await answer;
  assert.equal(subnet.tasks.get(pulled.task?.id ?? "")?.state, "failed");
  assert.deepEqual(subnet.tasks.list("c", 10), [], "clients do not see it");
});

test("with nothing to do the miner is told when to come back", async () => {
  using subnet = await open();
  const { task, cooldown_until } = subnet.protocol.pull("A");
  assert.equal(task, null);
  assert.equal(cooldown_until, (start + rules.idleMs) / 1000);
});

test("while nothing is lent a miner is told of no task, but keeps and may submit what it has", async () => {
  let reason: string | undefined;
  using subnet = await open("a blue ball", () => reason);
  subnet.ask("a red cube");
  const taskId = subnet.pull("A");
  reason = "too much waits";
  const answer = subnet.protocol.pull("B");
  assert.deepEqual([answer.task, answer.cooldown_until], [null, (start + rules.idleMs) / 1000]);
  assert.equal(subnet.pull("A"), taskId);
  const submitted = subnet.submit("A", taskId);
  subnet.scored(await subnet.submitted(), 0.9);
  assert.equal((await submitted).feedback?.verdict, "accepted");
  reason = undefined;
  subnet.pull("B");
});

test("when the verdict takes too long, the answer goes out without one and a later try gets it", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const taskId = subnet.pull("A");
  const patience = new AbortController();
  const first = subnet.submit("A", taskId, {}, patience.signal);
  const id = await subnet.submitted();
  patience.abort();
  assert.equal((await first).feedback, null);
  const second = subnet.submit("A", taskId);
  subnet.scored(id, 0.9);
  assert.equal((await second).feedback?.verdict, "accepted");
});

test("fault 4: state belongs to the hotkey: whoever gets its uid later starts fresh", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const answer = subnet.submit("A", subnet.pull("A"));
  subnet.scored(await subnet.submitted(), 0.9);
  await answer;
  assert.equal(subnet.miners.get("B", start).observations, 0);
});

test("results leave the window after its time", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const answer = subnet.submit("A", subnet.pull("A"));
  subnet.scored(await subnet.submitted(), 0.9);
  await answer;
  assert.equal(subnet.miners.get("A", start + rules.windowMs - 1).observations, 1);
  assert.equal(subnet.miners.get("A", start + rules.windowMs).observations, 0);
});

test("the report names who made and who judged and what the score earned, signed by who judged", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const answer = subnet.submit("A", subnet.pull("A"));
  const id = await subnet.submitted();
  subnet.scored(id, 0.7);
  await answer;
  const report = subnet.reports.get(id);
  assert.deepEqual(
    [report?.minerHotkey, report?.validatorHotkey, report?.fidelity],
    ["A", validator.ss58, 0.75],
  );
  assert.ok(report !== undefined);
  const isSigned = (text: string): boolean =>
    verifySignature(text, report.signature, validator.ss58);
  assert.ok(isSigned(canonicalReport(report)));
  assert.ok(!isSigned(canonicalReport({ ...report, fidelity: 1 })));
});

test("what comes after its time is too late, though no tick has ended the assignment", async () => {
  using subnet = await open();
  subnet.ask("a red cube");
  const taskId = subnet.pull("A");
  subnet.at(rules.taskTimeoutMs);
  const { feedback } = await subnet.submit("A", taskId);
  assert.deepEqual(
    [feedback?.verdict, feedback?.reason],
    ["rejected", "nothing was submitted in time"],
  );
  assert.equal(subnet.tasks.latestAssignment("A", taskId)?.state, "abandoned");
  assert.deepEqual(subnet.submissions.pending(0, 1), []);
});

test("a submission that cannot be queued is answered at once, as nobody's fault, and scored later", async () => {
  for (const [signature, verdict] of [
    ["new", "system-fault"],
    ["old", undefined],
  ] as const) {
    using net = await open();
    net.ask("a red cube");
    const taskId = net.pull("m1");
    net.loseQueue();
    const { feedback } = await net.submit("m1", taskId, { signature });
    assert.ok(verdict === undefined ? feedback === null : feedback !== null);
    assert.equal(net.tasks.get(taskId)?.state, "scoring");
    assert.equal(net.scored(await net.submitted(), 0.9).kind, "applied");
  }
});

for (const year of ["2024", "2025"] as const) {
  test(`a miner of ${year} learns at its submission that the task was cancelled, at no cost, and may pull at once`, async () => {
    using subnet = await open("a green ball");
    const signature = year === "2024" ? "old" : "new";
    const { id } = subnet.ask("a red cube");
    for (const miner of ["A", "B"]) {
      assert.equal(subnet.pull(miner), id);
    }
    const waits = subnet.submit("A", id, { signature });
    await subnet.submitted();
    subnet.submissions.cancel(id, start);
    const comesLater = subnet.submit("B", id, { signature });
    for (const { feedback, cooldown_until } of [await waits, await comesLater]) {
      assert.deepEqual(
        [feedback?.verdict, feedback?.validation_failed, feedback?.task_fidelity_score],
        ["cancelled", true, 0],
      );
      assert.match(feedback?.reason ?? "", /client cancelled/);
      assert.equal(cooldown_until, 0);
    }
    for (const miner of ["A", "B"]) {
      assert.equal(subnet.protocol.pullRefusal(miner), undefined);
      assert.notEqual(subnet.pull(miner), id);
      assert.deepEqual(
        [subnet.miners.get(miner, start).silences, subnet.miners.get(miner, start).violations],
        [0, 0],
      );
    }
  });
}

test("a task that is cancelled while its asset is being saved is told as cancelled", async () => {
  using subnet = await open();
  const { id } = subnet.ask("a red cube");
  const answer = subnet.submit("A", subnet.pull("A"));
  subnet.submissions.cancel(id, start);
  assert.equal((await answer).feedback?.verdict, "cancelled");
});
