/**
 * Kills the coordinator again and again, at moments that follow from a seed, while miners, clients and a simulated
 * worker keep it busy; then compares everything that was acknowledged with its store and its API.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { startNatsServer } from "../harness/nats-server.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";
import { randomOf } from "../harness/random.ts";
import { ask, mine, noPromises, scoreOf, work } from "./actors.ts";
import { verifyApi, verifyStore } from "./verify.ts";

export interface CrashRun {
  /** What is not as it was promised; empty when all is well. */
  readonly wrong: readonly string[];
  readonly created: number;
  readonly told: number;
  readonly cancelled: number;
  readonly scored: number;
}

export interface CrashOptions {
  readonly kills: number;
  readonly seed: number;
  readonly miners: number;
  /** Told of each kill. */
  readonly onKill: (count: number, afterMs: number) => void;
}

/** A kill comes so long after the coordinator was ready at most, in ms. */
const longestLifeMs = 2_000;
/** One in so many kills comes while it starts. */
const startKills = 5;
/** A start takes about so long, in ms. */
const startMs = 1_500;

export async function runCrashes(options: CrashOptions): Promise<CrashRun> {
  await ready();
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "turntable-crash-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const nats = stack.use(await startNatsServer());
  const validator = keypairFromUri("//Alice");
  const keys = Array.from({ length: options.miners }, (_, n) => keypairFromUri(`//Crash${n}`));
  const dataDir = join(directory, "coordinator");
  const taken = new Set<string>();

  const start = (ports: { readonly grpc: string; readonly axon: string }): RunningProcess =>
    stack.use(
      startProcess("turntable-coordinator", [
        ...["--hotkey-uri", "//Alice", "--rules", "local", "--data-dir", dataDir],
        "--api-enabled",
        ...keys.flatMap(({ ss58 }) => ["--chain-register", ss58]),
        ...["--nats-servers", nats.url, "--http-port", "0"],
        ...["--grpc-port", ports.grpc, "--axon-port", ports.axon],
      ]),
    );
  const isReady = (line: { readonly msg: string }): boolean => line.msg === "ready";
  /** What an ended coordinator's log says was taken: it was told when it was on disk. */
  const collect = (coordinator: RunningProcess): void => {
    for (const [, id] of coordinator
      .output()
      .matchAll(/"job_id":"([^"]+)"[^\n]*"submission taken"/g)) {
      if (id !== undefined) {
        taken.add(id);
      }
    }
  };
  let coordinator = start({ grpc: "0", axon: "0" });
  const first = await coordinator.logged(isReady);
  const portOf = (address: unknown): string => String(address).split(":").at(-1) ?? "";
  const ports = { grpc: portOf(first.grpc), axon: portOf(first.axon) };
  const address = `127.0.0.1:${ports.grpc}`;
  const target = { ip: "127.0.0.1", port: Number(ports.axon), hotkey: validator.ss58 };

  const promises = noPromises();
  const stopLoad = new AbortController();
  const stopWork = new AbortController();
  const load = Promise.all([
    ...Array.from({ length: 2 }, () => ask(address, promises, stopLoad.signal)),
    ...keys.map((key) => mine(key, { target, validator }, promises, stopLoad.signal)),
  ]);
  const working = work([nats.url], promises, stopWork.signal);
  const failed = Promise.race([load, working]).then(() => undefined);
  failed.catch(() => undefined); // told at the next kill

  const random = randomOf(options.seed);
  for (let count = 1; count <= options.kills; count++) {
    const whileStarting = count > 1 && random() < 1 / startKills;
    const afterMs = Math.round(random() * (whileStarting ? startMs : longestLifeMs));
    if (!whileStarting) {
      await coordinator.logged(isReady);
    }
    await Promise.race([sleep(afterMs), failed]);
    await coordinator.kill9();
    collect(coordinator);
    options.onKill(count, afterMs);
    coordinator = start(ports);
  }
  await coordinator.logged(isReady);
  stopLoad.abort();
  await load;
  const wrong = await verifyApi(address, promises);
  await coordinator.stop();
  collect(coordinator);
  stopWork.abort();
  await working;
  wrong.push(...verifyStore(dataDir, promises, { taken, scoreOf: ({ id }) => scoreOf(id) }));
  return {
    wrong,
    created: promises.created.length,
    told: promises.told.length,
    cancelled: promises.cancelled.length,
    scored: promises.scored,
  };
}
