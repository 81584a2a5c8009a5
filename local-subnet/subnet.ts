/**
 * The whole subnet in one process: coordinator, worker, generation endpoint, miners and a chain in memory.
 *
 * It runs one task, shows what happened, and stays up until it is told to stop.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { createLocalChain, type LocalChain, type LostCommit } from "@turntable/bittensor/chain";
import {
  createHotkeyFile,
  createMnemonic,
  type Keypair,
  keypairFromUri,
  loadHotkey,
  ready,
} from "@turntable/bittensor/keys";
import { startLocalNode } from "@turntable/bittensor/local-node";
import { loadConsentText } from "@turntable/bittensor/synapse";
import type { JobQueue, JobSource } from "@turntable/bus";
import { createInProcessQueue } from "@turntable/bus/in-process";
import {
  connectJobQueue,
  connectJobSource,
  logNatsEvent,
  type NatsEvent,
} from "@turntable/bus/nats";
import { createTurntableClient } from "@turntable/client";
import { createAdminClient } from "@turntable/client/admin";
import { startCoordinator } from "@turntable/coordinator";
import { parsePrompts } from "@turntable/coordinator/prompts";
import { ruleSets } from "@turntable/coordinator/rules";
import { startGenerationEndpoint } from "@turntable/generation";
import { openMinerStore, startMiner } from "@turntable/miner";
import { createLogger, type Logger, type StopControl } from "@turntable/process";
import { startWorker, type WorkerOptions } from "@turntable/validation";
import { ensurePage, pageFolder } from "@turntable/web/build";
import { showFirstTask } from "./first-task.ts";
import {
  createMarketEngines,
  describeMarket,
  type MarketMiner,
  marketRoles,
  readMarket,
} from "./market.ts";
import { ensureOperatorKey, operatorKeyFile, operatorPage } from "./operator-key.ts";
import { parseRegistration, type SubnetOptions } from "./options.ts";
import { say, shortPath } from "./say.ts";

const netuid = 17;
/** The only worker's name. */
const workerId = "local";
const loopback = "127.0.0.1";
/** The chain's limits for people who wait: seconds instead of a quarter of an hour, at a block a second. */
const quickChain = { tempo: 60, weightsRateLimit: 10, servingRateLimit: 5 };
/** Between two looks at the market, in ms. */
const marketEveryMs = 15_000;
const promptsFile = new URL("../resources/prompts.txt", import.meta.url);

export interface Subnet extends AsyncDisposable {
  /** The coordinator's page, with the operator's key in its fragment: to be shown to the operator alone. */
  readonly operatorPage: string;
}

/**
 * Starts everything and prints where it is. The first task runs on after it has returned.
 *
 * @param options their `dir` is an absolute path
 */
