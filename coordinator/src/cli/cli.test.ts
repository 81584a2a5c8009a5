import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalChain } from "@turntable/bittensor/chain";
import { openRules, rules } from "../../test/rules.ts";
import { openApiKeys } from "../keys/index.ts";
import { ruleSets } from "../rules/index.ts";
import { openStoreReader } from "../store/index.ts";
import { createAttempts } from "../weights/index.ts";
import { readArguments, table, UsageError } from "./command.ts";
import { keysCommand } from "./keys.ts";
import { describeMiner, describeMiners } from "./miners.ts";
import { describeWeights } from "./weights.ts";

const netuid = 17;

test("the dry run says what would be set and why, and changes nothing", async () => {
  using opened = await openRules();
  await using chain = createLocalChain({ subnets: [{ netuid }] });
  chain.register({ netuid, hotkey: "V", stakeTao: 5_000 });
  for (const hotkey of ["A", "B", "C"]) {
    chain.register({ netuid, hotkey });
  }
  for (const [hotkey, scores] of Object.entries({ A: [0.9, 0.9], B: [0.7, 0.1] })) {
    for (const score of scores) {
      const { id } = await opened.submit(opened.ask(), hotkey, 1);
      opened.submissions.applyResult(opened.scored(id, score), 2);
    }
  }
  chain.advance(60);
  using store = openStoreReader(opened.directory);
  const describe = (now: number) =>
    describeWeights({ store, chain, netuid, hotkey: "V", rules, now });
  const text = await describe(1_000);
  assert.match(
    text,
    /^subnet 17 at block 61, rules seed, validator V \(uid 0, 5000 TAO, a permit\)/,
  );
  assert.match(text, /\ndue: at block 101, in 40 \(last at 1\)\n/);
  assert.match(text, /\n {2}1 +A +2 +2 +1.0000 +2.0000 +65535 +66.95 %\n/);
  assert.match(text, /\n {2}2 +B +1 +2 +0.9875 +0.9875 +32358 +33.05 %\n/);
  assert.match(text, /\n4 rewards for 4 neurons; 2 rewards above zero are at least the 1 weights/);
  assert.match(text, /no attempt yet/);
  const late = await describe(rules.windowMs + 1_000);
  assert.match(late, /no weights: no registered hotkey has a reward yet/);
  assert.deepEqual(Object.fromEntries(chain.weightsOf(netuid, 0)), {});

  const attempts = createAttempts(opened.store);
  const row = { uid: 1, hotkey: "A", reward: 2, weight: 65535 };
  const made = { netuid, validator: "V", at: 5, block: 61, versionKey: 200, rows: [row] };
  attempts.end(attempts.begin(made), {
    kind: "refused",
    name: "SettingWeightsTooFast",
    message: "no",
  });
  attempts.begin(made);
  const after = await describe(1_000);
  assert.match(after, /1970-01-01T00:00:00.005Z +61 +1 +not known\n/);
  assert.match(after, / +61 +1 +refused +SettingWeightsTooFast: no\n/);
  assert.match(after, /\non the chain: no weights of this validator\n/);

  const set = { netuid, mechanism: 0, values: [65535], versionKey: 200n };
  chain.advance(60);
  chain.ledger.setWeights("V", { ...set, uids: [1] });
  assert.match(await describe(1_000), /\non the chain: 1 weights, those sent at block 61\n/);
  chain.advance(200);
  chain.ledger.setWeights("V", { ...set, uids: [2] });
  assert.match(await describe(1_000), /\non the chain: 1 weights, which no attempt of this data/);
});

test("a command takes the coordinator's own options, and no words that it does not know", () => {
  const command = { flags: ["--dry-run"], freeWords: 0 };
  const { config, words } = readArguments(command, ["--dry-run", "--hotkey-uri", "//A"], {});
  assert.deepEqual([config.hotkeyUri, words], ["//A", ["--dry-run"]]);
  assert.throws(() => readArguments(command, ["word", "--hotkey-uri", "//A"], {}), UsageError);
  const withWord = readArguments({ ...command, freeWords: 1 }, ["5F", "--hotkey-uri", "//A"], {});
  assert.deepEqual(withWord.words, ["5F"]);
  assert.equal(readArguments(command, ["--data-dir", "x"], {}).config.dataDir, "x", "no hotkey");
});

test("tables align, numbers to the right", () => {
  assert.equal(
    table([
      ["name", "n"],
      ["a", 7],
      ["bcdef", 100],
    ]),
    "name     n\na        7\nbcdef  100\n",
  );
});

