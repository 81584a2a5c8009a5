/** The coordinator as a process. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { ChainError, createLocalChain } from "@turntable/bittensor/chain";
import { type Keypair, keypairFromUri, loadHotkey, ready } from "@turntable/bittensor/keys";
import { connectSubtensor } from "@turntable/bittensor/subtensor";
import { loadConsentText } from "@turntable/bittensor/synapse";
import { natsQueueOptions } from "@turntable/bus/config";
import { connectJobQueue, connectStateLog } from "@turntable/bus/nats";
import {
  asksForHelp,
  createLogger,
  hostAndPort,
  runMain,
  startTelemetry,
} from "@turntable/process";
import { type CoordinatorChain, createEventualChain } from "./chain/index.ts";
import { commandOf, commandsHelp, runCommand } from "./cli/index.ts";
import {
  type Config,
  coordinatorConfig,
  isLoopback,
  retentionOf,
  storageOf,
  tlsOf,
} from "./config.ts";
import { type AxonPlace, startCoordinator } from "./coordinator.ts";
import type { JudgeOptions } from "./duels/index.ts";
import { type FileKey, parseApiKeys } from "./keys/index.ts";
import { chainInMemory, parseAxonPlace } from "./options.ts";
import { type PromptOptions, parsePrompts } from "./prompts/index.ts";
import { type RuleSet, RulesError, ruleSetOf, ruleSets } from "./rules/index.ts";
import { type Leadership, standBy } from "./standby/index.ts";
import { startStandingBy } from "./status/index.ts";
import { databaseName } from "./store/index.ts";
import { openWaitingRoom, type WaitingRoom } from "./waiting.ts";

/** How long a coordinator that has run before waits for the chain at its start, in ms. */
const chainPatienceMs = 30_000;
/** Blocks of the chain in memory. */
const localBlockMs = 1_000;
/** How long a command that only looks waits for the chain. */
const lookTimeoutMs = 30_000;

const argv = process.argv.slice(2);
const command = commandOf(argv);
if (command !== undefined) {
  process.exitCode = await runCommand(command, argv.slice(1), process.env, async (config) => ({
    rules: await rulesOf(config),
    async hotkey() {
      await ready();
      return hotkeyOf(config);
    },
    async openChain() {
      if (config.chain.endpoints.includes(chainInMemory)) {
        throw new ChainError(
          "the chain in memory is the coordinator's own; give --chain-endpoints for one to look at",
        );
      }
      return connectSubtensor({
        endpoints: config.chain.endpoints,
        connectTimeoutMs: lookTimeoutMs,
      });
    },
  }));
} else {
  await runCoordinator();
  if (asksForHelp(argv)) {
    process.stdout.write(commandsHelp());
  }
}

