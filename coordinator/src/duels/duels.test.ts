import assert from "node:assert/strict";
import { test } from "node:test";
import { openRules } from "../../test/rules.ts";
import { ruleSetOf, ruleSets } from "../rules/index.ts";
import type { Duel } from "./duel-book.ts";
import { createDuelBook, type DuelBook, type DuelEvent, startDuels } from "./index.ts";
import { type Judge, JudgeError, type Judgement } from "./judge.ts";

const text = JSON.stringify({ duels: { perHour: 60, rewarded: true } });
const rules = ruleSetOf(ruleSets.seed, text, "duels");

/** The coordinator's rules with duels; `accept` has a miner's asset accepted, whose picture is the hotkey's name. */
async function open(change: typeof rules = rules) {
  let book: DuelBook | undefined;
  const opened = await openRules({
    rules: change,
    onAccepted: (accepted, now) => book?.enter(accepted, now),
  });
  const made = createDuelBook(opened.store, change);
  book = made;
  const accept = async (hotkey: string, prompt = "a red cube", now = 0): Promise<string> => {
    const { id } = await opened.submit(opened.ask(prompt, now), hotkey, now);
    const picture = Buffer.from(hotkey);
    opened.submissions.applyResult({ ...opened.scored(id, 0.9), picture }, now);
    return id;
  };
  return { ...opened, book: made, accept };
}

const namesOf = ({ one, other }: Duel) => [
  [one.hotkey, Buffer.from(one.picture).toString()],
  [other.hotkey, Buffer.from(other.picture).toString()],
];

test("assets of one prompt meet once, whichever their tasks, but none of the same hotkey or of another prompt", async () => {
  using subnet = await open();
  const { book, accept } = subnet;
  await accept("A");
  await accept("A", "a blue ball");
  await accept("A");
  assert.equal(book.next(1), undefined);
  await accept("B", "a blue ball", 1);
  const duel = book.next(1) ?? assert.fail();
  assert.equal(duel.prompt, "a blue ball");
  assert.deepEqual(namesOf(duel), [
    ["B", "B"],
    ["A", "A"],
  ]);
  assert.equal(book.end(duel, "draw", 1), true);
  assert.equal(book.end(duel, "one", 1), false, "it counts once");
  assert.equal(book.next(1), undefined);
});

test("an asset meets three others at most, and what was withdrawn or is out of the window nobody", async () => {
  using subnet = await open();
  const { book, accept, miners } = subnet;
  const ids = [];
  for (const hotkey of ["A", "B", "C", "D", "E"]) {
    ids.push(await accept(hotkey));
  }
  const waiting = () => subnet.store.all("SELECT number FROM duels WHERE ended_at IS NULL").length;
  assert.equal(waiting(), 0 + 1 + 2 + 3 + 3);
  miners.withdraw(ids[4] ?? "");
  const duel = book.next(1) ?? assert.fail();
  assert.ok(![duel.one.hotkey, duel.other.hotkey].includes("E"));
  assert.equal(book.next(rules.windowMs), undefined);
  book.trim(rules.windowMs);
  assert.equal(waiting(), 0);
  assert.deepEqual(subnet.store.all("SELECT id FROM duel_entries"), []);
});

test("ratings follow duels, are told, and make the reward where the rules say so", async () => {
  using subnet = await open();
  const { book, accept, miners } = subnet;
  assert.equal(miners.get("A", 0).duelRating, 1500);
  await accept("A");
  await accept("B");
  book.end(book.next(1) ?? assert.fail(), "one", 1);
  const [a, b] = [miners.get("A", 1), miners.get("B", 1)];
  assert.ok(b.duelRating > 1650 && Math.abs(a.duelRating + b.duelRating - 3000) < 1e-9);
  assert.equal(b.reward, b.duelRating);
  using plain = await open(ruleSets.seed);
  await plain.accept("A");
  assert.deepEqual([plain.miners.get("A", 1).duelRating, plain.miners.get("A", 1).reward], [0, 1]);
});

test("a duel that three answers did not decide is over, and rates nobody", async () => {
  using subnet = await open();
  const { book, accept, miners } = subnet;
  await accept("A");
  await accept("B");
  for (let i = 0; i < 3; i++) {
    book.setAside(book.next(1) ?? assert.fail(), 1);
  }
  assert.equal(book.next(1), undefined);
  assert.equal(miners.get("A", 1).duelRating, 1500);
});

