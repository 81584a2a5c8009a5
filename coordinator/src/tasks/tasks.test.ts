import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore, type Store } from "../store/index.ts";
import { createTasks, type Task, type TaskEvent, type Tasks, type TasksOptions } from "./index.ts";

const timeoutMs = 600_000;
const finishMs = 60_000;

const leaseMs = 240_000;
const leastLoanMs = 90_000;

function open(
  change: Partial<TasksOptions> = {},
): { readonly tasks: Tasks; readonly store: Store; reopen(): Tasks } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), "turntable-tasks-"));
  let store = openStore(directory);
  const options = {
    taskTimeoutMs: timeoutMs,
    faultTries: 2,
    organicCopies: 2,
    strong: { extraCopies: 1 },
    organicFinishMs: finishMs,
    failExhausted: true,
    maxOpenTasks: 3,
    leaseMs,
    leastLoanMs,
    ...change,
  };
  return {
    store,
    tasks: createTasks({ store, ...options }),
    reopen() {
      store[Symbol.dispose]();
      store = openStore(directory);
      return createTasks({ store, ...options });
    },
    [Symbol.dispose]() {
      store[Symbol.dispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

function created(tasks: Tasks, now = 0, prompt = "a red cube"): Task {
  const outcome = tasks.create({ class: "organic", prompt, client: "c" }, now);
  assert.equal(outcome.kind, "created");
  return outcome.kind === "created" ? outcome.task : assert.fail();
}

function submitted(tasks: Tasks, hotkey: string, now: number): string {
  const assignment = tasks.assignOrganic(hotkey, now);
  assert.ok(assignment, `${hotkey} got no task`);
  assert.ok(tasks.markSubmitted(assignment.id, now));
  return assignment.id;
}

test("fault 1: the highest score wins, however late it came", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  const first = submitted(tasks, "A", 1);
  const second = submitted(tasks, "B", 1);
  tasks.applyVerdict(first, { kind: "accepted", score: 0.7 }, 2);
  assert.equal(tasks.get(id)?.state, "scoring", "the second copy may still win");
  tasks.applyVerdict(second, { kind: "accepted", score: 0.9 }, 3);
  assert.equal(tasks.get(id)?.state, "succeeded");
  assert.equal(tasks.get(id)?.bestAssignment, second);
});

test("fault 1: of equal scores the one that was submitted first wins, whoever was lent the task or judged first", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  const early = tasks.assignOrganic("A", 1) ?? assert.fail();
  const late = tasks.assignOrganic("B", 2) ?? assert.fail();
  tasks.markSubmitted(late.id, 3);
  tasks.markSubmitted(early.id, 3);
  tasks.applyVerdict(early.id, { kind: "accepted", score: 0.9 }, 4);
  tasks.applyVerdict(late.id, { kind: "accepted", score: 0.9 }, 5);
  assert.equal(tasks.get(id)?.bestAssignment, late.id);
});

test("the event that ends a task says the state that it ends in", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  tasks.applyVerdict(submitted(tasks, "A", 1), { kind: "rejected", score: 0.1 }, 2);
  tasks.applyVerdict(submitted(tasks, "B", 3), { kind: "accepted", score: 0.8 }, 4);
  const synthetic = tasks.assignSynthetic("a green ball", "A", 5);
  tasks.markSubmitted(synthetic.id, 6);
  tasks.applyVerdict(synthetic.id, { kind: "rejected", score: 0.1 }, 7);
  const told = (taskId: string) =>
    tasks.events(taskId, 0).map(({ kind, state }) => `${kind} ${state}`);
  assert.deepEqual(told(id).slice(2), [
    "submitted scoring",
    "rejected queued",
    "assigned assigned",
    "submitted scoring",
    "accepted succeeded",
    "succeeded succeeded",
  ]);
  assert.deepEqual(told(synthetic.taskId), [
    "created queued",
    "assigned assigned",
    "submitted scoring",
    "rejected failed",
    "failed failed",
  ]);
});

test("a synthetic task is made and lent in one transaction", () => {
  using opened = open();
  const { tasks, store } = opened;
  store.run("ALTER TABLE assignments RENAME TO hidden");
  assert.throws(() => tasks.assignSynthetic("a green ball", "A", 1), /assignments/);
  assert.deepEqual(store.all("SELECT id FROM tasks"), []);
});

