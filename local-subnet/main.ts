/** The local subnet as a process: what `npm start` runs. */
import { resolve } from "node:path";
import { runMain } from "@turntable/process";
import { subnetConfig } from "./options.ts";
import { startSubnet } from "./subnet.ts";

await runMain({
  definition: subnetConfig,
  argv: process.argv.slice(2),
  env: process.env,
  gracePeriodMs: () => 20_000,
  start: (options, control) =>
    startSubnet(
      // npm changes to the package's folder and says where it was called.
      { ...options, dir: resolve(process.env.INIT_CWD ?? ".", options.dir) },
      control,
    ),
});