export async function startSubnet(
  options: SubnetOptions,
  { env, signal, stop }: StopControl & Pick<WorkerOptions, "env">,
): Promise<Subnet> {
  await ready();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    if (signal.aborted) {
      say("Everything has stopped."); // a start that failed says why by itself
    }
  });
  const { dir } = options;
  await mkdir(dir, { recursive: true });
  const page = buildPage(signal); // while the rest starts
  const modelDir = resolve(options.model);
  const logger = createLogger("turntable", options.log.level);
  const validator =
    options.validatorKey === undefined
      ? await throwAwayKey(dir, "validator")
      : keypairFromUri(options.validatorKey);
  const minerKeys = await Promise.all(
    Array.from({ length: options.miners }, (_, i) => throwAwayKey(dir, `miner-${i + 1}`)),
  );

  const hyperparameters = {
    ...(options.rules === "local" ? quickChain : {}),
    commitRevealEnabled: options.commitReveal,
  };
  const chain = stack.use(
    createLocalChain({
      blockMs: 1_000,
      subnets: [{ netuid, hyperparameters }],
      allowLoopback: true,
      onLostCommit: sayLostCommit,
    }),
  );
  const validatorUid = chain.register({ netuid, hotkey: validator.ss58, stakeTao: 10_000 });
  const minerUids = minerKeys.map(({ ss58: hotkey }) => chain.register({ netuid, hotkey }));
  for (const registration of options.register.map(parseRegistration)) {
    if (registration !== undefined) {
      chain.register({ netuid, ...registration });
    }
  }

  const node =
    options.chainPort === undefined
      ? undefined
      : stack.use(await startLocalNode({ chain, port: options.chainPort }));
  const { queue, source } = await openQueue(options, logger, signal);
  const prompts = await readFile(promptsFile, "utf8");
  const coordinator = stack.use(
    await startCoordinator({
      hotkey: validator,
      chain,
      netuid,
      queue,
      dataDir: join(dir, "coordinator"),
      rules: ruleSets[options.rules],
      prompts:
        options.synthetic || options.demoMarket ? { list: parsePrompts(prompts) } : undefined,
      consentText:
        options.consentFile === undefined ? undefined : await loadConsentText(options.consentFile),
      grpc: { host: loopback, port: await portOr(options.grpcPort, 50051), keys: undefined },
      admin: { host: loopback, port: await portOr(options.adminPort, 50052), anonymous: true },
      adminWeb: true,
      // Neurons find the axon on the chain
      axon: {
        ...{ host: "0.0.0.0", port: await portOr(options.axonPort, 8091), externalIp: loopback },
        clients: options.client,
      },
      http: { host: loopback, port: await portOr(options.httpPort, 9090) },
      page: { folder: pageFolder, path: "/", showClientTasks: true },
      limits: { promptChars: 1024, openTasks: 1000, submissionBytes: 96 << 20 },
      logger,
    }),
  );
  const worker = stack.use(
    await startWorker({
      source,
      modelDir,
      env,
      threads: availableParallelism(),
      workerId,
      logger,
    }),
  );
  // Without it nothing would ever be scored.
  worker.ended.catch((cause: unknown) => stop(new Error("the worker has stopped", { cause })));
  const addresses = {
    grpc: `${loopback}:${coordinator.grpcPort}`,
    admin: `${loopback}:${coordinator.adminPort}`,
    http: `${loopback}:${coordinator.httpPort}`,
    axon: { port: coordinator.axonPort, hotkey: validator.ss58 },
    ...(node === undefined ? {} : { chain: node.url }),
    ...(options.commitReveal
      ? { beacon: Buffer.from(chain.beacon.publicKey).toString("hex") }
      : {}),
  };
  using operator = createAdminClient({ address: addresses.admin });
  const operatorKey = await ensureOperatorKey(dir, operator);
  const pageFault = await page;
  const addressesFile = join(dir, "addresses.json");
  await writeWhole(addressesFile, `${JSON.stringify(addresses, undefined, 2)}\n`);
  stack.defer(() => rm(addressesFile, { force: true }));
  say(`Turntable is up.
  page     ${pageFault ?? `http://${addresses.http}/ (open it in a browser)`}
  API      ${addresses.grpc} (gRPC)
  axon     port ${addresses.axon.port}, hotkey ${validator.ss58}
  health   http://${addresses.http}/readyz, metrics http://${addresses.http}/metrics
  miners   ${options.miners}${node === undefined ? "" : `\n  chain    ${node.url} (subtensor JSON-RPC)`}
  operator key in ${shortPath(operatorKeyFile(dir))}, for AdminService over HTTP
  folder   ${shortPath(dir)}`);

  const client = stack.use(createTurntableClient({ address: addresses.grpc }));
  // Queued before the miners come, so that it is the first they get.
  const first = options.prompt === "" ? undefined : await client.create(options.prompt);
  if (options.miners > 0) {
    const target = { ip: loopback, port: coordinator.axonPort, hotkey: validator.ss58 };
    const engines = options.demoMarket ? createMarketEngines() : undefined;
    const urls = await Promise.all(
      (engines === undefined ? [undefined] : marketRoles.map((role) => engines[role])).map(
        async (engine) => {
          const place = { host: loopback, port: 0, ...(engine === undefined ? {} : { engine }) };
          return stack.use(await startGenerationEndpoint(place)).url;
        },
      ),
    );
    const market: MarketMiner[] = [];
    for (const [index, hotkey] of minerKeys.entries()) {
      const store = stack.use(openMinerStore(join(dir, `miner-${index + 1}`)));
      const url = urls[index % urls.length] ?? "";
      const role = marketRoles[index % marketRoles.length] ?? "good";
      market.push({ role, uid: minerUids[index] ?? 0, store });
      stack.use(
        await startMiner({
          ...{ hotkey, store, logger },
          validators: async () => [target],
          endpoints: [{ url }],
        }),
      );
    }
    if (options.demoMarket) {
      stack.defer(showMarket(market, chain, validatorUid));
    }
  } else if (first !== undefined) {
    say("There is no miner yet: the first task waits for one that you start and --register.");
  }
  if (first !== undefined) {
    void showFirstTask({
      client,
      task: first,
      dir,
      modelDir,
      server: addresses.grpc,
      signal,
      logger,
    });
  }
  const running = stack.move();
  return {
    operatorPage: operatorPage(addresses.http, operatorKey),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Makes the web page when it is missing or older than its sources. @returns why there is none, when that fails */
async function buildPage(signal: AbortSignal): Promise<string | undefined> {
  try {
    await ensurePage(signal);
    return undefined;
  } catch (error) {
    return `none: it could not be built: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Says again and again how the market stands. @returns what ends that */
function showMarket(
  miners: readonly MarketMiner[],
  chain: LocalChain,
  validatorUid: number,
): () => void {
  const startedAt = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    const rows = readMarket(miners, chain.weightsOf(netuid, validatorUid), now);
    say(`\nMarket after ${Math.round((now - startedAt) / 1000)} s\n${describeMarket(rows)}`);
  }, marketEveryMs);
  return () => clearInterval(timer);
}

function sayLostCommit({ hotkey, when, reason }: LostCommit): void {
  say(
    when === "committed"
      ? `The weights that ${hotkey} committed will be lost at the epoch: ${reason}. Without --commit-reveal it can set them in the open.`
      : `The weights that ${hotkey} committed were lost at this epoch: ${reason}.`,
  );
}

async function openQueue(
  options: SubnetOptions,
  logger: Logger,
  signal: AbortSignal,
): Promise<{ readonly queue: JobQueue; readonly source: JobSource }> {
  if (options.nats === undefined) {
    const { queue, source } = createInProcessQueue();
    return { queue, source: source(workerId) };
  }
  const servers = [options.nats];
  const onEvent = (event: NatsEvent): void => logNatsEvent(logger, event);
  const queue = await connectJobQueue({ servers, name: "turntable-coordinator", signal, onEvent });
  const source = await connectJobSource({ servers, workerId, signal, onEvent });
  return { queue, source };
}

/** A key of its own for this folder; made when there is none. */
async function throwAwayKey(dir: string, name: string): Promise<Keypair> {
  const file = join(dir, "wallets", name, "hotkeys", "default");
  try {
    return await loadHotkey(file);
  } catch (error) {
    if (!isNotThere(error)) {
      throw error;
    }
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
  if (asked !== undefined) {
    return asked;
  }
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