test("after the first accepted copy the others have the finish time, no longer", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  const first = submitted(tasks, "A", 1);
  tasks.assignOrganic("B", 1);
  tasks.applyVerdict(first, { kind: "accepted", score: 0.7 }, 10);
  tasks.expire(10 + finishMs - 1);
  assert.equal(tasks.get(id)?.state, "assigned");
  tasks.expire(10 + finishMs);
  assert.equal(tasks.get(id)?.state, "succeeded");
});

test("fault 2: a failure frees its slot for the next miner, not for the same one", () => {
  using opened = open();
  const { tasks } = opened;
  created(tasks);
  const first = submitted(tasks, "A", 1);
  submitted(tasks, "B", 1);
  assert.equal(tasks.assignOrganic("C", 1), undefined, "two copies are out");
  tasks.applyVerdict(first, { kind: "rejected", score: 0.1 }, 2);
  assert.equal(tasks.assignOrganic("A", 3), undefined, "A had its try");
  assert.ok(tasks.assignOrganic("C", 3));
});

test("a system fault gives the same miner another try, as a new assignment", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  tasks.applyVerdict(submitted(tasks, "A", 1), { kind: "system-fault" }, 2);
  assert.equal(tasks.get(id)?.state, "queued");
  assert.equal(tasks.assignOrganic("A", 3)?.attempt, 2);
});

test("a verdict is applied once; only a system fault can be overruled", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  const first = submitted(tasks, "A", 1);
  assert.ok(tasks.applyVerdict(first, { kind: "system-fault" }, 2));
  assert.ok(!tasks.applyVerdict(first, { kind: "system-fault" }, 3));
  assert.ok(tasks.applyVerdict(first, { kind: "accepted", score: 0.8 }, 4));
  assert.ok(!tasks.applyVerdict(first, { kind: "rejected", score: 0.1 }, 5));
  assert.equal(tasks.get(id)?.assignments[0]?.score, 0.8);
});

test("fault 2: a task that nobody solves fails at its deadline with the reason", () => {
  using opened = open();
  const { tasks } = opened;
  const untouched = created(tasks);
  const tried = created(tasks, 5);
  tasks.applyVerdict(submitted(tasks, "A", 6), { kind: "rejected", score: 0.31 }, 7);
  tasks.applyVerdict(submitted(tasks, "A", 8), { kind: "rejected", score: 0.42 }, 9);
  assert.ok(tasks.assignOrganic("B", 10));
  tasks.expire(timeoutMs + 5);
  const failures = [untouched, tried].map(({ id }) => tasks.get(id)?.failure);
  assert.deepEqual(failures[0], {
    code: "expired",
    message: "2 tries, none accepted in time; the best score was 0.31",
  });
  assert.equal(failures[1]?.message, "1 try, none accepted in time; the best score was 0.42");
});

test("what was submitted before the deadline still gets its verdict", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  const first = submitted(tasks, "A", timeoutMs - leastLoanMs);
  tasks.expire(timeoutMs + 1000);
  assert.equal(tasks.get(id)?.state, "scoring");
  tasks.applyVerdict(first, { kind: "accepted", score: 0.8 }, timeoutMs + 2000);
  assert.equal(tasks.get(id)?.state, "succeeded");
});

test("nothing can be submitted after the deadline", () => {
  using opened = open();
  const { tasks } = opened;
  created(tasks);
  const assignment = tasks.assignOrganic("A", 1);
  assert.ok(assignment);
  tasks.expire(timeoutMs);
  assert.ok(!tasks.markSubmitted(assignment.id, timeoutMs));
});

test("an idempotency key gives the same task again, to its own client and prompt only", () => {
  using opened = open();
  const { tasks } = opened;
  const request = { class: "organic", prompt: "a cup", client: "c", idempotencyKey: "k" } as const;
  const first = tasks.create(request, 0);
  const again = tasks.create(request, 1);
  assert.ok(first.kind === "created" && again.kind === "repeated");
  assert.equal(again.task.id, first.task.id);
  assert.equal(tasks.create({ ...request, prompt: "a cat" }, 2).kind, "conflict");
  assert.equal(tasks.create({ ...request, client: "d" }, 2).kind, "created");
});

test("more open tasks than the limit are refused", () => {
  using opened = open();
  for (let i = 0; i < 3; i++) {
    created(opened.tasks, i);
  }
  const outcome = opened.tasks.create({ class: "organic", prompt: "one", client: "c" }, 9);
  assert.deepEqual(outcome, { kind: "full", of: "all", limit: 3, retryAfterMs: 5_000 });
});

