/** `npm run simulate:chain`: a day of the coordinator with a chain that fails in many ways, in seconds. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../src/cli/command.ts";
import { ruleSets } from "../src/rules/index.ts";
import { missed, mostWait, operate } from "./operation.ts";

const help = `Usage: npm run simulate:chain -- [options]

Runs the coordinator's weights loop, metagraph sync, records and clock on the chain in memory for a day of driven time,
with outages, lost answers, forks, restarts, too little stake and clocks that are set, and says for each epoch how often
weights were set. Exits with 1 when an epoch passed without weights though they could be set for ${mostWait} blocks.

  --hours N   simulated hours, 1 to 240 [24]
  --seed N    the same seed gives the same day [1]
  --help      this text
`;

const { values } = parseArgs({
  options: {
    hours: { type: "string", default: "24" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", short: "h", default: false },
  },
});
const hours = Number(values.hours);
const seed = Number(values.seed);
if (values.help) {
  console.log(help.trimEnd());
} else if (!(hours >= 1 && hours <= 240 && Number.isInteger(seed) && seed >= 0)) {
  console.error("simulate:chain: --hours takes 1 to 240, --seed a whole number from 0");
  process.exitCode = 2;
} else {
  await main();
}

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "turntable-operation-"));
  const startedAt = performance.now();
  try {
    const result = await operate({ rules: ruleSets.seed, hours, seed, dataDir });
    const { epochs, settings, longestWait, troubles, told } = result;
    const rows = epochs.map((epoch) => [
      ...[epoch.block, epoch.settings, epoch.possible, epoch.longest],
    ]);
    console.log(table([["epoch at block", "settings", "due and possible", "in a row"], ...rows]));
    const happened = Object.entries(troubles).map(([kind, count]) => `${kind} ${count}`);
    console.log(`happened: ${happened.join(", ")}`);
    const events = Object.entries(told).filter(([kind]) => kind !== "age");
    console.log(`told: ${events.map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    const without = missed(result).length;
    const possible = epochs.filter((epoch) => epoch.settings > 0 || epoch.longest > mostWait);
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(
      `${hours} hours in ${seconds.toFixed(1)} s: ${settings} settings, in ${possible.length - without} of ${possible.length} epochs ` +
        `in which they were possible (${epochs.length} in all); due and possible for ${longestWait} blocks at most`,
    );
    process.exitCode = without > 0 ? 1 : 0;
  } finally {
    rmSync(dataDir, { recursive: true });
  }
}
