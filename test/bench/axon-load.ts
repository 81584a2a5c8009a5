/**
 * A whole coordinator with 256 miners, each of which pulls a task and submits 1 MB once a minute, scoring simulated:
 * against a bare node:http server that answers the same calls with one sr25519 verification each, and against the same
 * coordinator while 50 web pages watch it. All in processes of their own, in turns; miners come from addresses of their
 * own, on new connections, as Python's do after a minute.
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { createLocalChain } from "@turntable/bittensor/chain";
import { type Keypair, keypairFromUri, ready, verifySignature } from "@turntable/bittensor/keys";
import { openRaw } from "@turntable/bittensor/test";
import { ruleSets } from "@turntable/coordinator/rules";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { netuid, startTestSubnet } from "../harness/coordinator.ts";
import { loopbackOf, pullOver, submitOver } from "./mine.ts";

const miners = 256;
const minuteMs = 60_000;
const assetBytes = 1_000_000;
const scoringMs = 1_000;
/** Web pages that watch the one coordinator. */
export const openPages = 50;
/** Turns of each server; a miner comes in one of them. */
const turns = 2;
const validatorUri = "//Alice";
const task = { type: "text", id: "2f6b0c0e-7f6d-4a0b-9d33-0c7a3c0a6c11", prompt: "a red cube" };

export interface LoadMeasured {
  /** PullTask of all miners, ms. */
  readonly pullP50Ms: number;
  readonly pullP99Ms: number;
  /** From the submission to the verdict, scoring included, ms. */
  readonly submitP99Ms: number;
  /** Answers that were not what a working miner gets, by what they were. */
  readonly wrong: Readonly<Record<string, number>>;
}

interface Served {
  readonly child: ChildProcess;
  readonly port: number;
  /** Of a coordinator. */
  readonly httpPort: number | undefined;
}

const [role] = process.argv.slice(2);
if (role === "coordinator") {
  await serveCoordinator();
} else if (role === "bare") {
  await serveBare();
}

type Kind = "axon" | "bare" | "pages";

export async function measureLoad(): Promise<Record<Kind, LoadMeasured>> {
  await ready();
  const keys = Array.from({ length: miners }, (_, index) => keypairFromUri(`//Miner${index}`));
  const servers = {
    axon: await start("coordinator"),
    bare: await start("bare"),
    pages: await start("coordinator"),
  };
  const url = `http://127.0.0.1:${servers.pages.httpPort}`;
  const pages = fork(new URL("open-pages.ts", import.meta.url), [url, String(openPages)]);
  await once(pages, "message");
  const taken = { axon: newTally(), bare: newTally(), pages: newTally() };
  try {
    for (let turn = 0; turn < turns; turn++) {
      for (const name of ["axon", "bare", "pages"] as const) {
        const of = keys.filter((_, index) => index % turns === turn);
        await play(servers[name].port, of, taken[name]);
      }
    }
  } finally {
    for (const child of [pages, ...Object.values(servers).map((server) => server.child)]) {
      child.kill("SIGKILL");
    }
  }
  return {
    axon: summary(taken.axon),
    bare: summary(taken.bare),
    pages: summary(taken.pages),
  };
}

interface Tally {
  readonly pullMs: number[];
  readonly submitMs: number[];
  readonly wrong: Map<string, number>;
}

function newTally(): Tally {
  return { pullMs: [], submitMs: [], wrong: new Map() };
}

/** Each miner once, evenly over its share of a minute. */
async function play(port: number, keys: readonly Keypair[], tally: Tally): Promise<void> {
  const everyMs = minuteMs / miners;
  const startedAt = performance.now();
  const running: Promise<void>[] = [];
  for (const [index, key] of keys.entries()) {
    await setTimeout(Math.max(0, startedAt + index * everyMs - performance.now()));
    running.push(
      mine(port, key, loopbackOf(index), tally).catch((error: unknown) =>
        count(tally, String(error)),
      ),
    );
  }
  await Promise.all(running);
}

