import { ready } from "../../keys/index.ts";
import { endOnBrokenPipe } from "../broken-pipe.ts";
import { readEnvironment } from "./config.ts";
import { run } from "./run.ts";

endOnBrokenPipe();
await ready();
process.exitCode = await run({
  args: process.argv.slice(2),
  env: readEnvironment(),
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
