/** 1, 2, 4 and 8 workers whose scoring takes the same time: what one worker more is worth. */
import { loadavg } from "node:os";
import { quantile } from "./numbers.ts";
import { randomAsset, startSubnet } from "./subnet.ts";
import { cpuMsBetween, usageOf } from "./usage.ts";
import { createWorkerPool } from "./worker-pool.ts";

/** design.md, section 7 */
const bar = 0.95;
const splats = 500;

export interface EfficiencyOptions {
  readonly workers: readonly number[];
  readonly scoringMs: number;
  readonly jobsOfWorker: number;
}

interface Row {
  readonly workers: number;
  readonly jobsPerMinute: number;
}

/** @returns whether the bar is held */
export async function measureEfficiency(options: EfficiencyOptions): Promise<boolean> {
  const most = Math.max(...options.workers) * options.jobsOfWorker;
  await using subnet = await startSubnet({ miners: most });
  const rows: Row[] = [];
  for (const workers of options.workers) {
    rows.push(await runWith(workers));
  }
  const [one, ...others] = rows;
  const efficiencies = others.map(
    (row) => row.jobsPerMinute / ((one?.jobsPerMinute ?? 0) * (row.workers / (one?.workers ?? 1))),
  );
  for (const [index, { workers }] of others.entries()) {
    const efficiency = efficiencies[index] ?? 0;
    const isHeld = efficiency >= bar;
    console.log(
      `${isHeld ? "ok  " : "MISS"} ${workers} workers: ${efficiency.toFixed(3)} of linear (>= ${bar})`,
    );
  }
  return efficiencies.every((efficiency) => efficiency >= bar);

  /** The jobs wait in the queue when the workers begin. */
  async function runWith(count: number): Promise<Row> {
    await using pool = createWorkerPool(subnet.nats.url);
    const workers = Array.from({ length: count }, (_, n) =>
      pool.start({
        ...{ workerId: `simulated-${count}-${n + 1}`, waitsForGo: true, coldStartMs: 0 },
        scoringMs: options.scoringMs,
      }),
    );
    await Promise.all(workers.map(({ ready }) => ready));
    const jobs = count * options.jobsOfWorker;
    const mined = Array.from({ length: jobs }, (_, miner) =>
      subnet.mine(miner, randomAsset(splats)),
    );
    while (((await subnet.lags()).get("workers-synthetic") ?? 0) < jobs) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const look = () => ({
      nats: usageOf(subnet.nats.pid()),
      coordinator: usageOf(subnet.coordinator.pid),
      workers: workers.map(({ pid }) => usageOf(pid)),
    });
    const before = look();
    for (const worker of workers) {
      worker.go();
    }
    const outcomes = await Promise.all(mined);
    const after = look();
    const wrong = outcomes.filter(({ outcome }) => outcome !== "accepted");
    if (wrong.length > 0 || pool.done.length !== jobs) {
      throw new Error(
        `${pool.done.length} of ${jobs} jobs done; ${wrong.length} ended otherwise: ${wrong[0]?.outcome}`,
      );
    }
    const firstTaken = Math.min(...pool.takenAt.values());
    const elapsedMs = Math.max(...pool.done.map(({ settledAt }) => settledAt)) - firstTaken;
    const jobsPerMinute = (jobs * 60_000) / elapsedMs;
    const gaps = workers.flatMap(({ workerId }) => {
      const own = pool.done.filter((job) => job.workerId === workerId);
      return own.slice(1).map(({ beganAt }, index) => beganAt - (own[index]?.scoredAt ?? 0));
    });
    const scoring = pool.done.reduce((sum, job) => sum + job.scoredAt - job.beganAt, 0);
    const perJob = (ms: number): string => (ms / jobs).toFixed(1);
    const ofWorkers = after.workers.reduce(
      (sum, usage, index) => sum + cpuMsBetween(before.workers[index] ?? usage, usage),
      0,
    );
    console.log(
      `${count} workers: ${jobs} jobs, ${jobsPerMinute.toFixed(1)} a minute; scoring ${((100 * scoring) / elapsedMs / count).toFixed(1)} % of the time; ` +
        `from one job's score to the next one's rendering: median ${quantile(gaps, 0.5).toFixed(1)} ms, p99 ${quantile(gaps, 0.99).toFixed(1)}; ` +
        `processor time a job: NATS ${perJob(cpuMsBetween(before.nats, after.nats))} ms, ` +
        `coordinator ${perJob(cpuMsBetween(before.coordinator, after.coordinator))}, worker ${perJob(ofWorkers)}; ` +
        `load ${loadavg()[0]?.toFixed(1)}`,
    );
    for (const worker of workers) {
      worker.drain();
    }
    await Promise.all(workers.map(({ ended }) => ended));
    return { workers: count, jobsPerMinute };
  }
}
