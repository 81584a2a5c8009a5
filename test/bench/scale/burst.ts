/**
 * A thousand jobs at once, and then some now and then, for a pool that KEDA's formula makes larger and smaller: over the
 * real lag of the consumers, with the numbers of our ScaledObject. Workers are processes that need a while to start and
 * are drained by SIGTERM; every clock of the cluster runs `speed` times as fast.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createAutoscaler, readScaling, syncPeriodS } from "../../k8s/autoscaler.ts";
import { plotBurst, type Sample } from "./burst-plot.ts";
import { quantile } from "./numbers.ts";
import { type Mined, randomAsset, startSubnet } from "./subnet.ts";
import { createWorkerPool, type SimulatedWorker } from "./worker-pool.ts";

export interface BurstOptions {
  readonly jobs: number;
  /** More than these are not started, whatever the ScaledObject allows. */
  readonly mostWorkers: number;
  /** Seconds of the cluster in one of this machine's. */
  readonly speed: number;
  /** Seconds of the cluster that a job, and a worker's start, take. */
  readonly scoringS: number;
  readonly coldStartS: number;
  readonly svg: string;
}

const scaledObject = new URL("../../../k8s/components/keda/scaled-object.yaml", import.meta.url);
const splats = 500;
/** After the burst, so that workers are drained that have a job; seconds of the cluster. */
const laterJobEveryS = 8;
const sampleEveryMs = 500;
const mostPulls = 10;

interface PoolMember {
  readonly worker: SimulatedWorker;
  isReady: boolean;
}

/** @returns whether every job had its verdict */
export async function measureBurst(options: BurstOptions): Promise<boolean> {
  const { speed } = options;
  const scaling = readScaling(readFileSync(scaledObject, "utf8"));
  const autoscaler = createAutoscaler({
    ...scaling,
    max: Math.min(scaling.max, options.mostWorkers),
  });
  await using subnet = await startSubnet({ miners: options.jobs });
  await using pool = createWorkerPool(subnet.nats.url);
  const members: PoolMember[] = [];
  const ends: Promise<number | null>[] = [];
  let started = 0;
  const start = (coldStartMs: number): void => {
    const worker = pool.start({
      ...{ workerId: `simulated-${++started}`, waitsForGo: false, coldStartMs },
      scoringMs: (1000 * options.scoringS) / speed,
    });
    const member = { worker, isReady: false };
    void worker.ready.then(() => {
      member.isReady = true;
    });
    members.push(member);
    ends.push(worker.ended);
  };
  /** As a ReplicaSet does: first who is not ready, then who came last. */
  const drainOne = (): void => {
    const index = members.findLastIndex(({ isReady }) => !isReady);
    const [leaving] = members.splice(index === -1 ? members.length - 1 : index, 1);
    leaving?.worker.drain();
  };
  let wanted = scaling.min;
  for (let n = 0; n < scaling.min; n++) {
    start(0);
  }
  await Promise.all(members.map(({ worker }) => worker.ready));

  const startedAt = performance.now();
  const nowS = (): number => ((performance.now() - startedAt) / 1000) * speed;
  const samples: Sample[] = [];
  const mined: Promise<Mined>[] = [];
  let refused = 0;
  /** A request that came too late to be looked at, among a thousand others, is sent again, as miners do. */
  const mine = async (miner: number): Promise<Mined> => {
    const asset = randomAsset(splats);
    for (let tries = 1; ; tries++) {
      const outcome = await subnet.mine(miner, asset);
      if (outcome.verdictMs !== undefined || tries === mostPulls) {
        return outcome;
      }
      refused += 1;
    }
  };
  for (let miner = 0; miner < options.jobs; miner++) {
    mined.push(mine(miner));
  }
  const burst = Promise.all(mined);
  let burstEndS = Number.POSITIVE_INFINITY;
  let mostBehind = 0;
  burst.then(
    () => {
      burstEndS = nowS();
    },
    () => undefined, // told below
  );
  let nextLookS = syncPeriodS;
  let nextJobS = Number.POSITIVE_INFINITY;
  for (;;) {
    const lags = await subnet.lags();
    const lag = [...lags.values()].reduce((sum, one) => sum + one, 0);
    mostBehind = Math.max(mostBehind, lag);
    if (nowS() >= nextLookS) {
      nextLookS += syncPeriodS;
      wanted = autoscaler.replicas(nowS(), lags, wanted);
      while (members.length < wanted) {
        start((1000 * options.coldStartS) / speed);
      }
      while (members.length > wanted) {
        drainOne();
      }
    }
    samples.push({
      ...{ s: nowS(), lag, wanted },
      ready: members.filter(({ isReady }) => isReady).length,
    });
    const isOver = Number.isFinite(burstEndS);
    if (isOver && wanted === scaling.min) {
      break;
    }
    nextJobS = isOver ? Math.min(nextJobS, nowS()) : nextJobS;
    for (; nextJobS <= nowS(); nextJobS += laterJobEveryS) {
      mined.push(mine(mined.length));
    }
    await setTimeout(sampleEveryMs);
  }
  const all = await Promise.all(mined);
  await setTimeout(sampleEveryMs);
  for (const { worker } of members) {
    worker.drain();
  }
  const statuses = await Promise.all(ends);
  return report();

  function report(): boolean {
    const wrong = all.filter(({ outcome }) => outcome !== "accepted");
    const waits = all.flatMap(({ verdictMs = 0 }) => (verdictMs / 1000) * speed);
    const most = Math.max(...samples.map(({ wanted: count }) => count));
    const crashed = statuses.filter((status) => status !== 0).length;
    console.log(
      `${options.jobs} jobs at once and ${all.length - options.jobs} later: ${all.length - wrong.length} accepted, ${wrong.length} not; up to ${mostBehind} waited; ${refused} pulls were sent again`,
    );
    console.log(
      `workers: up to ${most}, ${started} started in all, ${started - crashed} ended with status 0; the burst's last verdict after ${burstEndS.toFixed(0)} s, the pool small again after ${nowS().toFixed(0)} s (of the cluster; ${speed} of them are one of ours)`,
    );
    console.log(
      `from submission to verdict: median ${quantile(waits, 0.5).toFixed(0)} s, p95 ${quantile(waits, 0.95).toFixed(0)}, longest ${Math.max(...waits).toFixed(0)}; load ${loadavg()[0]?.toFixed(1)}`,
    );
    for (const { outcome } of wrong.slice(0, 5)) {
      console.log(`MISS ${outcome}`);
    }
    const title = `${options.jobs} jobs of ${options.scoringS} s, a pool of 1 to ${Math.min(scaling.max, options.mostWorkers)} workers that start in ${options.coldStartS} s, by KEDA's formula`;
    mkdirSync(dirname(options.svg), { recursive: true });
    writeFileSync(options.svg, plotBurst(samples, waits.slice(0, options.jobs), title));
    console.log(`picture: ${options.svg}`);
    const isHeld = wrong.length === 0 && crashed === 0;
    console.log(`${isHeld ? "ok  " : "MISS"} no job lost`);
    return isHeld;
  }
}
