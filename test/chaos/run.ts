/** One run: some seconds of work while faults go on, then peace, and a look at what became of all that was acknowledged. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { checkStore } from "@turntable/coordinator/internal";
import { ruleSets } from "@turntable/coordinator/rules";
import { ask, mine, noPromises } from "../crash/actors.ts";
import { verifyApi, verifyStore } from "../crash/verify.ts";
import { createSteppedClock, findFaketime, type SteppedClock } from "../harness/faketime.ts";
import { mountDisk } from "../harness/small-disk.ts";
import { createAssets } from "./assets.ts";
import { type Fault, type FaultName, inflict, scheduleOf } from "./faults.ts";
import { openNetwork } from "./network.ts";
import { watchSilences } from "./silences.ts";
import { memberNames, type Subnet, startSubnet } from "./subnet.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** How long work goes on, in ms. */
  readonly workMs: number;
  readonly miners: number;
  readonly kinds: readonly FaultName[];
  /** For logs and data; kept. */
  readonly directory: string;
  /** Whether the process has namespaces of its own. */
  readonly isIsolated: boolean;
  /** Folder of the project that programs start from, before an update brings them to this one. */
  readonly olderCheckout: string | undefined;
  /** Instead of those that follow from the seed. */
  readonly schedule?: readonly Fault[];
}

export interface ChaosRun {
  readonly seed: number;
  /** When each fault began and was over. */
  readonly log: readonly string[];
  /** What is not as it was promised; empty when all is well. */
  readonly wrong: readonly string[];
  /** Submissions that miners were told were taken. */
  readonly acknowledged: number;
  /** Verdicts by their kind. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Of those that ended as a fault of ours, how many only the machine's load explains. */
  readonly byLoad: number;
  /** From the last fault's end until every submission had its verdict, in ms. */
  readonly recoveryMs: number;
  /** Processes that ended by themselves. */
  readonly ends: readonly string[];
  readonly wallMs: number;
}

/** How long everything may take to come right once nothing is wrong any more, in ms. */
const patienceMs = 120_000;
const diskMebibytes = 64;

const thisCheckout = resolve(import.meta.dirname, "../..");