function runCoordinator(): Promise<void> {
  return runMain({
    definition: coordinatorConfig,
    argv,
    env: process.env,
    gracePeriodMs: (config) => config.gracePeriodMs,
    async start(config, { signal, stop }) {
      await ready();
      await using stack = new AsyncDisposableStack();
      const logger = createLogger("turntable-coordinator", config.log.level);
      const { telemetry } = config;
      const serviceName = "turntable-coordinator";
      stack.use(await startTelemetry({ serviceName, config: telemetry, env: process.env, logger }));
      const rules = await rulesOf(config);
      const hotkey = await hotkeyOf(config);
      const extra = await Promise.all(config.axon.also.map((place) => axonPlaceOf(place, config)));
      const grpc = config.api.enabled
        ? {
            ...config.grpc,
            tls: tlsOf(config.grpc),
            keys: await fileKeysOf(config),
            corsOrigins: config.api.corsOrigins,
            wallets: { hotkeys: config.api.wallets, leastStakeTao: config.api.walletStakeTao },
          }
        : undefined;
      const prompts = config.prompts.synthetic ? await promptsOf(config) : undefined;
      const storage = storageOf(config);
      const consentText =
        config.consentFile === undefined ? undefined : await loadConsentText(config.consentFile);
      const judge = await judgeOf(config, rules);
      const http = { ...config.http, tls: tlsOf(config.http) };
      const room = await openWaitingRoom(http, logger);
      const { chain, queue, leadership } = await (async () => {
        await using _ = room;
        room.waitFor("the chain");
        const chain = stack.use(
          await openChain(
            config,
            [{ netuid: config.chain.netuid, hotkey }, ...extra],
            room,
            signal,
          ),
        );
        room.waitFor("NATS");
        const leadership = await leadershipOf(config, room, signal, stack);
        // Last: nothing may fail between opening it and handing it over.
        const queue = await connectJobQueue({
          ...natsQueueOptions(config.nats),
          name: "turntable-coordinator",
          signal,
          onEvent: room.onNatsEvent,
        });
        return { chain, queue, leadership };
      })();
      const coordinator = stack.use(
        await startCoordinator({
          ...{ hotkey, chain, queue, prompts, consentText, judge, leadership, logger },
          netuid: config.chain.netuid,
          dataDir: config.dataDir,
          rules,
          grpc,
          admin: config.admin.enabled ? { ...config.admin, tls: tlsOf(config.admin) } : undefined,
          adminWeb: config.admin.webEnabled,
          page: config.page.enabled ? config.page : undefined,
          axon: { ...config.axon, extra },
          http,
          limits: config.limits,
          duplicates: config.duplicates,
          audits: config.audit,
          retention: retentionOf(config),
          ...(storage === undefined ? {} : { storage }),
        }),
      );
      if (config.consentFile === undefined) {
        logger.warn("no consent text: submissions of miners of 2025 will count as wrongly signed");
      }
      logger.info(
        {
          hotkey: hotkey.ss58,
          rules: rules.name,
          ...(coordinator.grpcPort === undefined
            ? {}
            : { grpc: hostAndPort(config.grpc.host, coordinator.grpcPort) }),
          ...(coordinator.adminPort === undefined
            ? {}
            : { admin: hostAndPort(config.admin.host, coordinator.adminPort) }),
          axon: hostAndPort(config.axon.host, coordinator.axonPort),
          ...(extra.length === 0
            ? {}
            : {
                extra_axons: coordinator.extraAxons.map(({ netuid, port }) => ({ netuid, port })),
              }),
          http: hostAndPort(config.http.host, coordinator.httpPort),
          data_dir: config.dataDir,
        },
        "ready",
      );
      coordinator.ended.catch((error: unknown) =>
        stop(error instanceof Error ? error : new Error(String(error))),
      );
      stack.defer(() => logger.info("stopping"));
      return stack.move();
    },
  });
}

