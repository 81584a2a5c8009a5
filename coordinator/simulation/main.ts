/** `npm run simulate`: rule sets against honest miners and cheats, each in a thread of its own. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { z } from "zod";
import { table } from "../src/cli/command.ts";
import { type RuleSet, RulesError, ruleSetOf, ruleSets } from "../src/rules/index.ts";
import { findings } from "./findings.ts";
import { plot } from "./plot.ts";
import {
  type Population,
  PopulationError,
  parsePopulation,
  populationSchema,
} from "./population.ts";
import { type Simulated, type SimulateOptions, simulate } from "./simulate.ts";

const defaultMiners = join(import.meta.dirname, "population.json");
const profiles = join(import.meta.dirname, "../../resources/profiles");

const help = `Usage: npm run simulate -- [options]

Plays a subnet's miners against the coordinator's own rules on a driven clock, prints what each group of miners earned,
says which of them earned more than honest, skilled work, and draws it.

  --rules A[,B]     rule sets: ${Object.keys(ruleSets).join(", ")}, or files as for --rules-file of the
                    coordinator, which change numbers of seed [seed,2025]
  --days N          simulated days [1]
  --seed N          the same seed gives the same simulation [1]
  --miners FILE     groups of miners, JSON [the 256 of coordinator/simulation/population.json]
  --each N          of each group at most N miners are played, each for itself and an equal share of the others [1];
                    with 256 everybody is, which takes long
  --svg FILE        where the picture goes [.cache/simulation.svg]
  --schema          prints the JSON schema of --miners
  --help            this text
`;

/** The command line makes no sense. */
class UsageError extends Error {
  override name = "UsageError";
}

if (isMainThread) {
  try {
    await main();
  } catch (error) {
    const isExpected =
      error instanceof UsageError ||
      error instanceof RulesError ||
      error instanceof PopulationError ||
      error instanceof TypeError ||
      (error instanceof Error && "syscall" in error);
    if (!isExpected) {
      throw error;
    }
    console.error(`simulate: ${error.message}`);
    process.exitCode = 2;
  }
} else {
  parentPort?.postMessage(await simulate(workerData));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rules: { type: "string", default: "seed,2025" },
      days: { type: "string", default: "1" },
      seed: { type: "string", default: "1" },
      miners: { type: "string", default: defaultMiners },
      each: { type: "string", default: "1" },
      svg: { type: "string", default: ".cache/simulation.svg" },
      schema: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help || values.schema) {
    const schema = z.toJSONSchema(populationSchema, { io: "input" });
    console.log(values.help ? help.trimEnd() : JSON.stringify(schema, null, 2));
    return;
  }
  const population = parsePopulation(readFileSync(values.miners, "utf8"), values.miners);
  const common = {
    population,
    days: numberOf("days", values.days, { least: 0.05, most: 365 }),
    seed: numberOf("seed", values.seed, { least: 0, most: 2 ** 32 - 1, isWhole: true }),
    each: numberOf("each", values.each, { least: 1, most: 65_535, isWhole: true }),
  };
  const startedAt = performance.now();
  const all = await Promise.all(
    values.rules.split(",").map((name) => {
      const rules = rulesOf(name);
      return simulateInThread({ ...common, rules, rejectsLint: rejectsLint(rules) });
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage();
  for (const simulated of all) {
    print(simulated, population);
  }
  const miners = population.groups.reduce((sum, group) => sum + group.miners, 0);
  const what = `${miners} miners, ${common.days} days, seed ${common.seed}`;
  mkdirSync(dirname(values.svg), { recursive: true });
  writeFileSync(values.svg, plot(all, population.baseline, what));
  console.log(
    `${what}, in ${seconds.toFixed(0)} s (processor ${((user + system) / 1e6).toFixed(0)} s); drawn in ${values.svg}`,
  );
}

function simulateInThread(options: SimulateOptions): Promise<Simulated> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: options });
    worker.once("message", resolve).once("error", reject);
  });
}

function print(simulated: Simulated, { baseline }: Population): void {
  const { rules, groups, tasks, played } = simulated;
  const unit = groups.find(({ group }) => group.name === baseline)?.income ?? 0;
  console.log(`rules ${rules.name}: ${played} miners played, ${tasks} tasks`);
  console.log(
    table([
      [
        ...["group", "miners", "cheat", "tasks/h", "accepted", "average", "reward"],
        ...["weight", `of ${baseline}`],
      ],
      ...groups.map(({ group, ...result }) => [
        ...[group.name, group.miners, group.cheat, result.tasksAnHour.toFixed(1)],
        ...[`${(100 * result.acceptance).toFixed(0)} %`, result.averageFidelity.toFixed(3)],
        ...[result.reward.toFixed(1), `${(100 * result.income).toFixed(3)} %`],
        unit === 0 ? "" : (result.income / unit).toFixed(2),
      ]),
    ]),
  );
  console.log(`${findings(simulated, baseline).join("\n")}\n`);
}

/** @throws UsageError, RulesError, and what reading the file throws */
function rulesOf(name: string): RuleSet {
  const known = Object.entries(ruleSets).find(([key]) => key === name)?.[1];
  if (known !== undefined) {
    return known;
  }
  if (!/[./]/.test(name)) {
    const names = Object.keys(ruleSets).join(", ");
    throw new UsageError(`there are no rules "${name}": ${names}, or a file such as ./mine.json`);
  }
  return ruleSetOf(ruleSets.seed, readFileSync(name, "utf8"), name);
}

/** Whether the rules' scoring profile makes an asset invalid for what lint finds. */
function rejectsLint({ profile }: RuleSet): boolean {
  const json: unknown = JSON.parse(readFileSync(join(profiles, `${profile}.json`), "utf8"));
  return z.object({ lint: z.string().optional() }).parse(json).lint === "reject";
}

interface NumberLimits {
  readonly least: number;
  readonly most: number;
  readonly isWhole?: boolean;
}

function numberOf(name: string, text: string, { least, most, isWhole = false }: NumberLimits) {
  const value = Number(text);
  const fits = text.trim() !== "" && value >= least && value <= most;
  if (!fits || (isWhole && !Number.isInteger(value))) {
    const kind = isWhole ? "a whole number" : "a number";
    throw new UsageError(`--${name} is ${text}, not ${kind} from ${least} to ${most}`);
  }
  return value;
}
