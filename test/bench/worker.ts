/**
 * What a whole worker does in a minute, model included, against the bare model on as many pictures: jobs of a large
 * asset through the in-process queue, fetched, decoded, linted, rendered and scored by a CLIP of the true size, its
 * result published. Rounds of both take turns; a round of the worker is timed from its first result to its last, so that
 * what is prepared ahead counts.
 *
 * `npm run bench:worker [-- ASSET]`, with Node's options as in bin/turntable-worker; without an asset that of
 * `bench:render`. Exits with 1 when the bar is missed.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { createLogger } from "@turntable/process";
import { JobClass, RenderScoreJobSchema } from "@turntable/proto";
import { writeSpz } from "@turntable/splat";
import { createTestSplat, startWorker } from "@turntable/validation";
import { loadGraph } from "@turntable/validation/internal/onnx";
import { largeAsset } from "./assets.ts";
import { type Cost, costOf, median } from "./cost.ts";
import { benchModel, benchPrompt } from "./model.ts";

const bars = { ofBareModel: 0.72, peakMegabytes: 1250 };
const rounds = 3;
/** Jobs of a round; the first only starts the clock. */
const jobsOfRound = 4;
const views = 36;
const batch = 12;
const threads = availableParallelism();

if (process.argv[2] === "--peak-memory") {
  await peakMemory();
} else if (process.argv[2] === "--make-model") {
  await benchModel("vit-b-32");
} else {
  await compare();
}

async function compare(): Promise<void> {
  const file = process.argv[2];
  const asset = await largeAsset();
  const name = file ?? `${asset.name}, as SPZ`;
  const bytes = file === undefined ? writeSpz(asset.splat) : await readFile(file);
  // First: a process inherits the peak of the one that starts it.
  const peak = measurePeak();
  const model = await benchModel("vit-b-32");
  const bare = await bareModel(model);
  await using line = await startLine(model);
  await line.run(bytes, 2);
  await bare();
  console.log(
    `${name}; ${threads} threads of ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)} at the start`,
  );
  const ratios: Record<keyof Cost, number>[] = [];
  for (let round = 0; round < rounds; round++) {
    const ours = await line.run(bytes, jobsOfRound);
    const jobs = jobsOfRound - 1;
    const least = await costOf(async () => {
      for (let job = 0; job < jobs; job++) {
        await bare();
      }
    });
    ratios.push({ wallMs: least.wallMs / ours.wallMs, cpuMs: least.cpuMs / ours.cpuMs });
    const perMinute = ({ wallMs }: Cost): string => ((60_000 * jobs) / wallMs).toFixed(1);
    const perJob = ({ cpuMs }: Cost): string => (cpuMs / jobs).toFixed(0);
    console.log(
      `jobs a minute: worker ${perMinute(ours)}, bare model ${perMinute(least)}; ` +
        `processor time a job: ${perJob(ours)} and ${perJob(least)} ms`,
    );
  }
  const ratio = (of: keyof Cost): number => median(ratios.map((row) => row[of]));
  console.log(`     of processor time: ${ratio("cpuMs").toFixed(2)}`);
  const results = [
    check("worker / bare model, jobs a minute", ratio("wallMs"), ">=", bars.ofBareModel),
    check("peak memory of a worker, 300,000 splats, MB", peak, "<=", bars.peakMegabytes),
  ];
  if (results.includes(false)) {
    process.exitCode = 1;
  }
}

/** A worker and its queue. */
async function startLine(modelDir: string) {
  await using stack = new AsyncDisposableStack();
  const { queue, source } = createInProcessQueue();
  stack.use(queue);
  const results = queue.results()[Symbol.asyncIterator]();
  stack.use(
    await startWorker({
      ...{ source: source(), modelDir, threads, backend: "cpu", workerId: "bench" },
      env: process.env,
      logger: createLogger("bench", "warn"),
    }),
  );
  const next = async (): Promise<void> => {
    const { value } = await results.next();
    await value?.ack();
    if (value?.result.outcome.case !== "scored") {
      throw new Error("a job was not scored");
    }
  };
  let submitted = 0;
  const owned = stack.move();
  return {
    /** Cost of all jobs but the first. */
    async run(bytes: Uint8Array, jobs: number): Promise<Cost> {
      for (let job = 0; job < jobs; job++) {
        await queue.submit(jobOf(`job-${submitted++}`, bytes));
      }
      await next();
      return await costOf(async () => {
        for (let job = 1; job < jobs; job++) {
          await next();
        }
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function jobOf(jobId: string, bytes: Uint8Array) {
  return create(RenderScoreJobSchema, {
    ...{ jobId, taskId: jobId, submissionId: jobId, class: JobClass.SYNTHETIC },
    profile: "sn17-seed",
    prompt: benchPrompt,
    assetSha256: createHash("sha256").update(bytes).digest(),
    assetSizeBytes: BigInt(bytes.length),
    asset: { case: "inlineAsset", value: bytes },
  });
}

/** The vision tower on pixel values that are ready, as many as a job has views. */
async function bareModel(directory: string): Promise<() => Promise<void>> {
  const graph = await loadGraph(join(directory, "vision_model.onnx"), {
    executionProvider: "cpu",
    threads,
  });
  const values = new Float32Array(batch * 3 * 224 * 224).fill(0.5);
  return async () => {
    for (let done = 0; done < views; done += batch) {
      await graph.run({ pixel_values: { values, shape: [batch, 3, 224, 224] } });
    }
  };
}

/** In a process of its own, so that nothing else counts. */
function measurePeak(): number {
  const self = fileURLToPath(import.meta.url);
  // In another one, since making a model takes more memory than using it.
  spawnSync(process.execPath, [self, "--make-model"], { stdio: "inherit" });
  const argv = [...process.execArgv, self, "--peak-memory"];
  const { stdout, stderr, status } = spawnSync(process.execPath, argv, {
    encoding: "utf8",
    // Made here, so that what making it takes is not counted.
    input: writeSpz(createTestSplat({ count: 300_000 })),
    // As bin/turntable-worker has it.
    env: { MALLOC_TRIM_THRESHOLD_: "1048576", ...process.env },
  });
  if (status !== 0) {
    throw new Error(`the worker ended with ${status}: ${stderr}`);
  }
  return Number(stdout.trim());
}

/** Several jobs of the asset on stdin, on end, so that one is prepared while another is scored. */
async function peakMemory(): Promise<void> {
  const bytes = await buffer(process.stdin);
  await using line = await startLine(await benchModel("vit-b-32"));
  await line.run(bytes, 3);
  console.log(Math.round((process.resourceUsage().maxRSS * 1024) / 1e6));
}

function check(what: string, value: number, sign: "<=" | ">=", bar: number): boolean {
  const isMet = sign === "<=" ? value <= bar : value >= bar;
  console.log(`${isMet ? "ok  " : "MISS"} ${what}: ${value.toFixed(2)} (${sign} ${bar})`);
  return isMet;
}
