/**
 * `npm run test:soak -- --hours 2`: a load that stays the same (`--per-hour` submissions, if the machine can) and no faults,
 * while memory, open files and disk of every process are looked at; fails when one of them grows, or when a submission did
 * not get its one verdict. SIGINT ends it sooner, and what there is by then is judged.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { z } from "zod";
import { ask, mine, noPromises } from "../crash/actors.ts";
import { createAssets } from "./assets.ts";
import { openNetwork } from "./network.ts";
import { plot, type Series, slopePerHour } from "./slopes.ts";
import { memberNames, natsNames, startSubnet } from "./subnet.ts";

const { values } = parseArgs({
  options: {
    hours: { type: "string", default: "2" },
    miners: { type: "string", default: "2" },
    "per-hour": { type: "string", default: "1800" },
    every: { type: "string", default: "15" },
    plot: { type: "string" },
  },
});
const mebibyte = 1024 ** 2;
/** What may be added in an hour: noise of the garbage collector and of the allocator, no leak that would matter. */
const limits = {
  memoryMebibytes: 12,
  files: 2,
  diskMebibytes: 4,
  databaseBytesOfVerdict: 1024,
} as const;
/** Everything that has ended is removed so soon that the disk is full-grown while the soak is young; days. */
const keepDays = "0.002";
const progressEveryMs = 60_000;

await ready();
await using stack = new AsyncDisposableStack();
const directory = await mkdtemp(join(tmpdir(), "turntable-soak-"));
stack.defer(() => rm(directory, { recursive: true, force: true }));
const enough = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => enough.abort());
}
const keys = Array.from({ length: Number(values.miners) }, (_, n) => keypairFromUri(`//Soak${n}`));
const dataOf = (member: string): string => join(directory, `${member}-data`);
const subnet = stack.use(
  await startSubnet({
    network: openNetwork(memberNames, false),
    ...{ directory, dataOf, miners: keys, checkout: undefined },
    envOf: () => ({}),
    flags: [
      ...["result", "other-asset", "organic-task", "synthetic-task"].flatMap((kind) => [
        `--retention-${kind}-days`,
        keepDays,
      ]),
    ],
  }),
);
const databaseFile = join(subnet.dataDir, "coordinator.sqlite");
const promises = noPromises();
const { target, validator } = subnet;
const { nextAsset } = createAssets(1);
const everyMs = (keys.length * 3_600_000) / Number(values["per-hour"]);
const load = Promise.all([
  ask(subnet.grpcAddress, promises, enough.signal, everyMs / keys.length),
  ...keys.map((key) =>
    mine(key, { target, validator, asset: nextAsset, everyMs }, promises, enough.signal),
  ),
]);
load.catch(() => enough.abort()); // told below

const startedAt = performance.now();
const hoursNow = (): number => (performance.now() - startedAt) / 3_600_000;
const series = new Map<string, Series & { readonly points: { hours: number; value: number }[] }>();
const add = (name: string, unit: string, limitPerHour: number, value: number): void => {
  const known = series.get(name) ?? { name, unit, limitPerHour, points: [] };
  known.points.push({ hours: hoursNow(), value });
  series.set(name, known);
};
let saidAt = -progressEveryMs;
while (!enough.signal.aborted && hoursNow() < Number(values.hours)) {
  for (const { name, pid } of [...subnet.nats, ...subnet.workers, subnet.coordinator]) {
    add(`${name} memory`, "MiB", limits.memoryMebibytes, residentMebibytes(pid()));
    add(`${name} open files`, "", limits.files, readdirSync(`/proc/${pid()}/fd`).length);
  }
  for (const name of natsNames) {
    add(`${name} store`, "MiB", limits.diskMebibytes, mebibytesIn(dataOf(name)));
  }
  add("assets", "MiB", limits.diskMebibytes, mebibytesIn(join(subnet.dataDir, "assets")));
  add("verdicts", "", Number.POSITIVE_INFINITY, promises.told.length);
  const perHour = slopePerHour(series.get("verdicts")?.points ?? []);
  const growth = (limits.databaseBytesOfVerdict * perHour) / mebibyte;
  add("database", "MiB", growth, databaseMebibytes());
  if (performance.now() - saidAt >= progressEveryMs) {
    saidAt = performance.now();
    const now = [...series.values()].filter(({ name }) =>
      /coordinator|w1|n1|assets|database/.test(name),
    );
    const words = now.map(({ name, unit, points }) =>
      `${name} ${points.at(-1)?.value.toFixed(0)} ${unit}`.trim(),
    );
    console.log(
      `${hoursNow().toFixed(2)} h: ${promises.told.length} verdicts; ${words.join(", ")}`,
    );
  }
  await sleep(Number(values.every) * 1000, undefined, { signal: enough.signal }).catch(
    () => undefined,
  );
}
const hours = hoursNow();
enough.abort();
const wrong = await load.then(
  () => [] as string[],
  (error: unknown) => [String(error)],
);
await subnet.coordinator.stop();
wrong.push(...subnet.ends.map((end) => `${end} ended by itself`), ...verify());

