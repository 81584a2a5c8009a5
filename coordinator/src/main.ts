/** The coordinator as a process. */
import { readFile } from "node:fs/promises";
import { type Chain, createLocalChain } from "@turntable/bittensor/chain";
import { type Keypair, keypairFromUri, loadHotkey, ready } from "@turntable/bittensor/keys";
import { connectSubtensor } from "@turntable/bittensor/subtensor";
import { loadConsentText } from "@turntable/bittensor/synapse";
import { connectJobQueue, logNatsEvent } from "@turntable/bus/nats";
import { createLogger, runMain, startTelemetry } from "@turntable/process";
import { parseApiKeys } from "./api/index.ts";
import {
  type Config,
  chainInMemory,
  coordinatorConfig,
  parseAxonPlace,
  retentionOf,
} from "./config.ts";
import { type AxonPlace, startCoordinator } from "./coordinator.ts";
import { ruleSets } from "./miners/index.ts";
import { createPrompts } from "./prompts/index.ts";

/** Blocks of the chain in memory. */
const localBlockMs = 1_000;

await runMain({
  definition: coordinatorConfig,
  argv: process.argv.slice(2),
  env: process.env,
  gracePeriodMs: (config) => config.gracePeriodMs,
  async start(config, { signal }) {
    await ready();
    await using stack = new AsyncDisposableStack();
    const logger = createLogger("turntable-coordinator", config.log.level);
    const { telemetry } = config;
    const serviceName = "turntable-coordinator";
    stack.use(await startTelemetry({ serviceName, config: telemetry, env: process.env, logger }));
    const hotkey = await hotkeyOf(config);
    const extra = await Promise.all(config.axon.also.map(axonPlaceOf));
    const { apiKeysFile } = config.grpc;
    const keys = apiKeysFile === undefined ? undefined : parseApiKeys(await text(apiKeysFile));
    const chain = stack.use(
      await openChain(config, [{ netuid: config.chain.netuid, hotkey }, ...extra], signal),
    );
    const coordinator = stack.use(
      await startCoordinator({
        hotkey,
        chain,
        netuid: config.chain.netuid,
        dataDir: config.dataDir,
        rules: ruleSets[config.rules],
        prompts: config.prompts.synthetic
          ? createPrompts(await text(config.prompts.file))
          : undefined,
        consentText:
          config.consentFile === undefined ? undefined : await loadConsentText(config.consentFile),
        grpc: { ...config.grpc, keys },
        axon: { ...config.axon, extra },
        http: config.http,
        limits: config.limits,
        retention: retentionOf(config),
        logger,
        // Last: nothing may fail between opening it and handing it over.
        queue: await connectJobQueue({
          ...config.nats,
          name: "turntable-coordinator",
          signal,
          onEvent: (event) => logNatsEvent(logger, event),
        }),
      }),
    );
    if (config.consentFile === undefined) {
      logger.warn("no consent text: submissions of miners of 2025 will count as wrongly signed");
    }
    logger.info(
      {
        hotkey: hotkey.ss58,
        rules: config.rules,
        grpc: `${config.grpc.host}:${coordinator.grpcPort}`,
        axon: `${config.axon.host}:${coordinator.axonPort}`,
        ...(extra.length === 0
          ? {}
          : { extra_axons: coordinator.extraAxons.map(({ netuid, port }) => ({ netuid, port })) }),
        http: `${config.http.host}:${coordinator.httpPort}`,
        data_dir: config.dataDir,
      },
      "ready",
    );
    stack.defer(() => logger.info("stopping"));
    return stack.move();
  },
});

async function hotkeyOf(config: Config): Promise<Keypair> {
  if (config.hotkeyUri !== undefined) return keypairFromUri(config.hotkeyUri);
  return await loadHotkey(config.hotkeyFile ?? ""); // the schema asks for one of the two
}

/** @param text as the schema has checked it */
async function axonPlaceOf(text: string): Promise<AxonPlace> {
  const place = parseAxonPlace(text);
  if (place === undefined) throw new RangeError(`${text} names no axon`);
  return { ...place, hotkey: await loadHotkey(place.hotkeyFile) };
}

async function openChain(
  config: Config,
  axons: readonly Pick<AxonPlace, "netuid" | "hotkey">[],
  signal: AbortSignal,
): Promise<Chain> {
  const { endpoints, register } = config.chain;
  if (!endpoints.includes(chainInMemory)) return await connectSubtensor({ endpoints }, signal);
  const netuids = new Set(axons.map(({ netuid }) => netuid));
  const chain = createLocalChain({
    blockMs: localBlockMs,
    subnets: Array.from(netuids, (netuid) => ({ netuid })),
  });
  for (const { netuid, hotkey } of axons) chain.register({ netuid, hotkey: hotkey.ss58 });
  for (const netuid of netuids) for (const hotkey of register) chain.register({ netuid, hotkey });
  return chain;
}

function text(file: string): Promise<string> {
  return readFile(file, "utf8");
}
