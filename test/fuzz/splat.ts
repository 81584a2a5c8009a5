/**
 * Broken assets for all readers: `npm run fuzz [-- --inputs N --seed N --from N]`.
 *
 * A thread reads them one after the other; this one watches that it ends each in time, and that the process does not
 * grow over its cap. Whatever goes wrong is named by seed and index; `--seed S --from I --inputs 1` does it again.
 */
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { brokenAsset, fuzzLimits, originals, outcomeOf } from "@turntable/splat/test";

/** Processor time that reading one asset may take, in ms; by the clock a busy machine would be taken for a hang. */
const longestMs = 2_000;
/** Time by the clock that reading one asset may take, in ms: a reader that waits for ever uses no processor. */
const longestWaitMs = 30_000;
/** Above what the process had when it began: twice the decompressed size, a thread for HDF5, Node's own room. */
const capBytes = 2 * fuzzLimits.maxDecompressedBytes + 512 * 1024 * 1024;
const lookEveryMs = 50;

interface Plan {
  readonly seed: number;
  readonly from: number;
  readonly inputs: number;
  /** Index in work and when it was begun (ms of `Date.now`), shared with the thread. */
  readonly progress: BigInt64Array;
}

if (isMainThread) {
  await watch();
} else {
  await readAll(workerData);
}

async function watch(): Promise<void> {
  const { values } = parseArgs({
    options: {
      inputs: { type: "string", default: "200000" },
      seed: { type: "string", default: "1" },
      from: { type: "string", default: "0" },
    },
  });
  const progress = new BigInt64Array(new SharedArrayBuffer(16));
  const [inputs, seed, from] = [values.inputs, values.seed, values.from].map(Number);
  const plan = { inputs: inputs ?? 0, seed: seed ?? 0, from: from ?? 0, progress };
  const startBytes = process.memoryUsage.rss();
  const startedAt = performance.now();
  let mostBytes = 0;
  let fault: string | undefined;
  const worker = new Worker(new URL(import.meta.url), { workerData: plan });
  let inWork = { index: -1n, cpuMs: 0 };
  const looking = setInterval(() => {
    const index = Atomics.load(progress, 0);
    if (index !== inWork.index) {
      inWork = { index, cpuMs: cpuMs() };
    }
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss() - startBytes);
    const begun = Number(Atomics.load(progress, 1));
    if (mostBytes > capBytes) {
      fault = `${mostBytes} bytes are in use, over the cap of ${capBytes}`;
    } else if (begun > 0 && Date.now() - begun > longestWaitMs) {
      fault = `waits ${longestWaitMs} ms`;
    } else if (begun > 0 && cpuMs() - inWork.cpuMs > longestMs) {
      fault = `works over ${longestMs} ms`;
    }
    if (fault !== undefined) {
      void worker.terminate();
    }
  }, lookEveryMs);
  worker.on("message", (summary: string) => console.log(summary));
  worker.on("error", (error) => {
    console.error(error);
    fault = "an error that is no AssetError";
  });
  await new Promise((resolve) => worker.once("exit", resolve));
  clearInterval(looking);
  const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  console.log(
    `${((performance.now() - startedAt) / 1000).toFixed(0)} s, at most ${megabytes(mostBytes)} more than at the start (cap ${megabytes(capBytes)})`,
  );
  if (fault === undefined) {
    return;
  }
  console.error(`seed ${plan.seed}, input ${Atomics.load(progress, 0)}: ${fault}`);
  process.exitCode = 1;
}

/** Processor time that all threads of this process have used, in ms. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function readAll({ seed, from, inputs, progress }: Plan): Promise<void> {
  const sources = await originals();
  const outcomes = new Map<string, number>();
  const formats = new Map<string, number>();
  const count = (tally: Map<string, number>, name: string): void => {
    tally.set(name, (tally.get(name) ?? 0) + 1);
  };
  let longest = 0;
  for (let index = from; index < from + inputs; index++) {
    const input = brokenAsset(sources, seed, index);
    Atomics.store(progress, 0, BigInt(index));
    Atomics.store(progress, 1, BigInt(Date.now()));
    const startedAt = cpuMs();
    count(outcomes, await outcomeOf(input));
    longest = Math.max(longest, cpuMs() - startedAt);
    Atomics.store(progress, 1, 0n);
    count(formats, input.original);
    if ((index + 1) % 20_000 === 0) {
      console.error(`${index + 1}`);
    }
  }
  const list = (tally: Map<string, number>): string =>
    [...tally]
      .toSorted((a, b) => b[1] - a[1])
      .map(([name, times]) => `${name} ${times}`)
      .join(", ");
  parentPort?.postMessage(
    `${inputs} inputs of seed ${seed}\n${list(formats)}\n${list(outcomes)}\nlongest ${longest.toFixed(0)} ms of processor time`,
  );
}