test("a miner's history says of each verdict why, what it earned, and the weight that followed", async () => {
  using opened = await openRules();
  const { miners, tasks, submissions } = opened;
  assert.match(describeMiners(opened.store, rules, 0), /no miner has submitted anything yet/);
  const accepted = await opened.submit(opened.ask(), "5A", 1_000);
  submissions.applyResult(opened.scored(accepted.id, 0.9), 2_000);
  const attempts = createAttempts(opened.store);
  const row = { uid: 1, hotkey: "5A", reward: 1, weight: 65535 };
  const attempt = { netuid, validator: "V", at: 3_000, block: 61, versionKey: 200, rows: [row] };
  attempts.end(attempts.begin(attempt), { kind: "included", block: 62, revealRound: undefined });
  const invalid = await opened.submit(opened.ask(), "5A", 4_000);
  const value = { code: "truncated", message: "the file ends early" };
  submissions.applyResult(opened.result(invalid.id, { case: "invalidAsset", value }), 4_000);
  const low = await opened.submit(opened.ask(), "5A", 5_000);
  submissions.applyResult(opened.scored(low.id, 0.2), 5_000);
  const bad = tasks.assign(opened.ask(), "5A", 5_000);
  submissions.refuse(bad, { kind: "rejected", code: "wrong-signature", reason: "wrong" }, 6_000);
  miners.countViolation("5B", 6_000);

  const text = describeMiner(opened.store, rules, "5A", 7_000);
  assert.match(
    text,
    /^5A, rules seed: reward 1.0000 = 1 accepted × average 1.0000; 25 % of 4 scored/,
  );
  assert.deepEqual(
    text
      .trimEnd()
      .split("\n")
      .slice(2)
      .map((line) => line.split(/ {2,}/)),
    [
      ...[
        ["06.000Z", "rejected", "wrong-signature", "0.0000", "0.0000", "none yet", "wrong"],
        [
          ...["05.000Z", "rejected", "low-score", "0.2000", "0.0000", "none yet"],
          "scored 0.200, 0.6 is needed",
        ],
        [
          "04.000Z",
          "invalid-asset",
          "truncated",
          "0.0000",
          "0.0000",
          "none yet",
          "truncated: the file ends early",
        ],
        ["02.000Z", "accepted", "accepted", "0.9000", "1.0000", "65535@62"],
      ].map(
        ([at = "", verdict = "", code = "", score = "", fidelity = "", weight = "", ...said]) => [
          ...[`1970-01-01T00:00:${at}`, verdict, code, score, fidelity],
          ...["1.0000", "1", "1.0000", "60 s", weight, ...said],
        ],
      ),
    ],
  );
  assert.match(describeMiner(opened.store, rules, "5C", 7_000), /no verdict within a month/);
  const all = describeMiners(opened.store, rules, 7_000).split("\n");
  assert.match(all[1] ?? "", /^5A +1.0000 +1 +4 +25 % +1.0000 +59 s +0$/);
  assert.match(all[2] ?? "", /^5B +0.0000 +0 +0 +- +1.0000 +59 s +1$/);
});

test("keys are made, listed and ended by the command, and a coordinator that runs goes by that", async () => {
  using opened = await openRules();
  const context = (words: readonly string[], options: Record<string, readonly string[]> = {}) => {
    const { config } = readArguments(keysCommand, ["--data-dir", opened.directory], {});
    const printed: string[] = [];
    const given = (option: string) => options[option] ?? [];
    const print = async (text: string) => void printed.push(text);
    const rest = {
      rules: ruleSets.seed,
      hotkey: assert.fail,
      openChain: assert.fail,
      now: () => 0,
      note: assert.fail,
    };
    return { printed, all: { config, words, given, print, ...rest } };
  };
  using keys = openApiKeys(opened.directory);
  const none = context(["list"]);
  await keysCommand.run(none.all);
  assert.match(none.printed.join(), /no key was made yet/);
  const create = context(["create", "ann"], {
    "--scope": ["generate", "read-all"],
    "--expires-days": ["1"],
    "--calls-per-minute": ["60"],
  });
  await keysCommand.run(create.all);
  const key = keys.find(create.printed.join().trim(), 0) ?? assert.fail("the coordinator knows it");
  assert.deepEqual(
    [key.name, key.scopes, key.expiresAt],
    ["ann", ["generate", "read-all"], new Date(86_400_000)],
  );
  const list = context(["list"]);
  await keysCommand.run(list.all);
  assert.match(list.printed.join(), new RegExp(`${key.id} +ann +generate,read-all .* 60 +-`));
  await keysCommand.run(context(["revoke", key.id]).all);
  assert.deepEqual(keys.list(), []);
  for (const [words, options, problem] of [
    [[], {}, /say `list`/],
    [["revoke", key.id], {}, /there is no key/],
    [["create", "ann"], {}, /scopes is empty/],
    [["create", "ann"], { "--scope": ["all"] }, /no scope "all"; there are generate/],
    [["create", "ann"], { "--scope": ["score"], "--expires-days": ["x"] }, /x is not a number/],
  ] as const) {
    await assert.rejects(keysCommand.run(context(words, options).all), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, problem);
      return true;
    });
  }
});

test("a command's own options have values, beside the configuration's", () => {
  const read = readArguments(
    keysCommand,
    ["create", "ann", "--scope", "score", "--data-dir=d", "--scope=generate"],
    {},
  );
  assert.deepEqual(
    [read.words, read.given("--scope")],
    [
      ["create", "ann"],
      ["score", "generate"],
    ],
  );
  assert.deepEqual([read.config.dataDir, read.given("--expires-days")], ["d", []]);
  assert.throws(
    () => readArguments(keysCommand, ["create", "ann", "--scope"], {}),
    /needs a value/,
  );
});
