/**
 * `npm run test:chaos -- --runs 200 --seed 1`, see docs/chaos.md. Prints a line for each run; exits with 1 when something
 * that was acknowledged has not come to its one verdict, and says then how to run that seed again, and where its logs are.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureFaketime } from "../harness/faketime.ts";
import { checkOut } from "./checkout.ts";
import { describe, faultNames, scheduleOf } from "./faults.ts";
import { findAbilities, runIsolated } from "./isolated.ts";
import type { ChaosRun } from "./run.ts";

const { values } = parseArgs({
  options: {
    /** One after the other seed, from `seed` on. */
    runs: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    /** How long there is work, and faults begin. */
    seconds: { type: "string", default: "8" },
    miners: { type: "string", default: "6" },
    /** Runs at one time. */
    jobs: { type: "string", default: "1" },
    /** Kinds of faults, or parts of their names, with commas between. */
    only: { type: "string" },
    /** A revision of git, from which an update begins; without it programs are only stopped and started in turn. */
    from: { type: "string" },
    /** Keeps the logs of runs that went well, too. */
    keep: { type: "boolean", default: false },
  },
});

await ensureFaketime();
const abilities = await findAbilities();
for (const { kind, why } of abilities.impossible) {
  console.log(`skipped: ${kind}, ${why}`);
}
const asked = values.only?.split(",");
const kinds = abilities.possible.filter(
  (name) => asked?.some((part) => name.includes(part)) ?? true,
);
if (kinds.length === 0) {
  throw new Error(`no fault that is possible here is named so; there are ${faultNames.join(", ")}`);
}
const workMs = Number(values.seconds) * 1000;
const base = await mkdtemp(join(tmpdir(), "turntable-chaos-"));
const olderCheckout = values.from === undefined ? undefined : join(base, "older");
if (values.from !== undefined && olderCheckout !== undefined) {
  await mkdir(olderCheckout);
  checkOut(values.from, olderCheckout);
}
const seeds = Array.from({ length: Number(values.runs) }, (_, i) => Number(values.seed) + i);
const failed: number[] = [];
const faultCounts = new Map<string, number>();
let runs = 0;
let acknowledged = 0;
let told = 0;
let byLoad = 0;

await Promise.all(Array.from({ length: Number(values.jobs) }, work));
const counts = [...faultCounts].toSorted().map(([kind, count]) => `${kind} ${count}`);
console.log(
  `${runs} runs, ${acknowledged} submissions acknowledged, ${told} verdicts (${byLoad} a fault of ours by the machine's load alone); faults: ${counts.join(", ")}`,
);
if (failed.length > 0) {
  console.error(`failed: ${failed.length}, seeds ${failed.join(", ")}; logs in ${base}`);
  process.exitCode = 1;
} else if (!values.keep) {
  await rm(base, { recursive: true, force: true });
}

async function work(): Promise<void> {
  for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
    await runSeed(seed);
  }
}

async function runSeed(seed: number): Promise<void> {
  const directory = join(base, `seed-${seed}`);
  const miners = Number(values.miners);
  const options = { seed, workMs, kinds, directory, olderCheckout, miners };
  const result = await runIsolated(abilities, options);
  runs++;
  const schedule = scheduleOf(seed, workMs, kinds);
  for (const { kind } of schedule) {
    faultCounts.set(kind, (faultCounts.get(kind) ?? 0) + 1);
  }
  const wrong = typeof result === "string" ? [result] : result.wrong;
  const words = typeof result === "string" ? "" : ` ${outcome(result)};`;
  console.log(`seed ${seed}:${words} ${schedule.map(describe).join("; ")}`);
  if (wrong.length > 0) {
    failed.push(seed);
    const same = ["seconds", "miners", "only", "from"] as const;
    const flags = same.flatMap((name) =>
      values[name] === undefined ? [] : [`--${name} ${values[name]}`],
    );
    console.error(wrong.map((problem) => `  WRONG ${problem}`).join("\n"));
    console.error(`  again: npm run test:chaos -- --seed ${seed} ${flags.join(" ")}`);
    console.error(`  logs: ${directory}`);
  } else if (!values.keep) {
    await rm(directory, { recursive: true, force: true });
  }
}

function outcome(run: ChaosRun): string {
  const verdicts = Object.entries(run.verdicts).toSorted();
  const toldHere = verdicts.reduce((sum, [, count]) => sum + count, 0);
  acknowledged += run.acknowledged;
  told += toldHere;
  byLoad += run.byLoad;
  const kindsTold = verdicts.map(([verdict, count]) => `${count} ${verdict}`).join(", ");
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const ends = run.ends.length === 0 ? "" : `, ended by themselves: ${run.ends.join(", ")}`;
  return (
    `${run.acknowledged} acknowledged, ${toldHere} verdicts (${kindsTold}), recovered in ${seconds(run.recoveryMs)} s, ` +
    `${seconds(run.wallMs)} s in all${ends}`
  );
}
