/** Who earns what under the rules that come with us, in hours that take seconds. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type RuleSetName, ruleSets } from "../src/rules/index.ts";
import { createAgenda } from "./agenda.ts";
import { findings, winners } from "./findings.ts";
import { plot } from "./plot.ts";
import { type Population, PopulationError, parsePopulation } from "./population.ts";
import { simulate } from "./simulate.ts";

const file = join(import.meta.dirname, "population.json");
const population = parsePopulation(readFileSync(file, "utf8"), file);
const document = readFileSync(join(import.meta.dirname, "../../docs/simulation.md"), "utf8");

const play = (rules: RuleSetName, days: number, change: Partial<Population> = {}, seed = 1) =>
  simulate({
    ...{ rules: ruleSets[rules], population: { ...population, ...change }, days, seed, each: 2 },
    rejectsLint: false,
  });

for (const [rules, days, known] of [
  ["seed", 0.07, ["text", "rushing"]],
  ["2025", 0.25, []],
] as const) {
  test(`rules ${rules}: honest, skilled miners earn most, but for what the document names`, async () => {
    const simulated = await play(rules, days);
    const won = winners(simulated, population.baseline).map(({ result }) => result.group.name);
    assert.deepEqual(won, known);
    for (const name of known) {
      assert.ok(document.includes(`| ${rules} | ${name} |`), `${name} is not in the document`);
      assert.ok(findings(simulated, population.baseline).some((line) => line.includes(name)));
    }
    const income = (name: string): number =>
      simulated.groups.find(({ group }) => group.name === name)?.income ?? assert.fail(name);
    for (const name of ["average", "slow", "lazy", "unreliable", "front only", "same again"]) {
      assert.ok(income(name) < 0.9 * income("skilled"), `${name} ${income(name)}`);
    }
    for (const name of ["white on white", "flat card", "copied", "forged"]) {
      assert.ok(income(name) < 0.1 * income("skilled"), `${name} ${income(name)}`);
    }
  });
}

test("what lint finds earns nothing where the profile rejects it", async () => {
  const groups = population.groups.filter(({ cheat }) =>
    ["none", "invisible", "front-only"].includes(cheat),
  );
  const { groups: results } = await simulate({
    ...{
      rules: ruleSets.seed,
      population: { ...population, groups },
      days: 0.05,
      seed: 1,
      each: 1,
    },
    rejectsLint: true,
  });
  for (const { group, reward } of results) {
    assert.equal(reward > 0, group.cheat === "none", group.name);
  }
});

test("the same seed plays the same, another one something else", async () => {
  const groups = population.groups.slice(0, 3);
  const runs: string[] = [];
  for (const seed of [1, 1, 2]) {
    runs.push(JSON.stringify(await play("seed", 0.05, { groups }, seed)));
  }
  assert.equal(runs[0], runs[1]);
  assert.notEqual(runs[0], runs[2]);
});

test("a file of miners that cannot be used says why", () => {
  const [group] = population.groups;
  const cases: readonly (readonly [string, RegExp])[] = [
    ["{", /^mine\.json: is no JSON/],
    [JSON.stringify({ ...population, baseline: "x" }), /baseline: no group has this name/],
    [JSON.stringify({ ...population, groups: [group, group] }), /two groups have one name/],
    [JSON.stringify({ ...population, groups: [{ ...group, speed: 1 }] }), /groups\.0.*speed/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parsePopulation(text, "mine.json"),
      (error) => error instanceof PopulationError && message.test(error.message),
    );
  }
});

test("a picture names every group, and takes no text for markup", async () => {
  const [first, second] = population.groups;
  assert.ok(first && second);
  const groups = [first, { ...second, name: '<b> & "c"' }];
  const simulated = await play("local", 0.05, { groups });
  const picture = plot([simulated, simulated], "skilled", "two");
  assert.equal(picture.split("&lt;b> &amp; &quot;c&quot;</text>").length - 1, 4);
  assert.ok(!/NaN|undefined|<b>/.test(picture));
});

test("what is put in for a time happens in its order", async () => {
  const agenda = createAgenda(1_000);
  const happened: string[] = [];
  const at = (name: string, delayMs: number): void =>
    agenda.after(delayMs, () => void happened.push(`${name} ${agenda.now()}`));
  for (const [name, delayMs] of [
    ["c", 30],
    ["a", 10],
    ["d", 30],
    ["b", 20],
    ["e", 99],
  ] as const) {
    at(name, delayMs);
  }
  agenda.after(10, () => at("a2", 5));
  await agenda.runUntil(1_099);
  assert.deepEqual(happened, ["a 1010", "a2 1015", "b 1020", "c 1030", "d 1030"]);
  assert.equal(agenda.now(), 1_099);
});