test("every change is an event, numbered without gaps, and survives a restart", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  tasks.applyVerdict(submitted(tasks, "A", 1), { kind: "accepted", score: 0.8 }, 2);
  const events = opened.reopen().events(id, 0);
  assert.deepEqual(
    events.map(({ sequence, kind, state }) => [sequence, kind, state]),
    [
      [1, "created", "queued"],
      [2, "assigned", "assigned"],
      [3, "submitted", "scoring"],
      [4, "accepted", "succeeded"],
      [5, "succeeded", "succeeded"],
    ],
  );
});

test("a watch gets what was missed, then what comes, and ends with the task", async () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  const seen: TaskEvent[] = [];
  const watching = (async () => {
    for await (const event of tasks.watch(id, 1, new AbortController().signal)) {
      seen.push(event);
      if (event.kind === "assigned") {
        tasks.abandon(tasks.get(id)?.assignments[0]?.id ?? "", "", 2);
      }
      if (event.kind === "abandoned") {
        tasks.expire(timeoutMs);
      }
    }
  })();
  tasks.assignOrganic("A", 1);
  await watching;
  assert.deepEqual(
    seen.map(({ kind }) => kind),
    ["assigned", "abandoned", "failed"],
  );
});

test("a watch ends when its caller leaves", async () => {
  using opened = open();
  const { id } = created(opened.tasks);
  const leave = new AbortController();
  const seen: string[] = [];
  for await (const event of opened.tasks.watch(id, 0, leave.signal)) {
    seen.push(event.kind);
    leave.abort();
  }
  assert.deepEqual(seen, ["created"]);
});

test("pages of the list follow each other, newest first", () => {
  using opened = open();
  const { tasks } = opened;
  const ids = [created(tasks, 1), created(tasks, 2), created(tasks, 2)].map(({ id }) => id);
  const first = tasks.list("c", 2);
  const second = tasks.list("c", 2, first?.at(-1)?.id);
  assert.deepEqual(
    [...(first ?? []), ...(second ?? [])].map(({ id }) => id).toSorted(),
    ids.toSorted(),
  );
  assert.equal(second?.[0]?.id, ids[0]);
  assert.deepEqual(tasks.list("another client", 2), []);
  assert.equal(tasks.list("c", 2, "no such id"), undefined);
});

test("fault 9: camera seeds are 64 random bits", () => {
  using opened = open();
  const seeds = [0, 1, 2].map((now) => created(opened.tasks, now).cameraSeed);
  assert.equal(new Set(seeds).size, 3);
  assert.ok(seeds.some((seed) => seed > 2n ** 53n));
});

test("a task that every miner has had fails at once, and says how close it came", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  const untouched = created(tasks, 1, "a blue cube").id;
  const both = new Set(["A", "B"]);
  tasks.tick(1, () => new Set());
  tasks.applyVerdict(submitted(tasks, "A", 1), { kind: "rejected", score: 0.31 }, 2);
  tasks.tick(3, () => both);
  assert.equal(tasks.get(id)?.state, "queued", "B may still take it");
  const second = submitted(tasks, "B", 4);
  tasks.tick(5, () => both);
  assert.equal(tasks.get(id)?.state, "scoring");
  tasks.applyVerdict(second, { kind: "system-fault", reason: "scoring failed" }, 6);
  tasks.tick(7, () => both);
  assert.equal(tasks.get(id)?.state, "queued", "B may take it again");
  tasks.abandon(tasks.assignOrganic("B", 8)?.id ?? "", "given back by the miner", 8);
  tasks.tick(9, () => both);
  assert.deepEqual(tasks.get(id)?.failure, {
    code: "exhausted",
    message:
      "every registered miner has had it: 3 tries, none accepted; the best score was 0.31; the last: given back by the miner",
  });
  assert.equal(tasks.events(id, 0).at(-1)?.kind, "failed");
  assert.equal(tasks.get(untouched)?.state, "queued");
});

