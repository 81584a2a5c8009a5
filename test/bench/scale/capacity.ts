/**
 * What one coordinator carries: miners' submissions at a rate that grows until the slowest hundredth waits twice as long
 * for its verdict as at the lowest; workers answer at once. Then what each submission took of whom, and left on the disk.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { startFleet } from "./fleet.ts";
import { quantile } from "./numbers.ts";
import { type Mined, startSubnet } from "./subnet.ts";
import { cpuMsBetween, threadsBetween, usageOf } from "./usage.ts";

export interface CapacityOptions {
  /** Submissions a second, one step after the other; the first is what the others are compared with. */
  readonly rates: readonly number[];
  readonly secondsEach: number;
  readonly assetBytes: number;
  /** Where the data directories are made. */
  readonly folder: string | undefined;
}

const miners = 512;
const workers = 4;
/** Of the lowest rate's p99. */
const slower = 2;
const mostSyncs = 50;

export async function measureCapacity(options: CapacityOptions): Promise<void> {
  const { folder = tmpdir(), assetBytes } = options;
  console.log(`one write of 4 KiB synced to disk: median ${syncMs(folder).toFixed(1)} ms`);
  await using subnet = await startSubnet({ miners, folder });
  await using _fleet = await startFleet(subnet.nats, workers);
  let next = 0;
  const submit = () => subnet.mine(next++, randomBytes(assetBytes));
  await Promise.all(Array.from({ length: 20 }, submit)); // warm
  let lowest: number | undefined;
  for (const rate of options.rates) {
    const { p99, wrong } = await step(rate);
    lowest ??= p99;
    if (p99 > slower * lowest || wrong > 0) {
      console.log(
        `at ${rate} a second the p99 is ${(p99 / lowest).toFixed(1)} times that of the lowest rate`,
      );
      break;
    }
  }
  const files = await leftOnDisk();
  const each = (bytes: number): string => (bytes / next / 1000).toFixed(2);
  console.log(
    `left by ${next} submissions of ${(assetBytes / 1000).toFixed(0)} kB: database ${(files.database / 1e6).toFixed(2)} MB, ${each(files.database)} kB each; assets ${each(files.assets)} kB each; NATS ${(files.nats / 1e6).toFixed(1)} MB in all`,
  );

  async function step(rate: number): Promise<{ readonly p99: number; readonly wrong: number }> {
    const count = Math.max(rate * options.secondsEach, 40);
    const look = () => ({
      coordinator: usageOf(subnet.coordinator.pid),
      nats: usageOf(subnet.nats.pid()),
      own: process.cpuUsage(),
      at: performance.now(),
    });
    const before = look();
    const running: Promise<Mined>[] = [];
    for (let n = 0; n < count; n++) {
      await setTimeout(Math.max(0, before.at + (n * 1000) / rate - performance.now()));
      running.push(submit());
    }
    const mined = await Promise.all(running);
    const after = look();
    const seconds = (after.at - before.at) / 1000;
    const own = process.cpuUsage(before.own);
    const wrong = mined.filter(({ outcome }) => outcome !== "accepted");
    const verdicts = mined.flatMap(({ verdictMs = [] }) => verdictMs);
    const pulls = mined.map(({ pullMs }) => pullMs);
    const p99 = quantile(verdicts, 0.99);
    const each = (ms: number): string => (ms / count).toFixed(1);
    const threads = threadsBetween(before.coordinator, after.coordinator)
      .filter(([, ms]) => ms / count >= 0.5)
      .map(([name, ms]) => `${name} ${each(ms)}`);
    console.log(
      `${rate} a second (${(count / seconds).toFixed(1)} came through): submission to verdict p50 ${quantile(verdicts, 0.5).toFixed(0)} ms, p99 ${p99.toFixed(0)}; PullTask p50 ${quantile(pulls, 0.5).toFixed(0)}, p99 ${quantile(pulls, 0.99).toFixed(0)}; ` +
        `processor time of each: coordinator ${each(cpuMsBetween(before.coordinator, after.coordinator))} ms (${threads.join(", ")}), NATS ${each(cpuMsBetween(before.nats, after.nats))}, who submits ${each((own.user + own.system) / 1000)}; ` +
        `coordinator ${(after.coordinator.rssBytes / 1e6).toFixed(0)} MB; load ${loadavg()[0]?.toFixed(1)}`,
    );
    for (const { outcome } of wrong.slice(0, 3)) {
      console.log(`  ${wrong.length} not accepted: ${outcome}`);
    }
    return { p99, wrong: wrong.length };
  }

  /** With the coordinator stopped, so that its database is one file. */
  async function leftOnDisk() {
    await subnet.coordinator.stop();
    return {
      database: statSync(join(subnet.dataDir, "coordinator.sqlite")).size,
      assets: sizeOf(join(subnet.dataDir, "assets")),
      nats: sizeOf(join(subnet.dataDir, "../nats")),
    };
  }
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

function syncMs(folder: string): number {
  const directory = mkdtempSync(join(folder, "turntable-sync-"));
  const file = openSync(join(directory, "file"), "w");
  const times: number[] = [];
  for (let n = 0; n < mostSyncs; n++) {
    const since = performance.now();
    writeSync(file, Buffer.alloc(4096));
    fdatasyncSync(file);
    times.push(performance.now() - since);
  }
  closeSync(file);
  rmSync(directory, { recursive: true });
  return quantile(times, 0.5);
}
