/** What a miner deals with, for the tests of this package: real axons and real HTTP generators, on loopback. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type AxonCall, createNonceMemory, route, startAxon } from "@turntable/bittensor/axon";
import type { AxonTarget } from "@turntable/bittensor/dendrite";
import { keypairFromUri } from "@turntable/bittensor/keys";
import { type InputOf, pullTask, submitResults } from "@turntable/bittensor/synapse";
import { createLogger } from "@turntable/process";
import { type Splat, writePly } from "@turntable/splat";
import { type Miner, type MinerOptions, startMiner } from "../src/miner.ts";
import type { Timing } from "../src/timing.ts";

export type Submitted = AxonCall<typeof submitResults>["fields"];
type Answer<T> = T | Promise<T>;

export interface Validator {
  readonly target: AxonTarget;
  /** When it was asked for tasks, by the miner's clock. */
  readonly pulls: readonly number[];
  readonly submissions: readonly Submitted[];
}

export interface ValidatorRules {
  readonly pull: () => Answer<InputOf<typeof pullTask>>;
  readonly submit?: (fields: Submitted) => Answer<InputOf<typeof submitResults>>;
}

export const feedback = {
  validation_failed: false,
  task_fidelity_score: 1,
  average_fidelity_score: 1,
  generations_within_8_hours: 1,
  generations_within_the_window: 1,
  current_duel_rating: 0,
  current_miner_reward: 1,
  verdict: undefined,
  reason: undefined,
};

export const task = { type: "text", id: "task-1", prompt: "a räd cube" };

let tasks = 1;

/** A task of its own each time, as validators give them. */
export function nextTask() {
  return { ...task, id: `task-${++tasks}` };
}

/** Unix seconds; a cooldown until then ends the matter. */
export const farAhead = 4_000_000_000;

export async function startValidator(
  t: TestContext,
  rules: ValidatorRules,
  clock: { readonly now: () => number },
  uri = "//Bob",
): Promise<Validator> {
  const hotkey = keypairFromUri(uri);
  const pulls: number[] = [];
  const submissions: Submitted[] = [];
  const axon = await startAxon({
    hotkey,
    host: "127.0.0.1",
    port: 0,
    nonces: createNonceMemory(),
    routes: [
      route(pullTask, {
        handle() {
          pulls.push(clock.now());
          return rules.pull();
        },
      }),
      route(submitResults, {
        handle({ fields }) {
          submissions.push(fields);
          return rules.submit?.(fields) ?? { feedback, cooldown_until: farAhead };
        },
      }),
    ],
  });
  t.after(() => axon[Symbol.asyncDispose]());
  const target = { ip: "127.0.0.1", port: axon.port, hotkey: hotkey.ss58 };
  return { target, pulls, submissions };
}

export interface Generator {
  readonly url: string;
  readonly prompts: readonly (string | null)[];
  readonly seeds: readonly (string | null)[];
}

/** Answers with what `answer` says for a prompt; without, it never answers. */
export async function startGenerator(
  t: TestContext,
  answer: (
    prompt: string,
    response: ServerResponse,
    request: IncomingMessage,
  ) => Answer<Uint8Array | undefined>,
): Promise<Generator> {
  const prompts: (string | null)[] = [];
  const seeds: (string | null)[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) {
      body += String(chunk);
    }
    const form = new URLSearchParams(body);
    const prompt = form.get("prompt");
    prompts.push(prompt);
    seeds.push(form.get("seed"));
    const bytes = await answer(prompt ?? "", response, request);
    if (bytes !== undefined) {
      response.end(Buffer.from(bytes).toString("base64"));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  return { url: `http://127.0.0.1:${port}`, prompts, seeds };
}

/**
 * A validation endpoint that answers with what `answer` says; undefined is a fault of its own.
 * @returns its URL
 */
export async function startScorer(
  t: TestContext,
  answer: (body: Readonly<Record<string, unknown>>) => number | undefined,
): Promise<string> {
  const server = createServer(async (request, response) => {
    const body: unknown = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const score = answer(Object(body));
    response.writeHead(score === undefined ? 500 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(score === undefined ? { error: "no model" } : { score }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // it listens on a port
  return `http://127.0.0.1:${port}`;
}

/** A clock on which no pause takes time. */
export function createClock(startAt = 1_700_000_000_000) {
  const pauses: number[] = [];
  let now = startAt;
  return {
    pauses: pauses as readonly number[],
    now: () => now,
    async sleep(delayMs: number, signal: AbortSignal) {
      await wait(5); // lets sockets have their turn: what is under way takes time of this clock, too
      signal.throwIfAborted();
      pauses.push(delayMs);
      now += delayMs;
    },
  } satisfies Timing & { readonly pauses: readonly number[] };
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface RunningMiner {
  readonly miner: Miner;
  readonly log: readonly LogLine[];
  /** Resolves with the first line that fits, also one of the past. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
}

export type MineOptions = Pick<MinerOptions, "validators"> &
  Partial<MinerOptions> & { readonly generateUrl: string | readonly string[] };

export async function mine(
  t: TestContext,
  { generateUrl, ...options }: MineOptions,
): Promise<RunningMiner> {
  const log: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  const logger = createLogger("miner", "info", {
    write(text) {
      const line: LogLine = JSON.parse(text);
      log.push(line);
      for (const look of waiting) {
        look(line);
      }
    },
  });
  const miner = await startMiner({
    ...{ hotkey: keypairFromUri("//Alice"), logger },
    endpoints: [generateUrl].flat().map((url) => ({ url })),
    ...options,
  });
  t.after(() => miner[Symbol.asyncDispose]());
  return {
    miner,
    log,
    logged: (fits) =>
      new Promise((resolve) => {
        const look = (line: LogLine) => {
          if (fits(line)) {
            resolve(line);
          }
        };
        waiting.add(look);
        log.forEach(look);
      }),
  };
}

/** The n-th line about a finished task, from 1. */
export function done(running: RunningMiner, n = 1): Promise<LogLine> {
  return running.logged(
    (line) =>
      line.msg === "task done" && running.log.filter((l) => l.msg === "task done").length >= n,
  );
}

/** A few splats, as PLY. */
export function smallPly(count = 8): Buffer {
  const column = (width: number, value = 0) => new Float32Array(count * width).fill(value);
  const positions = column(3).map((_, i) => i / 10);
  const rotations = column(4).map((_, i) => (i % 4 === 0 ? 1 : 0));
  const splat: Splat = {
    count,
    shDegree: 0,
    positions,
    scales: column(3, -4),
    rotations,
    opacities: column(1, 2),
    shDc: column(3, 0.5),
    shRest: column(0),
  };
  return Buffer.from(writePly(splat));
}
