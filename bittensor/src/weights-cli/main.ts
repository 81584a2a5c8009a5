/**
 * `bittensor-weights`: what a validator's rewards would become on the chain, step by step. Sends nothing.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { explainWeights, WeightsError } from "../chain/index.ts";

const help = `Usage: bittensor-weights FILE [options]

Shows what rewards become as weights on the chain, with the reason for each step. Sends nothing.
FILE is JSON, uid to reward: {"0": 0, "7": 12.5, "9": 3}; - reads standard input.

  --neurons N       neurons of the subnet [256]
  --min-allowed N   MinAllowedWeights of the subnet [1]
  --max-limit N     MaxWeightsLimit of the subnet, 0 to 65535 [65535: none]
  --help            this text
`;

process.exitCode = main();

function main(): number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        neurons: { type: "string", default: "256" },
        "min-allowed": { type: "string", default: "1" },
        "max-limit": { type: "string", default: "65535" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return print(help);
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new TypeError("one FILE is needed");
    const rewards = parseRewards(readFileSync(file === "-" ? 0 : file, "utf8"));
    const { steps, rows } = explainWeights(rewards, {
      neurons: whole("neurons", values.neurons),
      minAllowedWeights: whole("min-allowed", values["min-allowed"]),
      maxWeightsLimit: whole("max-limit", values["max-limit"]),
    });
    const lines = rows.map(({ uid, reward, weight, sent }) =>
      [String(uid).padStart(5), fixed(reward, 4), fixed(weight, 6), String(sent).padStart(6)].join(
        "  ",
      ),
    );
    return print(
      `${steps.join("\n")}\n\n  UID      REWARD      WEIGHT    SENT\n${lines.join("\n")}\n`,
    );
  } catch (error) {
    const isExpected =
      error instanceof TypeError || error instanceof WeightsError || error instanceof SyntaxError;
    if (!isExpected && !(error instanceof Error && "syscall" in error)) throw error;
    process.stderr.write(`bittensor-weights: ${error instanceof Error ? error.message : error}\n`);
    return error instanceof TypeError ? 2 : 1;
  }
}

function parseRewards(text: string) {
  const value: unknown = JSON.parse(text);
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const uids = entries.map(([uid]) => whole("a uid", uid));
  const weights = entries.map(([uid, reward]) => {
    if (typeof reward !== "number") throw new TypeError(`the reward of uid ${uid} is no number`);
    return reward;
  });
  return { uids, weights };
}

function whole(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new TypeError(`${name}: "${text}" is no whole number`);
  return Number(text);
}

function fixed(value: number, digits: number): string {
  return value.toFixed(digits).padStart(10);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
