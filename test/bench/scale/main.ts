/**
 * How it scales: workers, a burst, a thousand workers, and what the coordinator alone carries. Real nats-server, the
 * coordinator's own program, workers whose scoring is a wait. What came of it is in k8s/SIZING.md.
 * `npm run bench:scale -- --help`; exits with 1 below a bar.
 */
import { parseArgs } from "node:util";
import { measureBurst } from "./burst.ts";
import { measureCapacity } from "./capacity.ts";
import { measureEfficiency } from "./efficiency.ts";
import { measureFleet } from "./fleet.ts";

const help = `Usage: npm run bench:scale -- [PART …] [options]

Parts, all of them when none is named:
  efficiency   jobs a minute of 1, 2, 4 and 8 worker processes, against that of one
  burst        many jobs at once for a pool that follows KEDA's formula; draws a picture
  fleet        workers' connections on one NATS: idle, a job for one of them, busy, NATS killed
  capacity     submissions a second at one coordinator until its p99 is twice that of the lowest rate

Options:
  --workers A,B,…        efficiency: how many                         [1,2,4,8]
  --scoring-ms N         efficiency: what a job takes                 [1500]
  --jobs-of-worker N     efficiency: jobs for each worker             [30]
  --jobs N               burst: jobs at once                          [1000]
  --most-workers N       burst: no more are started                   [12]
  --speed N              burst: the cluster's seconds in one of ours  [5]
  --scoring-s N          burst: the cluster's seconds of a job        [5]
  --cold-start-s N       burst: the same of a worker's start          [60]
  --svg FILE             burst: where the picture goes                [.cache/scale/burst.svg]
  --fleet A,B,…          fleet: workers on one NATS                   [10,100,1000]
  --rates A,B,…          capacity: submissions a second               [2,4,8,16,32,64]
  --seconds N            capacity: at each of them                    [10]
  --folder DIR           capacity: where the data are kept            [the system's folder for temporary files]
  --asset-bytes N        capacity: size of an asset                   [1000000]
  --help                 this text
`;

const parts = ["efficiency", "burst", "fleet", "capacity"] as const;

try {
  await main();
} catch (error) {
  const isUsage =
    error instanceof RangeError ||
    (error instanceof TypeError &&
      "code" in error &&
      String(error.code).startsWith("ERR_PARSE_ARGS"));
  if (!isUsage) {
    throw error;
  }
  console.error(`bench:scale: ${error.message}; see --help`);
  process.exitCode = 2;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      workers: { type: "string", default: "1,2,4,8" },
      "scoring-ms": { type: "string", default: "1500" },
      "jobs-of-worker": { type: "string", default: "30" },
      jobs: { type: "string", default: "1000" },
      "most-workers": { type: "string", default: "12" },
      speed: { type: "string", default: "5" },
      "scoring-s": { type: "string", default: "5" },
      "cold-start-s": { type: "string", default: "60" },
      svg: { type: "string", default: ".cache/scale/burst.svg" },
      fleet: { type: "string", default: "10,100,1000" },
      rates: { type: "string", default: "2,4,8,16,32,64" },
      seconds: { type: "string", default: "10" },
      folder: { type: "string" },
      "asset-bytes": { type: "string", default: "1000000" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const unknown = positionals.find((name) => !parts.some((part) => part === name));
  if (unknown !== undefined) {
    throw new RangeError(`"${unknown}" is no part; there are ${parts.join(", ")}`);
  }
  const isAsked = (part: (typeof parts)[number]): boolean =>
    positionals.length === 0 || positionals.includes(part);
  let isHeld = true;
  if (isAsked("efficiency")) {
    isHeld = await measureEfficiency({
      workers: numbers("workers", values.workers),
      scoringMs: number("scoring-ms", values["scoring-ms"]),
      jobsOfWorker: number("jobs-of-worker", values["jobs-of-worker"]),
    });
  }
  if (isAsked("burst")) {
    const isAllThere = await measureBurst({
      jobs: number("jobs", values.jobs),
      mostWorkers: number("most-workers", values["most-workers"]),
      speed: number("speed", values.speed),
      scoringS: number("scoring-s", values["scoring-s"]),
      coldStartS: number("cold-start-s", values["cold-start-s"]),
      svg: values.svg,
    });
    isHeld = isAllThere && isHeld;
  }
  if (isAsked("fleet")) {
    await measureFleet(numbers("fleet", values.fleet));
  }
  if (isAsked("capacity")) {
    await measureCapacity({
      rates: numbers("rates", values.rates),
      secondsEach: number("seconds", values.seconds),
      assetBytes: number("asset-bytes", values["asset-bytes"]),
      folder: values.folder,
    });
  }
  process.exitCode = isHeld ? 0 : 1;
}

function numbers(option: string, text: string): readonly number[] {
  return text.split(",").map((part) => number(option, part));
}

/** @throws RangeError when it is none above 0 */
function number(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) {
    throw new RangeError(`--${option} takes numbers above 0, not "${text}"`);
  }
  return value;
}
