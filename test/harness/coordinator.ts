/** A coordinator in this process with real sockets, its queue in the test's hands. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalChain, type LocalChain } from "@turntable/bittensor/chain";
import { createDendrite, type Dendrite } from "@turntable/bittensor/dendrite";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { pullTask, signSubmission, submitResults } from "@turntable/bittensor/synapse";
import type { JobSource } from "@turntable/bus";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { createTurntableClient, type TurntableClient } from "@turntable/client";
import {
  type Coordinator,
  type CoordinatorOptions,
  startCoordinator,
} from "@turntable/coordinator";
import { ruleSets } from "@turntable/coordinator/rules";
import { createLogger } from "@turntable/process";

export const netuid = 17;

export interface TestSubnet extends AsyncDisposable {
  readonly coordinator: Coordinator;
  /** The coordinator's. */
  readonly dataDir: string;
  readonly validator: Keypair;
  readonly chain: LocalChain;
  readonly client: TurntableClient;
  /** The worker's side of the queue. */
  readonly source: JobSource;
  /** A dendrite of a registered miner. */
  readonly miner: Dendrite;
  readonly minerKey: Keypair;
  readonly target: { readonly ip: string; readonly port: number; readonly hotkey: string };
  /** The same coordinator again, on the same data and with a new queue, as after a crash. */
  restart(): Promise<TestSubnet>;
}

export async function startTestSubnet(
  change: Partial<CoordinatorOptions> = {},
  dataDir?: string,
): Promise<TestSubnet> {
  await ready();
  await using stack = new AsyncDisposableStack();
  const directory = dataDir ?? (await mkdtemp(join(tmpdir(), "turntable-coordinator-")));
  if (dataDir === undefined) {
    stack.defer(() => rm(directory, { recursive: true }));
  }
  const validator = keypairFromUri("//Alice");
  const minerKey = keypairFromUri("//Bob");
  const chain = stack.use(createLocalChain({ blockMs: 1000, subnets: [{ netuid }] }));
  for (const { ss58 } of [validator, minerKey]) {
    chain.register({ netuid, hotkey: ss58 });
  }
  const { queue, source } = createInProcessQueue({ ackWaitMs: 2_000 });
  const coordinator = stack.use(
    await startCoordinator({
      hotkey: validator,
      chain,
      netuid,
      queue,
      dataDir: directory,
      rules: ruleSets.local,
      prompts: undefined,
      consentText: undefined,
      grpc: { host: "127.0.0.1", port: 0, keys: undefined },
      axon: { host: "127.0.0.1", port: 0 },
      http: { host: "127.0.0.1", port: 0 },
      limits: { promptChars: 1024, openTasks: 100, submissionBytes: 128 << 20 },
      logger: createLogger("test", "silent"),
      ...change,
    }),
  );
  const miner = stack.use(createDendrite({ hotkey: minerKey }));
  const client = stack.use(createTurntableClient({ address: `127.0.0.1:${coordinator.grpcPort}` }));
  const running = stack.move();
  return {
    coordinator,
    dataDir: directory,
    validator,
    chain,
    client,
    source: source(),
    miner,
    minerKey,
    target: { ip: "127.0.0.1", port: coordinator.axonPort, hotkey: validator.ss58 },
    restart: () => startTestSubnet(change, directory),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

let lastNs = 0n;

/** Fields of SubmitResults for bytes that the miner made, signed as of 2024. */
export function signedResults(
  { minerKey, validator }: Pick<TestSubnet, "minerKey" | "validator">,
  task: { readonly id: string; readonly prompt: string },
  bytes: Uint8Array,
) {
  const now = BigInt(Date.now()) * 1_000_000n;
  lastNs = now > lastNs ? now : lastNs + 1n;
  const facts = { submitTime: lastNs, prompt: task.prompt, validatorHotkey: validator.ss58 };
  return {
    task_id: task.id,
    results: Buffer.from(bytes).toString("base64"),
    data_format: "ply",
    compression: 0,
    submit_time: lastNs,
    signature: signSubmission(minerKey, facts),
  };
}

let made = 0;

/** One task from its client to the answer that the registered miner has for its submission. */
export async function submitTask(
  subnet: TestSubnet,
  bytes: Uint8Array = Buffer.from(`asset ${++made}`),
) {
  const { client, miner, target } = subnet;
  const { id } = await client.create("a red cube");
  const pulled = await miner.call(pullTask, { target, body: {} });
  const task = (pulled.kind === "ok" && pulled.fields.task) || assert.fail(pulled.message ?? "");
  const body = signedResults(subnet, task, bytes);
  return { id, outcome: await miner.call(submitResults, { target, body }) };
}

/** The same, with a verdict. */
export async function oneTask(subnet: TestSubnet, bytes?: Uint8Array) {
  const { id, outcome } = await submitTask(subnet, bytes);
  const feedback =
    (outcome.kind === "ok" && outcome.fields.feedback) || assert.fail(outcome.message ?? "");
  return { id, feedback };
}
