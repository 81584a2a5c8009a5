/**
 * What a long history costs: PullTask and the way from submission to verdict at 1,000,000 tasks against 10,000, and
 * memory at 100,000 against 1,000. Each history belongs to a coordinator in a process of its own; they are asked in
 * turns. `npm run bench:history`; exits with 1 above the bars. `-- memory` makes and asks those two alone: a minute.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { createLocalChain } from "@turntable/bittensor/chain";
import { createDendrite, type Dendrite } from "@turntable/bittensor/dendrite";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import type { JobSource } from "@turntable/bus";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { startCoordinator } from "@turntable/coordinator";
import { ruleSets } from "@turntable/coordinator/rules";
import { createLogger } from "@turntable/process";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { netuid, signedResults } from "../harness/coordinator.ts";
import { writeHistory } from "./history-data.ts";

const mostSlowdown = 1.2;
const mostMemory = 1.5;
const rounds = 200;
const warmUpRounds = 30;
const validatorUri = "//Alice";
const minerUris = ["//Miner0", "//Miner1", "//Miner2", "//Miner3"];
/** As many miners as a subnet has; those that the bench plays are among them. */
const hotkeys = 256;

interface Running {
  readonly tasks: number;
  readonly child: ChildProcess;
  readonly port: number;
  readonly pullMs: number[];
  readonly verdictMs: number[];
}

const [role, dataDir = ""] = process.argv.slice(2);
const isMemoryAlone = role === "memory";
await ready();
if (role === "coordinator") {
  await serve(dataDir);
} else {
  await main();
}

async function open(directory: string) {
  const validator = keypairFromUri(validatorUri);
  const chain = createLocalChain({ blockMs: 1000, subnets: [{ netuid }] });
  for (const uri of [validatorUri, ...minerUris]) {
    chain.register({ netuid, hotkey: keypairFromUri(uri).ss58 });
  }
  const { queue, source } = createInProcessQueue();
  const limits = { promptChars: 1024, openTasks: 100, submissionBytes: 1 << 20 };
  const coordinator = await startCoordinator({
    ...{ hotkey: validator, chain, netuid, queue, dataDir: directory },
    rules: { ...ruleSets.seed, cooldownMs: 0 },
    prompts: { list: ["a red cube", "a blue ball"] },
    consentText: undefined,
    grpc: { host: "127.0.0.1", port: 0, keys: undefined },
    axon: { host: "127.0.0.1", port: 0 },
    http: { host: "127.0.0.1", port: 0 },
    limits,
    logger: createLogger("bench", "silent"),
  });
  return { coordinator, source: source() };
}

/** The coordinator on a history, with a worker that finds everything good at once. */
async function serve(directory: string): Promise<void> {
  const { coordinator, source } = await open(directory);
  process.on("message", () => {
    globalThis.gc?.();
    process.send?.(process.memoryUsage().rss);
  });
  process.send?.(coordinator.axonPort);
  await score(source);
}

async function score(source: JobSource): Promise<void> {
  for (;;) {
    const taken = await source.take(new AbortController().signal);
    if (taken === undefined) {
      return;
    }
    const { jobId, submissionId } = taken.job;
    const outcome = { case: "scored" as const, value: create(ScoreReportSchema, { score: 0.9 }) };
    await taken.complete(create(RenderScoreResultSchema, { jobId, submissionId, outcome }));
  }
}

