/** The miner as a process. */
import { keypairFromUri, loadHotkey, ready } from "@turntable/bittensor/keys";
import { loadConsentText } from "@turntable/bittensor/synapse";
import {
  createLogger,
  createMetrics,
  hostAndPort,
  runMain,
  startStatusServer,
  startTelemetry,
} from "@turntable/process";
import { minerConfig } from "./config.ts";
import { startMiner } from "./miner.ts";
import { parseValidator } from "./validators.ts";

await runMain({
  definition: minerConfig,
  argv: process.argv.slice(2),
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
    const hotkey =
      config.hotkeyUri === undefined
        ? await loadHotkey(config.hotkeyFile ?? "", {
            passwordFile: config.hotkeyPasswordFile,
            env: process.env,
          }) // the schema asks for one of the two
        : keypairFromUri(config.hotkeyUri);
    const validators = config.validator.flatMap((text) => parseValidator(text) ?? []);
    const consentText =
      config.consentFile === undefined ? undefined : await loadConsentText(config.consentFile);
    const miner = stack.use(
      await startMiner({
        hotkey,
        validators: async () => validators,
        generateUrl: config.generateUrl,
        packing: config.packing,
        consentText,
        failureCooldownMs: config.failureCooldownMs,
        logger,
        meter: metrics.meter,
      }),
    );
    const notReady = () => (signal.aborted ? "stopping" : miner.trouble());
    const http = stack.use(await startStatusServer({ ...config.http, metrics, notReady }));
    logger.info(
      {
        hotkey: hotkey.ss58,
        validators: config.validator,
        generate_url: config.generateUrl,
        http: hostAndPort(config.http.host, http.port),
      },
      "ready",
    );
    return stack.move();
  },
});
