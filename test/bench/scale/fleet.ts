/** A thousand workers' connections on one nats-server: what they take idle, busy, and after it was away. */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { loadavg } from "node:os";
import { setTimeout } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import type { JobQueue } from "@turntable/bus";
import { connectJobQueue } from "@turntable/bus/nats";
import { JobClass, RenderScoreJobSchema } from "@turntable/proto";
import { type NatsServer, startNatsServer } from "../../harness/nats-server.ts";
import { quantile } from "./numbers.ts";
import { cpuMsBetween, type Usage, usageOf } from "./usage.ts";

export interface FleetOptions {
  readonly servers: string;
  readonly name: string;
  readonly workers: number;
}

export type FromFleet =
  | { readonly kind: "ready" }
  | {
      readonly kind: "taken";
      readonly jobId: string;
      readonly workerId: string;
      /** ms since 1970 */
      readonly at: number;
    };

/** Workers of one process. */
const ofProcess = 250;
const megabyte = 1e6;
const assetBytes = 100_000;
/** Jobs one after the other, whose way to a worker is timed. */
const timedJobs = 40;
const timedEveryMs = 250;
/** Jobs on their way into the queue at one time. */
const submitsAtOnce = 32;
/** Acks that were sent are on disk after so long, in ms: what is not done again after a crash of NATS. */
const settledMs = 3_000;
/** What has not come after so long does not come, in ms. */
const patienceMs = 120_000;

interface Fleet extends AsyncDisposable {
  usage(): Usage[];
  scoringMs(ms: number): void;
  /** When each job was taken first. */
  readonly takenAt: ReadonlyMap<string, number>;
  /** How many workers took a job since then. */
  tookSince(at: number): number;
}

export async function measureFleet(sizes: readonly number[]): Promise<void> {
  for (const workers of sizes) {
    await measure(workers);
  }
}

async function measure(workers: number): Promise<void> {
  await using nats = await startNatsServer();
  await using queue = await connectJobQueue({ servers: nats.url });
  let results = 0;
  void (async () => {
    for await (const delivery of queue.results()) {
      results += 1;
      await delivery.ack();
    }
  })();
  const natsUsage = (): Usage => usageOf(nats.pid());
  const empty = natsUsage();
  const startedAt = performance.now();
  await using fleet = await startFleet(nats, workers);
  const connected = natsUsage();
  console.log(
    `${workers} workers: connected after ${((performance.now() - startedAt) / 1000).toFixed(1)} s; ` +
      `NATS ${(connected.rssBytes / megabyte).toFixed(0)} MB, ${(empty.rssBytes / megabyte).toFixed(0)} before; load ${loadavg()[0]?.toFixed(1)}`,
  );
  await idle(20_000);
  await list();
  let jobs = 0;
  const submit = async (): Promise<string> => {
    const jobId = `job-${++jobs}`;
    await queue.submit(jobOf(jobId));
    return jobId;
  };
  const submitMany = async (count: number): Promise<void> => {
    let left = count;
    await Promise.all(
      Array.from({ length: submitsAtOnce }, async () => {
        while (left-- > 0) {
          await submit();
        }
      }),
    );
  };
  await timeJobs();
  await busy();
  await restart();

  async function costOf(run: () => Promise<unknown>) {
    const before = { nats: natsUsage(), fleet: fleet.usage(), at: performance.now() };
    await run();
    const natsMs = cpuMsBetween(before.nats, natsUsage());
    const fleetMs = fleet
      .usage()
      .reduce((sum, usage, n) => sum + cpuMsBetween(before.fleet[n] ?? usage, usage), 0);
    return { natsMs, fleetMs, ms: performance.now() - before.at };
  }

  async function idle(ms: number): Promise<void> {
    const cost = await costOf(() => setTimeout(ms));
    const share = (cpuMs: number): string => ((100 * cpuMs) / cost.ms).toFixed(1);
    console.log(
      `  idle: NATS ${share(cost.natsMs)} % of a core, the workers ${share(cost.fleetMs)} %`,
    );
  }

  async function list(): Promise<void> {
    const times: number[] = [];
    let found = 0;
    for (let n = 0; n < 5; n++) {
      const since = performance.now();
      found = (await queue.workers()).length;
      times.push(performance.now() - since);
    }
    console.log(
      `  listing them: ${found} found in ${quantile(times, 0.5).toFixed(0)} ms (${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)})`,
    );
  }

  /** One job at a time, all workers free. */
  async function timeJobs(): Promise<void> {
    const waits: number[] = [];
    const cost = await costOf(async () => {
      for (let n = 0; n < timedJobs; n++) {
        const jobId = await submit();
        const submittedAt = performance.timeOrigin + performance.now();
        await until(() => fleet.takenAt.has(jobId));
        waits.push((fleet.takenAt.get(jobId) ?? Number.NaN) - submittedAt);
        await setTimeout(timedEveryMs);
      }
    });
    console.log(
      `  a job, all of them free: taken ${quantile(waits, 0.5).toFixed(1)} ms after it was queued (p95 ${quantile(waits, 0.95).toFixed(1)}, at most ${Math.max(...waits).toFixed(1)}); ` +
        `processor time a job: NATS ${(cost.natsMs / timedJobs).toFixed(1)} ms, the workers ${(cost.fleetMs / timedJobs).toFixed(1)}`,
    );
  }

  /** Each has a job all the time, for three of them. */
  async function busy(): Promise<void> {
    const scoringMs = Math.max(2_000, workers * 20);
    fleet.scoringMs(scoringMs);
    const rounds = 3;
    const wanted = results + rounds * workers;
    const since = performance.now();
    const cost = await costOf(async () => {
      await submitMany(rounds * workers);
      await until(() => results >= wanted);
    });
    const perSecond = (rounds * workers * 1000) / (performance.now() - since);
    console.log(
      `  busy, ${(scoringMs / 1000).toFixed(0)} s a job: ${perSecond.toFixed(1)} jobs a second, ${((1000 * workers) / scoringMs).toFixed(1)} if nothing took time; ` +
        `processor time a job: NATS ${(cost.natsMs / rounds / workers).toFixed(1)} ms, the workers ${(cost.fleetMs / rounds / workers).toFixed(1)}; ` +
        `NATS ${(natsUsage().rssBytes / megabyte).toFixed(0)} MB`,
    );
  }

  /** NATS is killed; then all are there again, and each gets a job. */
  async function restart(): Promise<void> {
    fleet.scoringMs(patienceMs);
    await setTimeout(settledMs);
    await nats.kill9();
    const since = performance.now();
    const killedAt = Date.now();
    await nats.restart();
    const seconds = (): string => ((performance.now() - since) / 1000).toFixed(1);
    const cost = await costOf(async () => {
      await until(async () => (await present(queue)) >= workers);
      console.log(`  NATS killed and started: all ${workers} are listed after ${seconds()} s`);
      await submitMany(workers);
      console.log(`  a job for each is queued after ${seconds()} s`);
      await until(() => fleet.tookSince(killedAt) >= workers);
    });
    console.log(
      `  each has its next job after ${seconds()} s; processor time of NATS ${(cost.natsMs / 1000).toFixed(1)} s, of the workers ${(cost.fleetMs / 1000).toFixed(1)}`,
    );
  }
}

