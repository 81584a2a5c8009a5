/**
 * How long an honest large submission stops the coordinator: the longest turn of its event loop while the body comes
 * in, is opened, stored, and its job is taken by a worker, for 10 and 90 MiB, beside an idle one in the same run. The
 * coordinator runs in a thread of its own, so the sender's work is not counted. A turn is measured in the thread's
 * processor time, which is what we can do something about; the delay by the clock stands beside it, and on a loaded
 * machine the idle one tells how much of that is the machine. `npm run bench:submission`; exits with 1 beyond the bars.
 */
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { create } from "@bufbuild/protobuf";
import { createLocalChain } from "@turntable/bittensor/chain";
import { createDendrite } from "@turntable/bittensor/dendrite";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { netuid, signedResults, startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";

const mebibyte = 1 << 20;
/** Bytes of the request's base64, and ms that a turn may take. */
const bars = [
  { bytes: 10 * mebibyte, mostMs: 15 },
  { bytes: 90 * mebibyte, mostMs: 50 },
];
const rounds = 5;
const idleMs = 1_000;
const miners = bars.length * rounds;

if (workerData === "coordinator") {
  await serve();
} else {
  await main();
}

/** Tells where it listens; then answers each message, `read` with the longest delay since `start`. */
async function serve(): Promise<void> {
  await ready();
  await using chain = createLocalChain({ blockMs: 1000, subnets: [{ netuid }] });
  for (const uri of ["//Alice", ...Array.from({ length: miners }, (_, index) => minerUri(index))]) {
    chain.register({ netuid, hotkey: keypairFromUri(uri).ss58 });
  }
  await using subnet = await startTestSubnet({ chain });
  const stop = new AbortController();
  void work(subnet, stop.signal);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const turns = measureTurns();
  parentPort?.on("message", async (kind: "task" | "start" | "read" | "stop") => {
    if (kind === "task") {
      await subnet.client.create("a red cube");
    } else if (kind === "start") {
      delay.reset();
      delay.enable();
      turns.start();
    } else if (kind === "read") {
      delay.disable();
      turns.stop();
    } else {
      stop.abort();
    }
    const answer: Stalls = { clockMs: delay.max / 1e6, processorMs: turns.longestMs };
    parentPort?.postMessage(answer);
  });
  parentPort?.postMessage(subnet.target);
  await once(stop.signal, "abort");
}

/**
 * A timer that is due in every turn reads this thread's processor time, so what lies between two readings is one turn,
 * and a millisecond at most beside it.
 */
function measureTurns() {
  let timer: NodeJS.Timeout | undefined;
  let longestMs = 0;
  return {
    start(): void {
      longestMs = 0;
      let last = process.threadCpuUsage();
      timer = setInterval(() => {
        const now = process.threadCpuUsage();
        longestMs = Math.max(longestMs, (now.user + now.system - last.user - last.system) / 1000);
        last = now;
      }, 1);
    },
    stop: () => clearInterval(timer),
    get longestMs() {
      return longestMs;
    },
  };
}

/** Plays the workers, without their work. */
async function work({ source }: TestSubnet, signal: AbortSignal): Promise<void> {
  for (;;) {
    const taken = await source.take(signal);
    if (taken === undefined) {
      return;
    }
    await taken.complete(
      create(RenderScoreResultSchema, {
        jobId: taken.job.jobId,
        submissionId: taken.job.submissionId,
        outcome: {
          case: "scored",
          value: create(ScoreReportSchema, { score: 0.9, cameraSeed: taken.job.cameraSeed }),
        },
      }),
    );
  }
}

function minerUri(index: number): string {
  return `//Miner${index}`;
}

/** The longest of each, in ms. */
interface Stalls {
  readonly clockMs: number;
  readonly processorMs: number;
}

type Ask = (kind: "task" | "start" | "read" | "stop") => Promise<Stalls>;

async function main(): Promise<void> {
  await ready();
  const worker = new Worker(new URL(import.meta.url), { workerData: "coordinator" });
  const [target] = await once(worker, "message");
  const ask: Ask = async (kind) => {
    worker.postMessage(kind);
    const [stalls] = await once(worker, "message");
    return stalls;
  };
  const idle: Stalls[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await ask("start");
    await setTimeout(idleMs);
    idle.push(await ask("read"));
  }
  report("idle", idle);
  let miner = 0;
  for (const { bytes, mostMs } of bars) {
    const delays: Stalls[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const asset = Buffer.alloc((bytes / 4) * 3, miner);
      // Each by a miner of its own: they have a cooldown
      delays.push(await submitOnce(target, keypairFromUri(minerUri(miner)), asset, ask));
      miner += 1;
    }
    const middle = report(`${bytes / mebibyte} MiB, at most ${mostMs} ms`, delays);
    if (middle > mostMs) {
      process.exitCode = 1;
    }
  }
  await ask("stop");
  await worker.terminate();
}

/** @returns the median of the longest turns */
function report(what: string, stalls: readonly Stalls[]): number {
  const turns = stalls.map(({ processorMs }) => processorMs);
  const middle = median(turns);
  const each = turns.map((value) => value.toFixed(1)).join(", ");
  const clock = median(stalls.map(({ clockMs }) => clockMs)).toFixed(1);
  console.log(`${what}: ${middle.toFixed(1)} ms (median of ${each}); by the clock ${clock} ms`);
  return middle;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Pulls a task, submits for it and waits for the verdict. Returns the longest stalls meanwhile. */
async function submitOnce(
  target: TestSubnet["target"],
  minerKey: Keypair,
  asset: Uint8Array,
  ask: Ask,
): Promise<Stalls> {
  await ask("task");
  await using miner = createDendrite({ hotkey: minerKey });
  const pulled = await miner.call(pullTask, { target, body: {} });
  const task = pulled.kind === "ok" ? pulled.fields.task : undefined;
  if (task === undefined || task === null) {
    throw new Error(`no task: ${pulled.message}`);
  }
  const validator = keypairFromUri("//Alice");
  const body = signedResults({ minerKey, validator }, task, asset);
  await ask("start");
  const outcome = await miner.call(submitResults, { target, body });
  const stalls = await ask("read");
  const verdict = outcome.kind === "ok" ? outcome.fields.feedback?.verdict : outcome.message;
  if (verdict !== "accepted") {
    throw new Error(`not accepted: ${verdict}`);
  }
  return stalls;
}