async function start(folder: string, tasks: number): Promise<Running> {
  const directory = join(folder, String(tasks));
  const startedAt = performance.now();
  const miners = Array.from({ length: hotkeys }, (_, n) => keypairFromUri(`//Miner${n}`).ss58);
  await (await open(directory)).coordinator[Symbol.asyncDispose](); // makes the tables
  writeHistory(directory, tasks, miners);
  const mebibytes = statSync(join(directory, "coordinator.sqlite")).size / 1024 ** 2;
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${tasks} tasks: ${mebibytes.toFixed(0)} MiB, written in ${seconds.toFixed(0)} s`);
  const child = fork(new URL(import.meta.url), ["coordinator", directory], {
    execArgv: ["--expose-gc"],
  });
  const [port] = await once(child, "message");
  return { tasks, child, port: Number(port), pullMs: [], verdictMs: [] };
}

async function ask(
  running: Running,
  { dendrite, minerKey }: { readonly dendrite: Dendrite; readonly minerKey: Keypair },
): Promise<void> {
  const validator = keypairFromUri(validatorUri);
  const target = { ip: "127.0.0.1", port: running.port, hotkey: validator.ss58 };
  const startedAt = performance.now();
  const pulled = await dendrite.call(pullTask, { target, body: {} });
  const pulledAt = performance.now();
  if (pulled.kind !== "ok" || pulled.fields.task === null) {
    throw new Error(`no task: ${pulled.message}`);
  }
  const bytes = Buffer.from(pulled.fields.task.id);
  const body = signedResults({ minerKey, validator }, pulled.fields.task, bytes);
  const signedAt = performance.now();
  const answer = await dendrite.call(submitResults, { target, body });
  if (answer.kind !== "ok" || answer.fields.feedback?.verdict !== "accepted") {
    throw new Error(`no verdict: ${answer.message}`);
  }
  running.pullMs.push(pulledAt - startedAt);
  running.verdictMs.push(performance.now() - signedAt);
}

function median(values: readonly number[]): number {
  return (
    values.slice(warmUpRounds).toSorted((a, b) => a - b)[(values.length - warmUpRounds) >> 1] ?? 0
  );
}

async function memoryOf({ child }: Running): Promise<number> {
  child.send("memory");
  const [bytes] = await once(child, "message");
  return Number(bytes);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "turntable-history-"));
  const miners = minerUris.map((uri) => {
    const minerKey = keypairFromUri(uri);
    return { minerKey, dendrite: createDendrite({ hotkey: minerKey }) };
  });
  const all: Running[] = [];
  try {
    for (const tasks of isMemoryAlone ? [1_000, 100_000] : [1_000, 10_000, 100_000, 1_000_000]) {
      all.push(await start(folder, tasks));
    }
    for (let round = 0; round < rounds + warmUpRounds; round++) {
      const miner = miners[round % miners.length];
      for (const running of all) {
        if (miner !== undefined) {
          await ask(running, miner);
        }
      }
    }
    const rows: { tasks: number; pull: number; verdict: number; memory: number }[] = [];
    for (const running of all) {
      const memory = (await memoryOf(running)) / 1024 ** 2;
      const [pull, verdict] = [median(running.pullMs), median(running.verdictMs)];
      rows.push({ tasks: running.tasks, pull, verdict, memory });
      console.log(
        `${running.tasks} tasks: PullTask p50 ${pull.toFixed(1)} ms, submission to verdict p50 ${verdict.toFixed(1)} ms, ${memory.toFixed(0)} MiB`,
      );
    }
    const ratio = (what: "pull" | "verdict" | "memory", large: number, small: number): number =>
      (rows.find(({ tasks }) => tasks === large)?.[what] ?? 0) /
      (rows.find(({ tasks }) => tasks === small)?.[what] ?? 0);
    const memory = ratio("memory", 100_000, 1_000);
    console.log(`memory ${memory.toFixed(2)} times (at most ${mostMemory})`);
    if (memory > mostMemory) {
      process.exitCode = 1;
    }
    if (isMemoryAlone) {
      return;
    }
    const pull = ratio("pull", 1_000_000, 10_000);
    const verdict = ratio("verdict", 1_000_000, 10_000);
    console.log(
      `PullTask ${pull.toFixed(2)} times, submission to verdict ${verdict.toFixed(2)} times (at most ${mostSlowdown})`,
    );
    if (pull > mostSlowdown || verdict > mostSlowdown) {
      process.exitCode = 1;
    }
  } finally {
    for (const { child } of all) {
      child.kill("SIGKILL");
    }
    await Promise.all(miners.map(({ dendrite }) => dendrite[Symbol.asyncDispose]()));
    rmSync(folder, { recursive: true });
  }
}