test("an assignment has a deadline of its own: who says nothing keeps no place, and it is told", () => {
  const silent: string[] = [];
  using opened = open({ onSilence: ({ hotkey }, now) => silent.push(`${hotkey} ${now}`) });
  const { tasks } = opened;
  const { id } = created(tasks);
  for (const hotkey of ["A", "B"]) {
    assert.ok(tasks.assignOrganic(hotkey, 5));
  }
  assert.equal(tasks.assignOrganic("C", 5), undefined, "two copies are out");
  tasks.expire(5 + leaseMs - 1);
  assert.deepEqual(silent, []);
  tasks.expire(5 + leaseMs);
  assert.deepEqual(silent.toSorted(), [`A ${5 + leaseMs}`, `B ${5 + leaseMs}`]);
  assert.equal(tasks.get(id)?.state, "queued");
  assert.ok(tasks.assignOrganic("C", 5 + leaseMs), "the next miner's turn");
  assert.equal(tasks.assignOrganic("A", 5 + leaseMs), undefined, "A had its try");
  tasks.expire(5 + leaseMs);
  assert.equal(silent.length, 2, "told once");
});

test("a lease ends with its task's time, and a task with too little time left is lent no more", () => {
  using opened = open();
  const { tasks } = opened;
  created(tasks);
  const last = timeoutMs - leastLoanMs;
  assert.equal(tasks.assignOrganic("A", last)?.expiresAt.getTime(), timeoutMs);
  assert.equal(tasks.assignOrganic("B", last + 1), undefined);
});

test("a lease that ended while we were away is nobody's silence", () => {
  const silent: string[] = [];
  const onSilence: TasksOptions["onSilence"] = ({ hotkey }) => silent.push(hotkey);
  using opened = open({ onSilence, startedAt: leaseMs + 6 });
  const { tasks } = opened;
  created(tasks);
  tasks.assignOrganic("A", 5);
  tasks.assignOrganic("B", 6);
  tasks.expire(leaseMs + 10);
  assert.deepEqual(silent, ["B"]);
});

test("what is lent to a hotkey that is not registered any more goes back, what it submitted does not", () => {
  const silent: string[] = [];
  using opened = open({ onSilence: ({ hotkey }) => silent.push(hotkey) });
  const { tasks } = opened;
  const { id } = created(tasks);
  tasks.assignOrganic("A", 1);
  submitted(tasks, "B", 1);
  const released = tasks.release((hotkey) => hotkey === "C", 2);
  assert.deepEqual(
    released.map(({ hotkey }) => hotkey),
    ["A"],
  );
  assert.deepEqual(
    tasks.get(id)?.assignments.map(({ state }) => state),
    ["abandoned", "scoring"],
  );
  assert.ok(tasks.assignOrganic("C", 3), "the place is free");
  assert.deepEqual(silent, []);
});

test("a row that cannot be read hides no other from a list", () => {
  const troubles: unknown[] = [];
  using opened = open({ onUnreadable: (error) => troubles.push(error) });
  const { tasks, store } = opened;
  const ids = [created(tasks, 1), created(tasks, 2), created(tasks, 3)].map(({ id }) => id);
  store.run("UPDATE tasks SET state = 'of another version' WHERE id = ?", ids[1] ?? "");
  assert.deepEqual(
    tasks.list("c", 9)?.map(({ id }) => id),
    [ids[2], ids[0]],
  );
  assert.equal(troubles.length, 1);
});

test("a clock that was set back while nobody looked makes no deadline longer, and swaps no attempts", () => {
  using opened = open();
  const { tasks } = opened;
  const late = 10 * timeoutMs;
  const { id } = created(tasks, late);
  tasks.applyVerdict(submitted(tasks, "A", late + 1), { kind: "system-fault" }, late + 2);
  tasks.boundDeadlines(5);
  assert.equal(tasks.get(id)?.expiresAt.getTime(), 5 + timeoutMs);
  const second = tasks.assignOrganic("A", 6) ?? assert.fail();
  assert.equal(tasks.latestAssignment("A", id)?.id, second.id);
  assert.deepEqual(
    tasks.get(id)?.assignments.map(({ attempt }) => attempt),
    [1, 2],
  );
  tasks.boundDeadlines(4);
  assert.equal(tasks.assignment(second.id)?.expiresAt.getTime(), 4 + leaseMs);
  tasks.expire(5 + timeoutMs);
  assert.equal(tasks.get(id)?.state, "failed");
});

function asked(tasks: Tasks, client: string, now: number): string {
  const outcome = tasks.create({ class: "organic", prompt: "a red cube", client }, now);
  return outcome.kind === "created" ? outcome.task.id : outcome.kind;
}

