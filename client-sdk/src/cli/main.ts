#!/usr/bin/env node
/** The command `turntable`. */
import { runCli } from "./run.ts";

await runCli(process.argv.slice(2));