/** Duels with a judge that answers with `answers`, one each question; `tick` lets the time pass and looks again. */
async function run(...answers: (Judgement | JudgeError)[]) {
  const subnet = await open();
  let now = 0;
  const asked: string[] = [];
  const events: DuelEvent[] = [];
  const judge: Judge = {
    async compare(_, { first, second }) {
      asked.push(`${Buffer.from(first)} ${Buffer.from(second)}`);
      const answer = answers.shift() ?? assert.fail("one question too many");
      if (answer instanceof JudgeError) {
        throw answer;
      }
      return answer;
    },
  };
  const loop = startDuels({
    ...{ book: subnet.book, judge, perHour: 60, now: () => now },
    onEvent: (event) => events.push(event),
    onTrouble: (_, error) => assert.fail(String(error)),
  });
  return {
    ...{ subnet, asked, events },
    async tick(ms: number) {
      now += ms;
      await loop.runNow();
    },
    async [Symbol.asyncDispose]() {
      await loop[Symbol.asyncDispose]();
      subnet[Symbol.dispose]();
    },
  };
}

for (const [answers, outcome] of [
  [["first", "second"], "one"],
  [["second", "first"], "other"],
  [["first", "first"], "draw"],
  [["second", "second"], "draw"],
  [["draw", "draw"], "draw"],
  [["first", "draw"], "draw"],
] as const) {
  test(`both orders are asked, and only what both say counts: ${answers.join(", ")}`, async () => {
    await using duels = await run(...answers);
    await duels.subnet.accept("A");
    await duels.subnet.accept("B");
    await duels.tick(0);
    assert.deepEqual(duels.asked, ["B A", "A B"]);
    assert.deepEqual(
      duels.events.map((event) => event.kind === "judged" && event.outcome),
      [outcome],
    );
  });
}

test("no more duels are judged than the rules allow in an hour, a restart included", async () => {
  await using duels = await run("first", "second", "first", "second");
  for (const hotkey of ["A", "B", "C"]) {
    await duels.subnet.accept(hotkey);
  }
  await duels.tick(0);
  await duels.tick(59_999);
  assert.equal(duels.asked.length, 2);
  await using again = startDuels({
    ...{ book: duels.subnet.book, perHour: 60, now: () => 59_999 },
    judge: { compare: async () => assert.fail("too early") },
    onEvent: () => {},
    onTrouble: (_, error) => assert.fail(String(error)),
  });
  await again.runNow();
  await duels.tick(1);
  assert.equal(duels.asked.length, 4);
});

test("a judge that is away pauses duels, longer each time, and the pair waits; a useless answer counts against it", async () => {
  const away = new JudgeError("away", "gone");
  const useless = new JudgeError("unusable", "rubbish");
  await using duels = await run(away, "first", away, useless, useless, useless);
  await duels.subnet.accept("A");
  await duels.subnet.accept("B");
  for (const pauseMs of [60_000, 60_000, 60_000, 80_000, 160_000]) {
    await duels.tick(0);
    const last = duels.events.at(-1);
    assert.equal(last?.kind === "failed" && last.pauseMs, pauseMs);
    const questions = duels.asked.length;
    await duels.tick(pauseMs - 1);
    assert.equal(duels.asked.length, questions, "it pauses");
    await duels.tick(1);
  }
  assert.equal(duels.subnet.book.next(0), undefined, "nobody asks about it again");
  assert.equal(duels.subnet.miners.get("A", 0).duelRating, 1500);
});

test("a stop breaks the question off, and the pair waits for the next start", async () => {
  using subnet = await open();
  await subnet.accept("A");
  await subnet.accept("B");
  const isAsked = Promise.withResolvers<void>();
  const loop = startDuels({
    ...{ book: subnet.book, perHour: 60, now: () => 0 },
    judge: {
      async compare(_prompt, _pictures, stopping) {
        isAsked.resolve();
        await new Promise((resolve) => stopping.addEventListener("abort", resolve));
        throw stopping.reason;
      },
    },
    onEvent: () => assert.fail("nothing happened"),
    onTrouble: (_, error) => assert.fail(String(error)),
  });
  void loop.runNow();
  await isAsked.promise;
  await loop[Symbol.asyncDispose]();
  assert.ok(subnet.book.next(0));
});
