/**
 * What the overview of the web page costs a coordinator with 256 miners, a full window of results and 500 open tasks: its
 * processor time while 0, 1 and 50 pages watch, in turns. `npm run bench:page`; exits with 1 above the bar.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { ruleSets } from "@turntable/coordinator/rules";
import { netuid, startTestSubnet } from "../harness/coordinator.ts";
import { median } from "./cost.ts";
import { writeHistory } from "./history-data.ts";

/** Of a core, for one page that watches. */
const mostShare = 0.05;
const pages = [0, 1, 50];
const rounds = 3;
const roundMs = 15_000;
const miners = 256;
const openTasks = 500;
/** A window of the subnet's rules at a task a minute of each miner. */
const historyTasks = 130_000;

await ready();
const [role, directory = ""] = process.argv.slice(2);
if (role === "coordinator") {
  await serve(directory);
} else {
  await main();
}

async function start(dataDir: string) {
  const chain = createLocalChain({ blockMs: 1_000, subnets: [{ netuid }] });
  for (const uri of ["//Alice", ...Array.from({ length: miners }, (_, n) => `//Miner${n}`)]) {
    chain.register({ netuid, hotkey: keypairFromUri(uri).ss58 });
  }
  return await startTestSubnet(
    {
      ...{ chain, rules: { ...ruleSets.seed, taskTimeoutMs: 3_600_000 } },
      page: { folder: "none", path: "/", showClientTasks: true },
      limits: { promptChars: 1024, openTasks: 2 * openTasks, submissionBytes: 1 << 20 },
    },
    dataDir,
  );
}

async function serve(dataDir: string): Promise<void> {
  const { coordinator, client } = await start(dataDir);
  for (let i = 0; i < openTasks; i++) {
    await client.create("a red cube");
  }
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.((user + system) / 1000);
  });
  process.send?.(coordinator.httpPort);
}

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "turntable-page-"));
  try {
    const empty = await start(dataDir);
    await empty[Symbol.asyncDispose]();
    const hotkeys = Array.from({ length: miners }, (_, n) => keypairFromUri(`//Miner${n}`).ss58);
    writeHistory(dataDir, historyTasks, hotkeys);
    await using coordinator = await open(import.meta.filename, ["coordinator", dataDir]);
    const url = `http://127.0.0.1:${coordinator.first}`;
    const shares = new Map<number, number[]>(pages.map((count) => [count, []]));
    for (let round = 0; round < rounds; round++) {
      for (const count of pages) {
        shares.get(count)?.push(await shareWith(count, coordinator.child, url));
      }
    }
    report(shares);
  } finally {
    rmSync(dataDir, { recursive: true });
  }
}

/** The coordinator's processor time while so many pages watch, of a core. */
async function shareWith(count: number, coordinator: ChildProcess, url: string): Promise<number> {
  await using watching =
    count === 0
      ? undefined
      : await open(join(import.meta.dirname, "open-pages.ts"), [url, String(count)]);
  const cpuMs = async (): Promise<number> => Number(await ask(coordinator));
  const before = await cpuMs();
  if (watching !== undefined) {
    await ask(watching.child);
  }
  const startedAt = performance.now();
  await setTimeout(roundMs);
  const share = ((await cpuMs()) - before) / (performance.now() - startedAt);
  if (watching !== undefined) {
    const told = Object(await ask(watching.child));
    const each = (told.messages / count / (roundMs / 1000)).toFixed(2);
    const perMessage = Math.round(told.bytes / Math.max(1, told.messages));
    console.log(`${count} pages: ${each} messages a second each, of ${perMessage} bytes`);
  }
  return share;
}

function report(shares: ReadonlyMap<number, readonly number[]>): void {
  const of = (count: number): number => median(shares.get(count) ?? []);
  const idle = of(0);
  for (const count of pages) {
    console.log(`${count} pages: ${(100 * of(count)).toFixed(1)} % of a core`);
  }
  const one = of(1) - idle;
  console.log(
    `one page costs ${(100 * one).toFixed(1)} % of a core (at most ${100 * mostShare}), 50 cost ${(100 * (of(50) - idle)).toFixed(1)} %`,
  );
  if (one > mostShare) {
    process.exitCode = 1;
  }
}

async function ask(child: ChildProcess): Promise<unknown> {
  child.send("tell");
  const [told] = await once(child, "message");
  return told;
}

/** Another process that has said that it is there. */
async function open(file: string, argv: readonly string[]) {
  const child = fork(file, argv);
  const [first] = await once(child, "message");
  return {
    ...{ child, first },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
