/**
 * A miner that is killed at random moments, between validators and a generator that live on: every task that was lent
 * has to be submitted before its deadline, and never with two contents.
 *
 * `node workers/miner/test/kill.ts [ROUNDS] [SEED]`
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { AxonError, createNonceMemory, route, startAxon } from "@turntable/bittensor/axon";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import type { KillOrder } from "./kill-process.ts";
import { feedback, smallPly } from "./subnet.ts";

export interface KillReport {
  readonly kills: number;
  /** In which state of a task the miner was killed, as the parts that lived on saw it. */
  readonly killedWhile: Readonly<Record<string, number>>;
  readonly tasks: number;
  readonly submissions: number;
  /** Tasks that were submitted more than once, each time with the same content. */
  readonly repeated: number;
  /** What must not happen, one line each. */
  readonly faults: readonly string[];
}

interface Lent {
  readonly id: string;
  readonly deadline: number;
  readonly contents: Set<string>;
  submissions: number;
  answered: boolean;
  generated: boolean;
}

const processFile = new URL("kill-process.ts", import.meta.url).pathname;
const validatorUris = ["//Bob", "//Charlie", "//Dave"];
const deadlineMs = 240_000;
/** The longest wait between what the others saw first of a process and its death, and for a verdict, in ms. */
const longestLifeMs = 1_200;

export async function killMiner(rounds: number, seed: number): Promise<KillReport> {
  await ready();
  await using stack = new AsyncDisposableStack();
  const random = createRandom(seed);
  const dataDir = await mkdtemp(join(tmpdir(), "miner-kill-"));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const lent = new Map<string, Lent>();
  const faults: string[] = [];
  let seen = Promise.withResolvers<void>();
  let generating = 0;

  const openValidator = async (uri: string) => {
    const hotkey = keypairFromUri(uri);
    let current: Lent | undefined;
    const axon = await startAxon({
      ...{ hotkey, host: "127.0.0.1", port: 0, nonces: createNonceMemory() },
      routes: [
        route(pullTask, {
          handle() {
            seen.resolve();
            // As validators do: who has a task gets it again.
            if (current === undefined || current.answered) {
              current = {
                ...{ id: `${uri}-${lent.size}`, deadline: Date.now() + deadlineMs },
                ...{ contents: new Set(), submissions: 0, answered: false, generated: false },
              };
              lent.set(current.id, current);
            }
            const { id, deadline } = current;
            const task = { type: "text", id, prompt: `a cube for ${id}` };
            return { task, submit_before: Math.floor(deadline / 1000) };
          },
        }),
        route(submitResults, {
          async handle({ fields }) {
            const task = lent.get(fields.task_id ?? "");
            if (task === undefined) {
              faults.push(`a task that was never lent: ${fields.task_id}`);
              throw new AxonError(404, "unknown");
            }
            task.submissions++;
            task.contents.add(`${fields.results} ${fields.submit_time} ${fields.signature}`);
            if (fields.results === "") {
              faults.push(`${task.id} was given back`);
            }
            if (Date.now() > task.deadline) {
              faults.push(`${task.id} came too late`);
            }
            // A verdict takes its time; some never come, as from a validator that fails.
            await wait(Math.floor(random() * longestLifeMs));
            if (random() < 0.2) {
              throw new AxonError(503, "not now");
            }
            if (random() < 0.1) {
              return { feedback: null };
            }
            task.answered = true;
            return { feedback, cooldown_until: Math.ceil(Date.now() / 1000) + 1 };
          },
        }),
      ],
    });
    stack.use(axon);
    return { ip: "127.0.0.1", port: axon.port, hotkey: hotkey.ss58 };
  };
  const validators = await Promise.all(validatorUris.map(openValidator));

  let made = 0;
  const generator = createServer(async (request, response) => {
    generating++;
    response.once("close", () => generating--);
    const body = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    await wait(Math.floor(random() * 150));
    // Another asset each time: a task that is generated twice and submitted twice would show.
    response.end(smallPly(8 + (made++ % 500)));
    const task = lent.get((body.get("prompt") ?? "").replace("a cube for ", ""));
    if (task !== undefined) {
      task.generated = true;
    }
  }).listen(0, "127.0.0.1");
  await once(generator, "listening");
  stack.defer(() => {
    generator.closeAllConnections();
    generator.close();
  });
  const { port } = generator.address() as AddressInfo; // it listens on a port

  const order: KillOrder = { dataDir, generateUrl: `http://127.0.0.1:${port}`, validators };
  let child: ChildProcess | undefined;
  stack.defer(() => void child?.kill("SIGKILL"));
  const killedWhile: Record<string, number> = {};
  const open = (): readonly Lent[] => [...lent.values()].filter((task) => !task.answered);
  for (let round = 0; round <= rounds; round++) {
    seen = Promise.withResolvers();
    child = spawn(process.execPath, [processFile, JSON.stringify(order)], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const ended = once(child, "exit");
    if (round < rounds) {
      // A process that has only unfinished tasks asks nobody: it gets its time all the same.
      await Promise.race([seen.promise, wait(5_000)]);
      await wait(Math.floor(random() * longestLifeMs));
      const state =
        generating > 0
          ? "generating"
          : open().some((task) => task.submissions > 0)
            ? "sent"
            : open().some((task) => task.generated)
              ? "generated"
              : "asking";
      killedWhile[state] = (killedWhile[state] ?? 0) + 1;
    } else {
      const until = Date.now() + deadlineMs;
      while (open().length > 0 && Date.now() < until) {
        await wait(20);
      }
    }
    child.kill("SIGKILL");
    await ended;
  }

  // The last process has stopped in the middle of new tasks; those are nobody's fault.
  for (const task of lent.values()) {
    if (task.contents.size > 1) {
      faults.push(`${task.id} was submitted with ${task.contents.size} contents`);
    }
    if (!task.answered && task.deadline < Date.now()) {
      faults.push(`${task.id} was never submitted`);
    }
  }
  const all = [...lent.values()];
  return {
    ...{ kills: rounds, killedWhile, tasks: all.length, faults },
    submissions: all.reduce((sum, task) => sum + task.submissions, 0),
    repeated: all.filter((task) => task.submissions > 1).length,
  };
}

/** Numbers of [0, 1) that a seed decides: mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (import.meta.main) {
  const [rounds = "20", seed = "1"] = process.argv.slice(2);
  const report = await killMiner(Number(rounds), Number(seed));
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  process.exitCode = report.faults.length === 0 ? 0 : 1;
}
