/** Writes docs/configuration.md from the processes' schemas; with --check only compares. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { coordinatorConfig } from "@turntable/coordinator/config";
import { generatorConfig } from "@turntable/generation/config";
import { subnetConfig } from "@turntable/local-subnet/config";
import { minerConfig } from "@turntable/miner/config";
import { configTable } from "@turntable/process";
import { promptMakerConfig, promptServiceConfig } from "@turntable/prompts/config";
import { serveConfig, workerConfig } from "@turntable/validation/config";

const file = new URL("../docs/configuration.md", import.meta.url).pathname;
/** Defaults that are paths of the project are shown from its root. */
const root = new URL("..", import.meta.url).pathname;

const head = `# Configuration

A flag wins over a variable, a variable over the file given by \`--config\` (JSON, its keys nested as the flags are), the
file over the default. Every problem is reported at once, and a misspelt variable is an error. Secrets come from files.
\`--help\` of each command shows the same. This file is made from the code by \`npm run generate\`.
`;
const tables = [
  coordinatorConfig,
  workerConfig,
  serveConfig,
  generatorConfig,
  minerConfig,
  promptServiceConfig,
  promptMakerConfig,
  subnetConfig,
].map((definition) => `## ${definition.command}\n\n${configTable(definition)}\n`);
const written = [head, ...tables].join("\n").replaceAll(root, "");
const stands = existsSync(file) ? readFileSync(file, "utf8") : "";
if (written !== stands && process.argv.includes("--check")) {
  console.error("docs/configuration.md is not up to date; run: npm run generate");
  process.exitCode = 1;
} else if (written !== stands) {
  writeFileSync(file, written);
}
