/**
 * Two coordinators of one hotkey over one NATS, under load. In each run the one that leads is killed, stopped and woken
 * again, or asked to go; then the time until somebody is answered again is taken. At the end everything that was
 * acknowledged is compared with the state of who leads.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createTurntableClient } from "@turntable/client";
import { ask, mine, noPromises, type Promises, scoreOf, work } from "../crash/actors.ts";
import { verifyApi, verifyStore } from "../crash/verify.ts";
import { freePort } from "../harness/free-port.ts";
import { startNatsCluster, startNatsServer } from "../harness/nats-server.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";
import { randomOf } from "../harness/random.ts";
import { startSwitch } from "../harness/switch.ts";

/** How the one that leads is lost: killed; stopped and woken once another leads; asked to go. */
export const losses = ["kill", "freeze", "stop"] as const;
export type Loss = (typeof losses)[number];

export interface Failover {
  readonly loss: Loss;
  /** From the loss until the other one was ready, by its own log, and until a client was answered, in ms. */
  readonly readyMs: number;
  readonly answeredMs: number;
}

export interface FailoverRun {
  /** What is not as it was promised; empty when all is well. */
  readonly wrong: readonly string[];
  readonly failovers: readonly Failover[];
  readonly created: number;
  readonly told: number;
}

export interface FailoverOptions {
  readonly runs: number;
  readonly seed: number;
  readonly miners: number;
  readonly natsServers: 1 | 3;
  readonly leaseMs: number;
  /** In turn; drawn by the seed when absent. */
  readonly losses?: readonly Loss[];
  readonly onFailover: (failover: Failover) => void;
}

/** Load before a loss, at least and at most; ms. */
const shortestMs = 500;
const longestMs = 3_000;
const askEveryMs = 50;
/** What the woken one is asked beside the switch, at one time. */
const temptations = 4;

interface Coordinator {
  readonly name: string;
  readonly process: RunningProcess;
  readonly ports: { readonly grpc: number; readonly axon: number };
  readonly http: string;
}

export async function runFailovers(options: FailoverOptions): Promise<FailoverRun> {
  await ready();
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "turntable-failover-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const urls =
    options.natsServers === 1
      ? [stack.use(await startNatsServer()).url]
      : stack.use(await startNatsCluster(options.natsServers)).servers.map(({ url }) => url);
  const validator = keypairFromUri("//Alice");
  const keys = Array.from({ length: options.miners }, (_, n) => keypairFromUri(`//Crash${n}`));
  const gate = stack.use(await startSwitch(["grpc", "axon"]));

  const start = async (name: string): Promise<Coordinator> => {
    const [grpc, axon, http] = await Promise.all([freePort(), freePort(), freePort()]);
    const process = stack.use(
      startProcess("turntable-coordinator", [
        ...["--hotkey-uri", "//Alice", "--rules", "local", "--data-dir", join(directory, name)],
        ...["--api-enabled", "--standby-enabled", "--standby-name", name],
        ...["--standby-lease-ms", String(options.leaseMs)],
        // Results that the lost one had taken come again after it.
        ...["--nats-ack-wait-ms", String(options.leaseMs)],
        ...keys.flatMap(({ ss58 }) => ["--chain-register", ss58]),
        ...["--nats-servers", urls.join(","), "--nats-replicas", String(options.natsServers)],
        ...["--http-port", String(http), "--grpc-port", String(grpc), "--axon-port", String(axon)],
      ]),
    );
    return { name, process, ports: { grpc, axon }, http: `127.0.0.1:${http}` };
  };
  const logged = ({ process }: Coordinator, msg: string) =>
    process.logged((line) => line.msg === msg);

  let leader = await start("a");
  await logged(leader, "ready");
  let other = await start("b");
  await logged(other, "standing by");
  gate.set([leader, other]);

  const address = `127.0.0.1:${gate.ports.grpc}`;
  const target = { ip: "127.0.0.1", port: gate.ports.axon ?? 0, hotkey: validator.ss58 };
  const promises = noPromises();
  const stopLoad = new AbortController();
  const stopWork = new AbortController();
  const load = Promise.all([
    ...Array.from({ length: 2 }, () => ask(address, promises, stopLoad.signal)),
    ...keys.map((key) => mine(key, { target, validator }, promises, stopLoad.signal)),
  ]);
  const working = work(urls, promises, stopWork.signal);
  const failed = Promise.race([load, working]).then(() => undefined);
  failed.catch(() => undefined); // told at the next loss

  const random = randomOf(options.seed);
  const failovers: Failover[] = [];
  const wrong: string[] = [];
  for (let run = 0; run < options.runs; run++) {
    const drawn = random();
    const loss = options.losses?.[run % options.losses.length] ?? lossOf(drawn);
    await Promise.race([sleep(shortestMs + random() * (longestMs - shortestMs)), failed]);
    const at = performance.now();
    const lost = leader;
    const ended = lose(lost.process, loss);
    const isAnswered = answered(address, promises);
    await logged(other, "ready");
    const readyMs = performance.now() - at;
    await Promise.race([isAnswered, failed]);
    const failover = { loss, readyMs, answeredMs: performance.now() - at };
    failovers.push(failover);
    options.onFailover(failover);
    if (loss === "freeze") {
      wrong.push(...(await wake(lost)));
    }
    await ended;
    leader = other;
    other = await start(lost.name);
    await logged(other, "standing by");
    gate.set([leader, other]);
  }
  stopLoad.abort();
  await load;
  wrong.push(...(await verifyApi(address, promises)));
  await hasAllAssets(leader);
  await leader.process.stop();
  stopWork.abort();
  await working;
  // Of what was taken it is told by the answers alone: a log line may be of something that nobody was told.
  const expected = { taken: new Set<string>(), scoreOf: ({ id }: { id: string }) => scoreOf(id) };
  wrong.push(...verifyStore(join(directory, leader.name), promises, expected));
  return { wrong, failovers, created: promises.created.length, told: promises.told.length };
}

