/**
 * What watchers of the API cost: 1,000 that wait for nothing to happen, in memory; and 200 at one time while 50 tasks a
 * second are made, each watched to its end, in lost events (none) and memory. The coordinator is a process of its own, with
 * its database on the disk. Exits with 1 beyond a bar.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { startCoordinator } from "@turntable/coordinator";
import { ruleSets } from "@turntable/coordinator/rules";
import { createLogger } from "@turntable/process";
import { GenerationService } from "@turntable/proto";
import { createServiceClient } from "@turntable/proto/grpc";

/** What we hold ourselves to. */
const idleWatchers = 1_000;
const idleBarMb = 40;
const busyBarMb = 64;
/** Watches at one time are creates a second times the seconds that each task lives. */
const createsPerS = 50;
const taskLifeMs = 4_000;
const seconds = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 20);
const connections = 10;
const netuid = 17;
const mb = 1024 * 1024;

interface Memory {
  /** Of the process, after a collection, in bytes. */
  readonly rss: number;
  readonly heap: number;
}

async function serve(): Promise<void> {
  await ready();
  const dataDir = process.argv[3] ?? "";
  const hotkey = keypairFromUri("//Alice");
  const chain = createLocalChain({ blockMs: 1_000, subnets: [{ netuid }] });
  chain.register({ netuid, hotkey: hotkey.ss58 });
  const coordinator = await startCoordinator({
    ...{ hotkey, chain, netuid, dataDir, rules: ruleSets.seed },
    queue: createInProcessQueue().queue,
    ...{ prompts: undefined, consentText: undefined },
    grpc: { host: "127.0.0.1", port: 0, keys: undefined },
    axon: { host: "127.0.0.1", port: 0 },
    http: { host: "127.0.0.1", port: 0 },
    limits: { promptChars: 1024, openTasks: 5_000, submissionBytes: mb },
    logger: createLogger("bench", "silent"),
  });
  process.on("message", async (message) => {
    if (message === "memory") {
      globalThis.gc?.();
      await delay(200);
      globalThis.gc?.();
      const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
      process.send?.({ rss, heap: heapUsed + external + arrayBuffers });
    } else {
      await coordinator[Symbol.asyncDispose]();
      await chain[Symbol.asyncDispose]();
      process.disconnect();
    }
  });
  process.send?.(coordinator.grpcPort);
}

async function memoryOf(server: ChildProcess): Promise<Memory> {
  server.send("memory");
  const [memory] = await once(server, "message");
  return memory as Memory; // what `serve` answers
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "turntable-bench-api-"));
  stack.defer(() => rm(dataDir, { recursive: true }));
  const server = fork(process.argv[1] ?? "", ["serve", dataDir], { execArgv: ["--expose-gc"] });
  stack.defer(async () => {
    server.send("stop");
    await once(server, "exit");
  });
  const [port] = await once(server, "message");
  const clients = Array.from({ length: connections }, () => {
    // A channel of its own each: grpc-js shares connections between equal ones.
    const channel = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    stack.defer(() => channel.close());
    return createServiceClient(GenerationService, channel);
  });
  const clientOf = (index: number) => clients[index % connections] ?? fail("no client");
  const call = (signal?: AbortSignal) => ({ metadata: new Metadata(), signal });
  const create = async (index: number): Promise<string> => {
    const { task } = await clientOf(index).createTask({ prompt: `task ${index}` }, call());
    return task?.id ?? fail("no task");
  };

  // The first of everything makes what stays for good: statements, connections, compiled code.
  for (let index = 0; index < 100; index++) {
    const taskId = await create(index);
    await clientOf(index).cancelTask({ taskId }, call());
    for await (const _ of clientOf(index).watchTask({ taskId }, call())) {
    }
  }
  const ids = await Promise.all(Array.from({ length: 100 }, (_, index) => create(index)));
  const before = await memoryOf(server);
  const leaving = new AbortController();
  const begun: Promise<unknown>[] = [];
  const watches = Array.from({ length: idleWatchers }, async (_, index) => {
    const taskId = ids[index % ids.length] ?? "";
    const first = Promise.withResolvers<void>();
    begun.push(first.promise);
    for await (const _event of clientOf(index).watchTask({ taskId }, call(leaving.signal))) {
      first.resolve();
    }
  });
  await Promise.all(begun);
  const idle = await memoryOf(server);
  leaving.abort();
  await Promise.allSettled(watches);
  await Promise.all(ids.map((taskId) => clientOf(0).cancelTask({ taskId }, call())));

  const busyBefore = await memoryOf(server);
  const latencies: number[] = [];
  let open = 0;
  let mostOpen = 0;
  let lost = 0;
  const running: Promise<void>[] = [];
  const follow = async (index: number): Promise<void> => {
    const startedAt = performance.now();
    const taskId = await create(index);
    latencies.push(performance.now() - startedAt);
    mostOpen = Math.max(mostOpen, ++open);
    const ending = delay(taskLifeMs).then(() => clientOf(index).cancelTask({ taskId }, call()));
    const seen: string[] = [];
    for await (const { sequence, kind } of clientOf(index).watchTask({ taskId }, call())) {
      seen.push(`${sequence} ${kind}`);
    }
    await ending;
    open--;
    lost += seen.join() === "1 created,2 cancelled" ? 0 : 1;
  };
  const startedAt = performance.now();
  for (let index = 0; index < createsPerS * seconds; index++) {
    await delay(Math.max(0, startedAt + (index * 1_000) / createsPerS - performance.now()));
    running.push(follow(index));
  }
  const busy = await memoryOf(server);
  await Promise.all(running);
  const rate = running.length / ((performance.now() - startedAt - taskLifeMs) / 1_000);
  const after = await memoryOf(server);

  const at = (share: number): string =>
    (latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * share)] ?? 0).toFixed(1);
  const grown = (from: Memory, to: Memory): string =>
    `${((to.rss - from.rss) / mb).toFixed(1)} MB of the process, ${((to.heap - from.heap) / mb).toFixed(1)} MB of it in use`;
  console.log(`${idleWatchers} idle watchers: ${grown(before, idle)}; bar ${idleBarMb} MB`);
  console.log(
    `${running.length} tasks at ${rate.toFixed(1)} a second, up to ${mostOpen} watched at one time: ${lost} with lost events`,
  );
  console.log(`CreateTask: median ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  console.log(
    `memory meanwhile: ${grown(busyBefore, busy)}; afterwards ${grown(busyBefore, after)}; bar ${busyBarMb} MB`,
  );
  /** The process may have had room to spare, so what is in use counts as well. */
  const isWithin = (from: Memory, to: Memory, barMb: number): boolean =>
    Math.max(to.rss - from.rss, to.heap - from.heap) <= barMb * mb;
  const isHeld =
    isWithin(before, idle, idleBarMb) && isWithin(busyBefore, busy, busyBarMb) && lost === 0;
  console.log(isHeld ? "held" : "NOT HELD");
  process.exitCode = isHeld ? 0 : 1;
}

function fail(problem: string): never {
  throw new Error(problem);
}

await (process.argv[2] === "serve" ? serve() : main());
