/**
 * `bittensor-weights`: what a validator's rewards would become on the chain, step by step. Sends nothing.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { explainWeights, WeightsError } from "../../chain/index.ts";
import { endOnBrokenPipe } from "../broken-pipe.ts";

const help = `Usage: bittensor-weights FILE [options]

Shows what rewards become as weights on the chain, with the reason for each step. Sends nothing.
FILE is JSON, uid to reward: {"0": 0, "7": 12.5, "9": 3}; - reads standard input.

  --neurons N       neurons of the subnet [256]
  --min-allowed N   MinAllowedWeights of the subnet [1]
  --max-limit N     MaxWeightsLimit of the subnet, 0 to 65535 [65535: none]
  --help            this text
`;

endOnBrokenPipe();
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
    if (values.help) {
      return print(help);
    }
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) {
      throw new TypeError("one FILE is needed");
    }
    const neurons = whole("neurons", values.neurons);
    const rewards = parseRewards(readFileSync(file === "-" ? 0 : file, "utf8"), neurons);
    const { steps, rows } = explainWeights(rewards, {
      neurons,
      minAllowedWeights: whole("min-allowed", values["min-allowed"]),
      maxWeightsLimit: whole("max-limit", values["max-limit"]),
    });
    const told = rows.filter(({ reward, sent }) => reward !== 0 || sent !== 0);
    const lines = told.map(({ uid, reward, weight, sent }) =>
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
    if (!isExpected && !(error instanceof Error && "syscall" in error)) {
      throw error;
    }
    process.stderr.write(`bittensor-weights: ${error instanceof Error ? error.message : error}\n`);
    return error instanceof TypeError ? 2 : 1;
  }
}

/** One for each neuron, as validators hand them over: where too few get weights, places count and not uids. */
function parseRewards(text: string, neurons: number) {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) {
    throw new TypeError("the file is no JSON object of rewards by uid");
  }
  const weights = Array<number>(neurons).fill(0);
  for (const [uid, reward] of Object.entries(value)) {
    if (typeof reward !== "number") {
      throw new TypeError(`the reward of uid ${uid} is no number`);
    }
    const place = whole("a uid", uid);
    if (place >= neurons) {
      throw new TypeError(`uid ${uid} is beyond the ${neurons} neurons: see --neurons`);
    }
    weights[place] = reward;
  }
  return { uids: Array.from(weights.keys()), weights };
}

/** uids, counts and limits are u16 on the chain. */
function whole(name: string, text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) {
    throw new TypeError(`${name}: "${text}" is no whole number up to 65535`);
  }
  return Number(text);
}

function fixed(value: number, digits: number): string {
  return value.toFixed(digits).padStart(10);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