test("clients take turns, however many tasks one of them has, and each has its oldest lent first", () => {
  using opened = open({ maxOpenTasks: 1_000, organicCopies: 1 });
  const { tasks } = opened;
  const many = Array.from({ length: 30 }, (_, index) => asked(tasks, "many", index));
  const [few, later] = [asked(tasks, "few", 600), asked(tasks, "few", 601)];
  const lent = ["A", "B", "C", "D", "E"].map((hotkey) => tasks.assignOrganic(hotkey, 700)?.taskId);
  assert.deepEqual(lent, [few, many[0], later, many[1], many[2]]);
});

test("a client whose tasks do not fit the miner keeps its turn for the next one", () => {
  using opened = open({ organicCopies: 1 });
  const { tasks } = opened;
  const ofA = asked(tasks, "a", 1);
  const ofB = asked(tasks, "b", 2);
  assert.equal(tasks.assignOrganic("M", 3)?.taskId, ofA);
  tasks.abandon(tasks.latestAssignment("M", ofA)?.id ?? "", "given back", 3);
  assert.equal(tasks.assignOrganic("M", 4)?.taskId, ofB);
  assert.equal(tasks.assignOrganic("N", 5)?.taskId, ofA);
});

test("places are counted by client, and who finds none is told about when to come back", () => {
  using opened = open({ maxOpenTasks: 3, maxOpenTasksOfClient: 2 });
  const { tasks } = opened;
  asked(tasks, "a", 1);
  asked(tasks, "a", 1);
  const request = { class: "organic", prompt: "a red cube" } as const;
  assert.deepEqual(tasks.create({ ...request, client: "a" }, 2), {
    kind: "full",
    of: "client",
    limit: 2,
    retryAfterMs: 5_000,
  });
  asked(tasks, "b", 2);
  const full = tasks.create({ ...request, client: "c" }, 3);
  assert.deepEqual(full.kind === "full" && [full.of, full.limit], ["all", 3]);
});

test("how many are at work on a task is known, whatever becomes of its assignments", () => {
  using opened = open({ maxOpenTasks: 10, organicCopies: 4, failExhausted: false });
  const { tasks, store } = opened;
  const wrong = (): unknown =>
    store.get(
      `SELECT count(*) AS count FROM tasks t WHERE ended_at IS NULL AND open_assignments <>
         (SELECT count(*) FROM assignments a WHERE a.task_id = t.id AND a.ended_at IS NULL)`,
    );
  const expect = (what: string): void => assert.equal(Object(wrong()).count, 0, what);
  const ids = ["a", "b"].map((client) => asked(tasks, client, 1));
  const [first = "", second = ""] = ids;
  const lend = (hotkey: string) => tasks.assign(first, hotkey, 2).id;
  const [a = "", b = "", c = "", d = ""] = ["A", "B", "C", "D"].map(lend);
  expect("lent");
  tasks.abandon(a, "given back", 3);
  tasks.markSubmitted(b, 3);
  tasks.applyVerdict(b, { kind: "rejected", score: 0.1 }, 4);
  expect("given back and rejected");
  tasks.markSubmitted(c, 5);
  tasks.applyVerdict(c, { kind: "system-fault" }, 6);
  tasks.assign(second, "E", 6);
  expect("a fault");
  tasks.release((hotkey) => hotkey !== "E", 7);
  tasks.expire(leaseMs + 2);
  assert.equal(tasks.assignment(d)?.state, "abandoned");
  expect("taken back and silent");
  const free = tasks.assignOrganic("F", leaseMs + 3);
  assert.equal(free?.taskId, first);
  tasks.applyVerdict(c, { kind: "invalid-asset" }, leaseMs + 4);
  expect("a fault overruled");
});

test("who waits is found by an index of what waits", () => {
  using opened = open();
  const plans = [
    "SELECT DISTINCT client FROM tasks INDEXED BY tasks_waiting WHERE ended_at IS NULL AND class = 'organic'",
    `SELECT id FROM tasks t INDEXED BY tasks_waiting_by_place WHERE client = 'a' AND class = 'organic' AND ended_at IS NULL
     AND first_accepted_at IS NULL AND open_assignments = 1 ORDER BY created_at, id LIMIT 1`,
  ].map((sql) => opened.store.all(`EXPLAIN QUERY PLAN ${sql}`).map((step) => Object(step).detail));
  assert.deepEqual(plans, [
    ["SCAN tasks USING INDEX tasks_waiting"],
    ["SEARCH t USING INDEX tasks_waiting_by_place (client=? AND open_assignments=?)"],
  ]);
});