/** Waits until it is this coordinator's turn; undefined where it is alone. What it opens goes onto the stack. */
async function leadershipOf(
  { nats, standby, dataDir }: Config,
  room: WaitingRoom,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Promise<Leadership | undefined> {
  if (!standby.enabled) {
    return undefined;
  }
  const { name = hostname() } = standby;
  const log = stack.use(
    await connectStateLog({
      ...natsQueueOptions(nats),
      ...{ name: `turntable-coordinator ${name}`, signal, onEvent: room.onNatsEvent },
    }),
  );
  room.waitFor("its turn to lead");
  await using waiting = new AsyncDisposableStack();
  const { leaseMs, begin } = standby;
  const leadership = await standBy(
    {
      ...{ log, dataDir, name, leaseMs, begin },
      onEvent: room.onStandbyEvent,
      onView(view) {
        room.observe(view);
        waiting.use(
          startStandingBy({
            ...{ view, directory: dataDir, now: Date.now },
            onTrouble: (what, error) => room.onStandbyEvent({ kind: "trouble", what, error }),
          }),
        );
      },
    },
    signal,
  );
  room.waitFor("NATS");
  return stack.use(leadership);
}

/** The keys of the file; none where keys are made with the command, undefined where nobody needs one. */
async function fileKeysOf({ grpc, api }: Config): Promise<readonly FileKey[] | undefined> {
  if (grpc.apiKeysFile !== undefined) {
    return parseApiKeys(await text(grpc.apiKeysFile));
  }
  const isOpen = isLoopback(grpc.host) ? !api.keysNeeded : grpc.insecureOpen;
  return isOpen ? undefined : [];
}

async function rulesOf({ rules, rulesFile }: Config): Promise<RuleSet> {
  const base = ruleSets[rules];
  return rulesFile === undefined ? base : ruleSetOf(base, await text(rulesFile), rulesFile);
}

async function promptsOf({ prompts }: Config): Promise<PromptOptions> {
  const { file, seed, service: url, method, refreshMs, least, timeoutMs } = prompts;
  const list = parsePrompts(await text(file));
  if (list.length === 0) {
    throw new Error(`${file}: has no prompts; give others, or --prompts-synthetic false`);
  }
  const service =
    url === undefined ? undefined : { url, method, refreshMs, leastPrompts: least, timeoutMs };
  return { list, seed, service };
}

/** @throws when the rules have duels and nobody would judge them, or the other way round */
async function judgeOf(
  { duels: { url, model, apiKeyFile, timeoutMs, maxTokens } }: Config,
  { duels }: RuleSet,
): Promise<JudgeOptions | undefined> {
  if ((url !== undefined) !== duels.perHour > 0) {
    throw new RulesError(
      url === undefined
        ? "the rules have duels (duels.perHour), so somebody has to judge them: give --duels-url and --duels-model"
        : '--duels-url is given, but the rules have no duels: set {"duels": {"perHour": 60}} in --rules-file',
    );
  }
  const apiKey = apiKeyFile === undefined ? undefined : (await text(apiKeyFile)).trim();
  return url === undefined ? undefined : { url, model, apiKey, timeoutMs, maxTokens };
}

async function hotkeyOf(config: Config): Promise<Keypair> {
  if (config.hotkeyUri !== undefined) {
    return keypairFromUri(config.hotkeyUri);
  }
  return await loadKey(config.hotkeyFile ?? "", config); // the schema asks for one of the two
}

function loadKey(path: string, { hotkeyPasswordFile: passwordFile }: Config): Promise<Keypair> {
  return loadHotkey(path, { passwordFile, env: process.env });
}

/** @param text as the schema has checked it */
async function axonPlaceOf(text: string, config: Config): Promise<AxonPlace> {
  const place = parseAxonPlace(text);
  if (place === undefined) {
    throw new RangeError(`${text} names no axon`);
  }
  return { ...place, hotkey: await loadKey(place.hotkeyFile, config) };
}

async function openChain(
  config: Config,
  axons: readonly Pick<AxonPlace, "netuid" | "hotkey">[],
  { onChainEvent: onEvent }: WaitingRoom,
  signal: AbortSignal,
): Promise<CoordinatorChain & AsyncDisposable> {
  const { endpoints, register } = config.chain;
  if (!endpoints.includes(chainInMemory)) {
    const chain = createEventualChain((stopping) =>
      connectSubtensor({ endpoints, onEvent }, AbortSignal.any([signal, stopping])),
    );
    // Who has been here before may know its miners: it starts without the chain when that stays away.
    const isFirst = !existsSync(join(config.dataDir, databaseName));
    await chain.ready(isFirst ? undefined : chainPatienceMs);
    return chain;
  }
  const netuids = new Set(axons.map(({ netuid }) => netuid));
  const chain = createLocalChain({
    blockMs: localBlockMs,
    subnets: Array.from(netuids, (netuid) => ({ netuid })),
  });
  for (const { netuid, hotkey } of axons) {
    chain.register({ netuid, hotkey: hotkey.ss58 });
  }
  for (const netuid of netuids) {
    for (const hotkey of register) {
      chain.register({ netuid, hotkey });
    }
  }
  return chain;
}

function text(file: string): Promise<string> {
  return readFile(file, "utf8");
}