function lossOf(drawn: number): Loss {
  return drawn < 0.6 ? "kill" : drawn < 0.85 ? "freeze" : "stop";
}

/** Resolves when the process has ended; at once for one that is only frozen. */
async function lose(process: RunningProcess, loss: Loss): Promise<void> {
  if (loss === "kill") {
    await process.kill9();
  } else if (loss === "stop") {
    await process.stop();
  } else {
    process.signal("SIGSTOP");
  }
}

/** Resolves when a task that was asked for after the call was acknowledged. */
async function answered(address: string, promises: Promises): Promise<void> {
  const until = new AbortController();
  const made = noPromises();
  const asking = ask(address, made, until.signal);
  while (made.created.length === 0) {
    await sleep(askEveryMs);
  }
  until.abort();
  await asking;
  promises.created.push(...made.created);
  promises.cancelled.push(...made.cancelled);
  promises.asked += made.asked;
}

/** Wakes one that was frozen, while it is asked for tasks beside the switch. @returns what it acknowledged */
async function wake({ process, ports }: Coordinator): Promise<string[]> {
  const made = noPromises();
  const until = new AbortController();
  const address = `127.0.0.1:${ports.grpc}`;
  using client = createTurntableClient({ address });
  // Some that wait in its sockets when it wakes, and then more.
  const early = Array.from({ length: temptations }, () =>
    client.create("a red cube", { timeoutMs: 5_000 }).then(
      ({ id }) => id,
      () => undefined,
    ),
  );
  const asking = Array.from({ length: temptations }, () => ask(address, made, until.signal));
  await sleep(askEveryMs);
  process.signal("SIGCONT");
  await process.ended;
  until.abort();
  await Promise.all(asking);
  const told = [...(await Promise.all(early)), ...made.created.map(({ id }) => id)];
  return told.flatMap((id) =>
    id === undefined ? [] : [`task ${id} was acknowledged by one that did not lead any more`],
  );
}

/** Waits until the one that leads has fetched what it keeps. */
async function hasAllAssets({ http }: Coordinator): Promise<void> {
  for (;;) {
    const text = await (await fetch(`http://${http}/metrics`)).text();
    if (/^turntable_standby_missing_assets(\{[^}]*\})? 0$/m.test(text)) {
      return;
    }
    await sleep(askEveryMs);
  }
}