export async function runChaos(options: ChaosOptions): Promise<ChaosRun> {
  const startedAt = performance.now();
  await ready();
  await using stack = new AsyncDisposableStack();
  const { seed, workMs, directory, kinds } = options;
  const log: string[] = [];
  const schedule = options.schedule ?? scheduleOf(seed, workMs, kinds);
  await mkdir(directory, { recursive: true });
  const network = openNetwork(memberNames, options.isIsolated);
  const disks = new Map(
    memberNames.map((name) => {
      const disk = options.isIsolated ? mountDisk(diskMebibytes) : undefined;
      if (disk !== undefined) {
        stack.use(disk);
      }
      return [name, disk?.path ?? join(directory, `${name}-data`)];
    }),
  );
  const diskOf = (member: string): string => disks.get(member) ?? directory;
  const clocks = await clocksFor(schedule, directory);
  const keys = Array.from({ length: options.miners }, (_, n) => keypairFromUri(`//Chaos${n}`));
  const silences = stack.use(watchSilences());
  const isUpdated = schedule.some(({ kind }) => kind === "update");
  const subnet = stack.use(
    await startSubnet({
      ...{ network, directory, miners: keys },
      dataOf: diskOf,
      envOf: (member) => clocks.get(member)?.env ?? {},
      checkout: isUpdated ? options.olderCheckout : undefined,
      onLine: silences.read,
    }),
  );

  const promises = noPromises();
  const stopLoad = new AbortController();
  const gone = new AbortController();
  const { nextAsset, scoreOf } = createAssets(seed);
  const { target, validator } = subnet;
  const asking = ask(subnet.grpcAddress, promises, stopLoad.signal);
  const mining = keys.map((key) =>
    mine(key, { target, validator, asset: nextAsset }, promises, stopLoad.signal, gone.signal),
  );
  const troubles: string[] = [];
  const load = Promise.all([
    asking,
    ...mining.map((work) => work.catch((error: unknown) => troubles.push(String(error)))),
  ]);
  const ground = {
    ...{ subnet, network, diskOf, clockOf: (member: string) => clocks.get(member) },
    newerCheckout: isUpdated && options.olderCheckout !== undefined ? thisCheckout : undefined,
  };
  const beganAt = performance.now();
  const elapsed = (): string => ((performance.now() - beganAt) / 1000).toFixed(1);
  await Promise.all([
    sleep(workMs),
    inflict(ground, schedule, (fault, what) => {
      log.push(`${elapsed()} s: ${fault.kind} ${fault.target} ${what}`);
      silences.note(fault, what);
    }),
  ]);
  const healedAt = performance.now();
  stopLoad.abort();
  const isDrained = await within(patienceMs, load);
  const recoveryMs = performance.now() - healedAt;
  gone.abort();
  const wrong = [...troubles];
  if (!isDrained) {
    wrong.push(`not every submission had its verdict ${patienceMs / 1000} s after the last fault`);
  }
  wrong.push(...(await untilReady(subnet)));
  wrong.push(...(await verifyApi(subnet.grpcAddress, promises)));
  for (const program of [...subnet.workers, subnet.coordinator]) {
    const status = await program.stop();
    if (status !== 0) {
      wrong.push(`${program.name} was stopped in order and ended with ${status}`);
    }
  }
  const verdicts: Record<string, number> = {};
  for (const { verdict } of promises.told) {
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  }
  let byLoad = 0;
  wrong.push(
    ...verifyStore(subnet.dataDir, promises, {
      taken: subnet.taken,
      scoreOf: ({ asset_sha256 }) => scoreOf(asset_sha256),
      unexplained(id) {
        const found = silences.explain(id);
        byLoad += found === "load" ? 1 : 0;
        return typeof found === "string" ? undefined : found.why;
      },
    }),
  );
  const check = await checkStore(subnet.dataDir, {
    deep: true,
    windowMs: ruleSets.local.windowMs,
    now: Date.now(),
  });
  for (const { name, wrong: count, faults } of check.results.filter(({ wrong }) => wrong > 0)) {
    wrong.push(`the store: ${name}: ${count}, ${faults.join("; ")}`);
  }
  return {
    ...{ seed, wrong, verdicts, recoveryMs, ends: subnet.ends },
    ...{ log, byLoad },
    acknowledged: promises.taken.length,
    wallMs: performance.now() - startedAt,
  };
}

/** Those whose clock steps have one of their own; the library costs something. */
async function clocksFor(
  schedule: readonly Fault[],
  directory: string,
): Promise<ReadonlyMap<string, SteppedClock>> {
  const stepped = schedule.filter(({ kind }) => kind === "clock-step").map(({ target }) => target);
  const faketime = stepped.length > 0 ? await findFaketime() : undefined;
  return new Map(
    faketime === undefined
      ? []
      : stepped.map((name) => [
          name,
          createSteppedClock(faketime, join(directory, `${name}.time`)),
        ]),
  );
}

async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const isDone = await Promise.race([
    work.then(() => true),
    sleep(ms, false, { signal: over.signal }),
  ]);
  over.abort();
  return isDone;
}

/** Gives what is still wrong when patience ends: every program runs, and the coordinator calls itself ready. */
async function untilReady({ coordinator, workers, httpUrl }: Subnet): Promise<readonly string[]> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const away = [coordinator, ...workers].filter((program) => !program.isReady());
    const readiness =
      away.length > 0
        ? `${away.map(({ name }) => name).join(", ")} not up`
        : await fetch(`${httpUrl}/readyz`).then(
            async (answer) => (answer.ok ? undefined : await answer.text()),
            (error: unknown) => String(error),
          );
    if (readiness === undefined) {
      return [];
    }
    if (performance.now() > until) {
      return [`not ready again: ${readiness}`];
    }
    await sleep(100);
  }
}
