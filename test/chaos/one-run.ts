/** One run in this process, which isolated.ts has started: the argument is its options; writes its result beside its logs. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ChaosOptions, runChaos } from "./run.ts";

// Whoever is the first process of its namespace dies of no signal that it does not listen for.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => process.exit(1));
}
const options = JSON.parse(process.argv[2] ?? "") as ChaosOptions; // as isolated.ts wrote it
const result = await runChaos(options);
await writeFile(join(options.directory, "result.json"), JSON.stringify(result, undefined, 1));
// Whatever is still open goes away with the namespace.
process.exit(0);