async function mine(port: number, caller: Keypair, from: string, tally: Tally): Promise<void> {
  const axonHotkey = keypairFromUri(validatorUri).ss58;
  const connecting = performance.now();
  await using connection = await openRaw(port, from);
  const connectMs = performance.now() - connecting;
  const pulled = await pullOver(connection, { caller, axonHotkey });
  tally.pullMs.push(connectMs + pulled.ms);
  if (pulled.task === undefined) {
    count(tally, `PullTask ${pulled.wrong}`);
    return;
  }
  const asset = randomBytes(assetBytes);
  const submitted = await submitOver(connection, { caller, axonHotkey, task: pulled.task, asset });
  tally.submitMs.push(submitted.ms);
  if (submitted.verdict !== "accepted") {
    count(tally, `SubmitResults ${submitted.verdict ?? submitted.wrong}`);
  }
}

function count({ wrong }: Tally, what: string): void {
  wrong.set(what, (wrong.get(what) ?? 0) + 1);
}

function summary({ pullMs, submitMs, wrong }: Tally): LoadMeasured {
  return {
    pullP50Ms: quantile(pullMs, 0.5),
    pullP99Ms: quantile(pullMs, 0.99),
    submitP99Ms: quantile(submitMs, 0.99),
    wrong: Object.fromEntries(wrong),
  };
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
}

async function start(kind: "coordinator" | "bare"): Promise<Served> {
  const child = fork(new URL(import.meta.url), [kind]);
  const [{ port, httpPort }] = await once(child, "message");
  return { child, port, httpPort };
}

async function serveCoordinator(): Promise<void> {
  await ready();
  const chain = createLocalChain({ blockMs: 1000, subnets: [{ netuid }] });
  const uris = [validatorUri, ...Array.from({ length: miners - 1 }, (_, n) => `//Miner${n}`)];
  for (const uri of [...uris, `//Miner${miners - 1}`]) {
    chain.register({ netuid, hotkey: keypairFromUri(uri).ss58 });
  }
  const subnet = await startTestSubnet({
    ...{ chain, rules: ruleSets.seed, prompts: { list: ["a red cube", "a blue ball"] } },
    page: { folder: "none", path: "/", showClientTasks: true },
  });
  const { source, coordinator } = subnet;
  process.send?.({ port: coordinator.axonPort, httpPort: coordinator.httpPort });
  for (;;) {
    const taken = await source.take(new AbortController().signal);
    if (taken === undefined) {
      return;
    }
    void setTimeout(scoringMs).then(() => {
      const { jobId, submissionId } = taken.job;
      const outcome = { case: "scored" as const, value: create(ScoreReportSchema, { score: 0.9 }) };
      return taken.complete(create(RenderScoreResultSchema, { jobId, submissionId, outcome }));
    });
  }
}

async function serveBare(): Promise<void> {
  await ready();
  const pullAnswer = JSON.stringify({ task, padding: "x".repeat(1_000) });
  const submitAnswer = JSON.stringify({ feedback: { verdict: "accepted" } });
  const server = createServer(async (req, res) => {
    const of = (name: string): string => String(req.headers[name] ?? "");
    const message = [
      ...["bt_header_dendrite_nonce", "bt_header_dendrite_hotkey", "bt_header_axon_hotkey"],
      ...["bt_header_dendrite_uuid", "computed_body_hash"],
    ]
      .map(of)
      .join(".");
    const signature = Buffer.from(of("bt_header_dendrite_signature").slice(2), "hex");
    const isValid = verifySignature(message, signature, of("bt_header_dendrite_hotkey"));
    const chunks: Buffer[] = [];
    for await (const chunk of req) {
      chunks.push(chunk);
    }
    const isPull = req.url === "/PullTask";
    if (!isPull) {
      await setTimeout(scoringMs);
    }
    const answer = isPull ? pullAnswer : submitAnswer;
    res.writeHead(isValid ? 200 : 401, {
      "content-type": "application/json",
      "content-length": String(answer.length),
    });
    res.end(answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address: AddressInfo | string | null = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : 0 });
}
