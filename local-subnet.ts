/**
 * The whole subnet in one process: coordinator, worker, generation endpoint, miners and a chain in memory.
 *
 * It runs one task, shows what happened, and stays up until it is told to stop.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { createLocalChain } from "@turntable/bittensor/chain";
import {
  createHotkeyFile,
  createMnemonic,
  isSs58,
  type Keypair,
  keypairFromUri,
  loadHotkey,
  ready,
} from "@turntable/bittensor/keys";
import type { JobQueue, JobSource } from "@turntable/bus";
import { createInProcessQueue } from "@turntable/bus/in-process";
import {
  connectJobQueue,
  connectJobSource,
  logNatsEvent,
  type NatsEvent,
} from "@turntable/bus/nats";
import {
  CallFailedError,
  createTurntableClient,
  type ScoreReport,
  type Task,
  type TurntableClient,
} from "@turntable/client";
import { startCoordinator } from "@turntable/coordinator";
import { createPrompts } from "@turntable/coordinator/prompts";
import { ruleSets } from "@turntable/coordinator/rules";
import { generate, startGenerationEndpoint } from "@turntable/generation";
import { formatScene } from "@turntable/generation/grammar";
import { startMiner } from "@turntable/miner";
import {
  createLogger,
  type Logger,
  logLevels,
  runMain,
  type StopControl,
} from "@turntable/process";
import { defaultAssetLimits, readAsset, writePly } from "@turntable/splat";
import {
  createScene,
  defaultModelDir,
  demonstrationNote,
  loadClip,
  loadProfile,
  orbitCamera,
  scoreAsset,
  startCpuRenderer,
  startWorker,
  writeContactSheet,
} from "@turntable/validation";
import { z } from "zod";
import { startLocalNode } from "./bittensor/src/chain/local-node/index.ts";

const netuid = 17;
const root = import.meta.dirname;
const loopback = "127.0.0.1";

const port = (meaning: string) =>
  z.number().int().min(0).max(65535).optional().describe(`${meaning}; a free one when absent`);

const schema = z.object({
  dir: z.string().default(".turntable").describe("folder for keys, data and pictures"),
  nats: z
    .string()
    .optional()
    .describe("a real NATS server, nats://host:port, instead of the queue in process"),
  validatorKey: z
    .string()
    .optional()
    .describe("a development key such as //Bob for the validator; otherwise a throw-away one"),
  register: z
    .array(z.string().refine(isSs58, "not an ss58 address"))
    .default([])
    .describe("ss58 of a hotkey to register, for a miner that runs elsewhere"),
  miners: z.number().int().min(0).max(16).default(1).describe("how many miners of its own"),
  axonPort: port("port of the axon (8091 if it is free)"),
  grpcPort: port("port of the API (50051 if it is free)"),
  httpPort: port("port of health and metrics (9090 if it is free)"),
  chainPort: z
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe("opens the chain in memory to others on this port, as a subtensor node's JSON-RPC"),
  model: z.string().default(defaultModelDir).describe("CLIP directory to score with"),
  prompt: z.string().default("a red cube").describe("what the first task asks for; empty: no task"),
  synthetic: z
    .boolean()
    .default(false)
    .describe("keep the miners busy with prompts of resources/prompts.txt"),
  log: z.object({
    level: z
      .enum(logLevels)
      .default("warn")
      .describe(`one of ${logLevels.join(", ")}`),
  }),
});
type Options = z.infer<typeof schema>;

await runMain({
  definition: {
    command: "npm start --",
    summary: "runs the whole subnet in one process, for laptops and demonstrations",
    schema,
  },
  argv: process.argv.slice(2),
  env: process.env,
  gracePeriodMs: () => 20_000,
  start: startSubnet,
});

async function startSubnet(
  options: Options,
  { signal, stop }: StopControl,
): Promise<AsyncDisposable> {
  await ready();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    if (signal.aborted) say("Everything has stopped."); // a start that failed says why by itself
  });
  // npm changes to the package's folder and says where it was called.
  const dir = resolve(process.env.INIT_CWD ?? ".", options.dir);
  await mkdir(dir, { recursive: true });
  const logger = createLogger("turntable", options.log.level);
  const validator =
    options.validatorKey === undefined
      ? await throwAwayKey(dir, "validator")
      : keypairFromUri(options.validatorKey);
  const minerKeys = await Promise.all(
    Array.from({ length: options.miners }, (_, i) => throwAwayKey(dir, `miner-${i + 1}`)),
  );

  const chain = stack.use(createLocalChain({ blockMs: 1_000, subnets: [{ netuid }] }));
  chain.register({ netuid, hotkey: validator.ss58, stakeTao: 10_000 });
  for (const { ss58 } of minerKeys) chain.register({ netuid, hotkey: ss58 });
  for (const hotkey of options.register) chain.register({ netuid, hotkey });

  const node =
    options.chainPort === undefined
      ? undefined
      : stack.use(await startLocalNode({ chain, port: options.chainPort }));
  const { queue, source } = await openQueue(options, logger, signal);
  const prompts = await readFile(join(root, "resources/prompts.txt"), "utf8");
  const coordinator = stack.use(
    await startCoordinator({
      hotkey: validator,
      chain,
      netuid,
      queue,
      dataDir: join(dir, "coordinator"),
      rules: ruleSets.local,
      prompts: options.synthetic ? createPrompts(prompts) : undefined,
      consentText: undefined,
      grpc: { host: loopback, port: await portOr(options.grpcPort, 50051), keys: undefined },
      axon: { host: "0.0.0.0", port: await portOr(options.axonPort, 8091) },
      http: { host: loopback, port: await portOr(options.httpPort, 9090) },
      limits: { promptChars: 1024, openTasks: 1000, submissionBytes: 128 << 20 },
      logger,
    }),
  );
  const worker = stack.use(
    await startWorker({
      source,
      modelDir: resolve(options.model),
      threads: availableParallelism(),
      workerId: "local",
      logger,
    }),
  );
  // Without it nothing would ever be scored.
  worker.ended.catch((cause: unknown) => stop(new Error("the worker has stopped", { cause })));
  const addresses = {
    grpc: `${loopback}:${coordinator.grpcPort}`,
    http: `${loopback}:${coordinator.httpPort}`,
    axon: { port: coordinator.axonPort, hotkey: validator.ss58 },
    ...(node === undefined ? {} : { chain: node.url }),
  };
  const addressesFile = join(dir, "addresses.json");
  await writeWhole(addressesFile, `${JSON.stringify(addresses, undefined, 2)}\n`);
  stack.defer(() => rm(addressesFile, { force: true }));
  say(`Turntable is up.
  API      ${addresses.grpc} (gRPC)
  axon     port ${addresses.axon.port}, hotkey ${validator.ss58}
  health   http://${addresses.http}/readyz, metrics http://${addresses.http}/metrics
  miners   ${options.miners}${node === undefined ? "" : `\n  chain    ${node.url} (subtensor JSON-RPC)`}
  folder   ${shortPath(dir)}`);

  const client = stack.use(createTurntableClient({ address: addresses.grpc }));
  // Queued before the miners come, so that it is the first they get.
  const first = options.prompt === "" ? undefined : await client.create(options.prompt);
  if (options.miners > 0) {
    const generator = stack.use(await startGenerationEndpoint({ host: loopback, port: 0 }));
    const target = { ip: loopback, port: coordinator.axonPort, hotkey: validator.ss58 };
    for (const hotkey of minerKeys) {
      const miner = {
        hotkey,
        validators: async () => [target],
        generateUrl: generator.url,
        logger,
      };
      stack.use(await startMiner(miner));
    }
  } else if (first !== undefined) {
    say("There is no miner yet: the first task waits for one that you start and --register.");
  }
  if (first !== undefined) {
    void showTask({ client, task: first, dir, options, signal, logger, server: addresses.grpc });
  }
  return stack.move();
}

/** Tells what happens to a task; a failure is told, too, and leaves the subnet up. */
async function showTask({
  client,
  task,
  dir,
  options,
  signal,
  logger,
  server,
}: {
  readonly client: TurntableClient;
  readonly task: Task;
  readonly dir: string;
  readonly options: Options;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly server: string;
}): Promise<void> {
  try {
    say(`\nFirst task: "${task.prompt}"`);
    for await (const event of client.watch(task.id, { signal })) {
      const by = event.minerHotkey ? ` by ${event.minerHotkey}` : "";
      const score = event.score === undefined ? "" : `, score ${event.score.toFixed(3)}`;
      say(`  ${event.kind}${by}${score}${event.message ? `: ${event.message}` : ""}`);
    }
    const { asset, bytes } = await client.download(task.id, { signal });
    const report = await client.report(task.id, { signal });
    const sheet = await drawContactSheet(report, bytes, dir);
    const demonstration = report.model?.demonstration ? ` (${demonstrationNote})` : "";
    const wrong = await scoreWrongAsset(report, resolve(options.model));
    say(`
  prompt   ${task.prompt}
  miner    ${asset.minerHotkey}
  score    ${report.score.toFixed(3)} by ${report.model?.name ?? "?"}${demonstration}
  asset    ${bytes.length} bytes, ${report.splatCount} splats
  pictures ${shortPath(sheet)}
  wrong    ${wrong.shown}, scored for the same prompt: ${wrong.score.toFixed(3)}, ${wrong.verdict}

In another shell: npx turntable generate "a blue ball" --out ball.ply --server ${server}
Ctrl-C stops everything.`);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof CallFailedError && error.code === "failed-precondition") {
      const show = `npx turntable report ${task.id} --server ${server}`;
      return say(`\nIt got no result. How it was scored: ${show}\nCtrl-C stops everything.`);
    }
    logger.error({ err: error }, "the first task failed");
    say(`  the first task failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What the same judge, with the same cameras, says of an asset that shows something else. */
async function scoreWrongAsset({ prompt, profile, cameraSeed }: ScoreReport, modelDir: string) {
  const { splat, shown } = generate({ prompt, quality: "wrong-shape" });
  await using renderer = await startCpuRenderer(availableParallelism());
  await using clip = await loadClip(modelDir);
  const { score } = await scoreAsset(
    { renderer, clip, limits: defaultAssetLimits },
    { bytes: writePly(splat), prompt, profile: await loadProfile(profile), cameraSeed },
  );
  const verdict = score >= ruleSets.local.acceptance ? "accepted" : "rejected";
  return { shown: formatScene(shown), score, verdict };
}

async function drawContactSheet(
  report: ScoreReport,
  bytes: Uint8Array,
  dir: string,
): Promise<string> {
  await using renderer = await startCpuRenderer(availableParallelism());
  const profile = await loadProfile(report.profile);
  const cameras = report.views.map((view) =>
    orbitCamera({ ...view, radius: profile.radius }, profile),
  );
  const scene = createScene(await readAsset(bytes));
  const images = await renderer.render(scene, cameras, profile.background);
  const file = join(dir, "pictures", `${report.taskId}.png`);
  await mkdir(join(dir, "pictures"), { recursive: true });
  const views = report.views.flatMap((view, index) => {
    const image = images[index];
    return image === undefined ? [] : [{ view, image, probability: view.probability }];
  });
  await writeContactSheet(file, views);
  return file;
}

async function openQueue(
  options: Options,
  logger: Logger,
  signal: AbortSignal,
): Promise<{ readonly queue: JobQueue; readonly source: JobSource }> {
  if (options.nats === undefined) {
    const { queue, source } = createInProcessQueue();
    return { queue, source: source() };
  }
  const servers = [options.nats];
  const onEvent = (event: NatsEvent): void => logNatsEvent(logger, event);
  const queue = await connectJobQueue({ servers, name: "turntable-coordinator", signal, onEvent });
  const source = await connectJobSource({ servers, workerId: "local", signal, onEvent });
  return { queue, source };
}

/** A key of its own for this folder; made when there is none. */
async function throwAwayKey(dir: string, name: string): Promise<Keypair> {
  const file = join(dir, "wallets", name, "hotkeys", "default");
  try {
    return await loadHotkey(file);
  } catch (error) {
    if (!isNotThere(error)) throw error;
  }
  await mkdir(join(dir, "wallets", name, "hotkeys"), { recursive: true, mode: 0o700 });
  await createHotkeyFile(file, createMnemonic());
  return loadHotkey(file);
}

function isNotThere(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}

/** The port asked for; else the usual one when nobody has it, else any. */
async function portOr(asked: number | undefined, usual: number): Promise<number> {
  if (asked !== undefined) return asked;
  const probe = createServer();
  return new Promise((done) => {
    probe.once("error", () => done(0));
    probe.listen(usual, "0.0.0.0", () => probe.close(() => done(usual)));
  });
}

/** Readers see the old content or the new, never a part. */
async function writeWhole(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}

function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