const databaseLimit = (limits.databaseBytesOfVerdict * (promises.told.length / hours)) / mebibyte;
const all = [...series.values()].map((one) =>
  one.name === "database" ? { ...one, limitPerHour: databaseLimit } : one,
);
for (const { name, unit, points, limitPerHour } of all) {
  const slope = slopePerHour(points);
  const grows = slope > limitPerHour;
  const [first, last] = [points[0]?.value ?? 0, points.at(-1)?.value ?? 0];
  console.log(
    `${grows ? "GROWS" : "ok   "} ${name}: ${first.toFixed(1)} to ${last.toFixed(1)} ${unit}, ${slope.toFixed(2)} an hour (at most ${limitPerHour.toFixed(1)})`,
  );
  if (grows) {
    wrong.push(`${name} grows`);
  }
}
if (values.plot !== undefined) {
  await writeFile(
    values.plot,
    plot(all, `${hours.toFixed(2)} hours, ${promises.told.length} verdicts`),
  );
}
console.log(
  `${hours.toFixed(2)} hours: ${promises.taken.length} submissions acknowledged, ${promises.told.length} verdicts`,
);
for (const problem of wrong) {
  console.error(problem);
}
process.exitCode = wrong.length > 0 ? 1 : 0;

function residentMebibytes(pid: number): number {
  const [, kibibytes = "0"] =
    /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) / 1024;
}

/** What the files of a folder take, whatever is removed meanwhile. */
function mebibytesIn(folder: string): number {
  const { stdout } = spawnSync("du", ["--bytes", "--summarize", folder], { encoding: "utf8" });
  return Number.parseInt(stdout, 10) / mebibyte;
}

/** The database with its log. */
function databaseMebibytes(): number {
  const sizes = ["", "-wal", "-shm"].map(
    (suffix) => statSync(`${databaseFile}${suffix}`, { throwIfNoEntry: false })?.size ?? 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0) / mebibyte;
}

/**
 * Of what has not been removed yet: one verdict for each submission, but for a fault of ours, which a score that comes
 * after all overrules. And each miner was told one for each of its own.
 */
function verify(): readonly string[] {
  using database = new DatabaseSync(databaseFile);
  const row = z.object({ open: z.number(), doubles: z.number() });
  const { open, doubles } = row.parse(
    database
      .prepare(
        `SELECT (SELECT count(*) FROM submissions WHERE verdict IS NULL) AS open,
         (SELECT count(*) FROM (SELECT 1 FROM verdicts
          WHERE assignment_id IS NOT NULL AND verdict <> 'system-fault' GROUP BY assignment_id HAVING count(*) > 1)) AS doubles`,
      )
      .get(),
  );
  const { told, taken } = promises;
  const verdictsOf = new Map<string, number>();
  for (const { taskId, hotkey } of told) {
    const key = `${taskId} ${hotkey}`;
    verdictsOf.set(key, (verdictsOf.get(key) ?? 0) + 1);
  }
  // A miner is lent a task again after a fault of ours.
  const wrong = [...Map.groupBy(taken, ({ taskId, hotkey }) => `${taskId} ${hotkey}`)].flatMap(
    ([key, each]) => (verdictsOf.get(key) === each.length ? [] : key),
  );
  return [
    ...(open === 0 ? [] : [`${open} submissions have no verdict`]),
    ...(doubles === 0 ? [] : [`${doubles} submissions have more than one verdict`]),
    ...(wrong.length === 0 && told.length === taken.length
      ? []
      : [`${taken.length} taken, ${told.length} verdicts told; not one each: ${wrong.join("; ")}`]),
  ];
}
