/** The local subnet as a process: what `npm start` runs. */
import { resolve } from "node:path";
import { createLogger, runMain, startTelemetry } from "@turntable/process";
import { subnetConfig } from "./options.ts";
import { startSubnet } from "./subnet.ts";

await runMain({
  definition: subnetConfig,
  argv: process.argv.slice(2),
  env: process.env,
  gracePeriodMs: () => 20_000,
  async start(options, control) {
    await using stack = new AsyncDisposableStack();
    const { telemetry } = options;
    const serviceName = "turntable";
    const logger = createLogger(serviceName, options.log.level);
    stack.use(await startTelemetry({ serviceName, config: telemetry, env: process.env, logger }));
    // npm changes to the package's folder and says where it was called.
    const here = (path: string): string => resolve(process.env.INIT_CWD ?? ".", path);
    const { dir, consentFile } = options;
    const places = { dir: here(dir), consentFile: consentFile && here(consentFile) };
    stack.use(await startSubnet({ ...options, ...places }, { ...control, env: process.env }));
    return stack.move();
  },
});