/** How many are listed; none while the queue is away. */
async function present(queue: JobQueue): Promise<number> {
  return await queue.workers().then(
    (workers) => workers.length,
    () => 0,
  );
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const over = AbortSignal.timeout(patienceMs);
  while (!(await holds())) {
    over.throwIfAborted();
    await setTimeout(5);
  }
}

export async function startFleet({ url: servers }: NatsServer, workers: number): Promise<Fleet> {
  const takenAt = new Map<string, number>();
  /** By worker, when it took its latest job. */
  const lastTaken = new Map<string, number>();
  const children: ChildProcess[] = [];
  const ready: Promise<void>[] = [];
  for (let left = workers; left > 0; left -= ofProcess) {
    const options: FleetOptions = {
      ...{ servers, name: `fleet-${children.length + 1}`, workers: Math.min(left, ofProcess) },
    };
    const child = fork(new URL("fleet-process.ts", import.meta.url), [JSON.stringify(options)]);
    children.push(child);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    ready.push(promise);
    child.once("exit", (status) => reject(new Error(`the fleet's process ended with ${status}`)));
    child.on("message", (message: FromFleet) => {
      if (message.kind === "ready") {
        resolve();
      } else {
        const { jobId, workerId, at } = message;
        takenAt.set(jobId, takenAt.get(jobId) ?? at);
        lastTaken.set(workerId, at);
      }
    });
  }
  await Promise.all(ready);
  return {
    takenAt,
    tookSince: (at) => [...lastTaken.values()].filter((took) => took >= at).length,
    usage: () => children.map(({ pid }) => usageOf(pid ?? Number.NaN)),
    scoringMs: (ms) => children.forEach((child) => void child.send(ms)),
    async [Symbol.asyncDispose]() {
      await Promise.all(
        children.map(async (child) => {
          const exit = once(child, "exit");
          child.kill("SIGKILL");
          await exit;
        }),
      );
    },
  };
}

function jobOf(jobId: string) {
  return create(RenderScoreJobSchema, {
    ...{ jobId, taskId: jobId, submissionId: jobId, class: JobClass.SYNTHETIC },
    ...{ profile: "sn17-seed", prompt: "a red cube", assetSizeBytes: BigInt(assetBytes) },
    asset: { case: "inlineAsset", value: randomBytes(assetBytes) },
  });
}
