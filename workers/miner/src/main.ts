/** The miner as a process, and the command that shows how it stands. */
import type { Chain } from "@turntable/bittensor/chain";
import { type Keypair, keypairFromUri, loadHotkey, ready } from "@turntable/bittensor/keys";
import { loadConsentText } from "@turntable/bittensor/synapse";
import {
  asksForHelp,
  createLogger,
  createMetrics,
  hostAndPort,
  type Logger,
  runMain,
  startStatusServer,
  startTelemetry,
} from "@turntable/process";
import type { z } from "zod";
import { runCommand } from "./command.ts";
import { minerConfig } from "./config.ts";
import { parseEndpoint } from "./endpoints.ts";
import { historyConfig, runHistory } from "./history.ts";
import { startMiner } from "./miner.ts";
import { createScorer } from "./quality.ts";
import { runStatus } from "./status.ts";
import { type MinerStore, openMinerStore } from "./store/index.ts";
import type { QualityOptions } from "./task.ts";
import { followSubnet, parseValidator, type Subnet } from "./validators/index.ts";

type Config = z.infer<typeof minerConfig.schema>;

const commandsHelp = `
Beside the miner itself, each with a --help of its own:
  turntable-miner status     how it stands with each validator, from its own records
  turntable-miner history    why it earned what it earned, as its validators tell it
`;

/** A chain that answers nobody is told, and tried again at the next look, in ms. */
const chainPatienceMs = 30_000;

const argv = process.argv.slice(2);
const [command, ...rest] = argv;
if (command === "status") {
  process.exitCode = await runStatus(rest, process.env);
} else if (command === "history") {
  process.exitCode = await runCommand(historyConfig, rest, process.env, async (options) => {
    await ready();
    return await runHistory(options, await hotkeyOf(options));
  });
} else {
  await runMiner();
  if (asksForHelp(argv)) {
    process.stdout.write(commandsHelp);
  }
}

function runMiner(): Promise<void> {
  return runMain({
    definition: minerConfig,
    argv,
    env: process.env,
    gracePeriodMs: (config) => config.gracePeriodMs,
    async start(config, { signal }) {
      await ready();
      await using stack = new AsyncDisposableStack();
      const logger = createLogger("turntable-miner", config.log.level);
      const { telemetry } = config;
      const serviceName = "turntable-miner";
      stack.use(await startTelemetry({ serviceName, config: telemetry, env: process.env, logger }));
      const metrics = createMetrics("turntable-miner");
      const hotkey = await hotkeyOf(config);
      const store = stack.use(openMinerStore(config.dataDir));
      const subnet = await openSubnet(config, hotkey, store, logger, stack);
      const consentText =
        config.consentFile === undefined ? undefined : await loadConsentText(config.consentFile);
      const miner = stack.use(
        await startMiner({
          validators: async () => subnet.validators(),
          endpoints: config.generateUrl.flatMap((text) => parseEndpoint(text) ?? []),
          packing: config.packing,
          quality: qualityOf(config),
          failureCooldownMs: config.failureCooldownMs,
          meter: metrics.meter,
          ...{ hotkey, store, consentText, logger },
        }),
      );
      const notReady = () => (signal.aborted ? "stopping" : (subnet.trouble() ?? miner.trouble()));
      const http = stack.use(await startStatusServer({ ...config.http, metrics, notReady }));
      logger.info(
        {
          hotkey: hotkey.ss58,
          validators: config.validator,
          chain: config.chain.endpoints,
          generate_url: config.generateUrl,
          data_dir: config.dataDir,
          http: hostAndPort(config.http.host, http.port),
        },
        "ready",
      );
      stack.defer(() => logger.info("stopping"));
      return stack.move();
    },
  });
}

async function hotkeyOf(
  config: Pick<Config, "hotkeyFile" | "hotkeyPasswordFile" | "hotkeyUri">,
): Promise<Keypair> {
  if (config.hotkeyUri !== undefined) {
    return keypairFromUri(config.hotkeyUri);
  }
  return await loadHotkey(config.hotkeyFile ?? "", {
    passwordFile: config.hotkeyPasswordFile,
    env: process.env,
  }); // the schema asks for one of the two
}

/** Who is asked for tasks: those named by the operator, and those of the chain where one is given. */
async function openSubnet(
  { chain: { endpoints, netuid, leastStakeTao, syncMs }, validator }: Config,
  { ss58: hotkey }: Keypair,
  { validators: records }: MinerStore,
  logger: Logger,
  stack: AsyncDisposableStack,
): Promise<Pick<Subnet, "validators" | "trouble">> {
  const fixed = validator.flatMap((text) => parseValidator(text) ?? []);
  if (endpoints.length === 0) {
    return { validators: () => fixed, trouble: () => undefined };
  }
  let connection: Promise<Chain> | undefined;
  stack.defer(async () => {
    const open = await connection?.catch(() => undefined);
    await open?.[Symbol.asyncDispose]();
  });
  // Loading it takes a second or more, which a miner without a chain need not wait for.
  const { connectSubtensor, logChainEvent } = await import("@turntable/bittensor/subtensor");
  const chain = (signal: AbortSignal): Promise<Chain> => {
    const onEvent = (event: Parameters<typeof logChainEvent>[1]) => logChainEvent(logger, event);
    connection ??= connectSubtensor(
      { endpoints, onEvent, connectTimeoutMs: chainPatienceMs },
      signal,
    ).catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };
  return stack.use(
    followSubnet({ chain, netuid, hotkey, leastStakeTao, syncMs, fixed, records, logger }),
  );
}

function qualityOf({ score }: Config): QualityOptions | undefined {
  if (score.url === undefined) {
    return undefined;
  }
  const scorer = createScorer(score.url, score.timeoutMs);
  return { scorer, leastScore: score.least, otherwise: score.otherwise };
}