test("a strong miner gets a copy beyond the usual, as long as none at work is strong", () => {
  using opened = open();
  const { tasks } = opened;
  const isStrong = (hotkey: string): boolean => hotkey.startsWith("S");
  const lend = (hotkey: string) => tasks.assignOrganic(hotkey, 1, isStrong)?.taskId;
  const first = created(tasks);
  const second = created(tasks, 1, "a blue ball");
  for (const hotkey of ["A", "B"]) {
    assert.equal(lend(hotkey), first.id);
  }
  assert.equal(lend("S1"), first.id, "the oldest, though its usual copies are out");
  assert.equal(lend("S2"), second.id, "one strong one is at work at the first");
  assert.equal(lend("A"), second.id);
  assert.equal(lend("B"), undefined, "two copies are out");
  assert.equal(lend("S3"), undefined, "a strong one is among them");
});

test("a cancelled task ends with all that is open of it, frees its place, and stays as it is", () => {
  using opened = open({ maxOpenTasks: 1 });
  const { tasks } = opened;
  const { id } = created(tasks);
  const accepted = submitted(tasks, "A", 1);
  tasks.applyVerdict(accepted, { kind: "accepted", score: 0.9 }, 2);
  assert.equal(tasks.cancel(id, 3).kind, "ended", "nobody else had it, so it has succeeded");
  const other = created(tasks, 4).id;
  const generating = tasks.assignOrganic("B", 5) ?? assert.fail();
  const scoring = submitted(tasks, "C", 6);
  const outcome = tasks.cancel(other, 7);
  assert.ok(outcome.kind === "cancelled");
  assert.deepEqual(
    outcome.takenBack.map((one) => [one.id, one.state]),
    [
      [generating.id, "generating"],
      [scoring, "scoring"],
    ],
  );
  assert.deepEqual(
    outcome.task.assignments.map(({ state, endedAt }) => [state, endedAt?.getTime()]),
    [
      ["cancelled", 7],
      ["cancelled", 7],
    ],
  );
  assert.deepEqual([outcome.task.state, outcome.task.endedAt?.getTime()], ["cancelled", 7]);
  assert.deepEqual(tasks.events(other, 0).at(-1)?.kind, "cancelled");
  assert.equal(tasks.openAssignment("B", 7), undefined);
  assert.equal(tasks.markSubmitted(generating.id, 8), false);
  assert.equal(tasks.applyVerdict(scoring, { kind: "accepted", score: 1 }, 8), false);
  assert.equal(tasks.cancel(other, 9).kind, "repeated");
  assert.deepEqual(tasks.cancel("nobody's", 9), { kind: "unknown" });
  tasks.tick(timeoutMs * 2, () => new Set());
  assert.deepEqual(tasks.get(other), outcome.task);
  created(tasks, 10); // there is a place again
  assert.deepEqual(opened.reopen().get(other), outcome.task);
});

test("what was accepted of a task that is cancelled stays accepted, and the task has no result", () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  const first = submitted(tasks, "A", 1);
  submitted(tasks, "B", 1);
  tasks.applyVerdict(first, { kind: "accepted", score: 0.9 }, 2);
  const outcome = tasks.cancel(id, 3);
  assert.ok(outcome.kind === "cancelled");
  assert.deepEqual(
    outcome.task.assignments.map(({ state }) => state),
    ["accepted", "cancelled"],
  );
  assert.equal(outcome.task.bestAssignment, undefined);
});

test("whoever watches a task learns that it was cancelled, and the watch ends", async () => {
  using opened = open();
  const { tasks } = opened;
  const { id } = created(tasks);
  const events: (readonly string[])[] = [];
  for await (const { kind, state } of tasks.watch(id, 0, new AbortController().signal)) {
    events.push([kind, state]);
    tasks.cancel(id, 1);
  }
  assert.deepEqual(events, [
    ["created", "queued"],
    ["cancelled", "cancelled"],
  ]);
});

test("a cancelled task between two faults of ours does not hide the first", () => {
  using opened = open();
  const { tasks } = opened;
  created(tasks);
  tasks.applyVerdict(submitted(tasks, "A", 1), { kind: "system-fault" }, 2);
  tasks.cancel(tasks.assignOrganic("A", 3)?.taskId ?? "", 4);
  created(tasks, 5);
  tasks.applyVerdict(submitted(tasks, "A", 6), { kind: "system-fault" }, 7);
  assert.equal(tasks.faults("A").inARow, 2);
});
