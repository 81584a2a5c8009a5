/** Writes the configuration tables of the README from the processes' schemas; with --check only compares. */
import { readFileSync, writeFileSync } from "node:fs";
import { coordinatorConfig } from "@turntable/coordinator/config";
import { generatorConfig } from "@turntable/generation/config";
import { minerConfig } from "@turntable/miner/config";
import { configTable } from "@turntable/process";
import { serveConfig, workerConfig } from "@turntable/validation/config";

const file = new URL("../README.md", import.meta.url).pathname;
const [begin, end] = ["<!-- configuration -->", "<!-- /configuration -->"];

const tables = [coordinatorConfig, workerConfig, serveConfig, generatorConfig, minerConfig].map(
  (definition) => `### ${definition.command}\n\n${configTable(definition)}\n`,
);
const readme = readFileSync(file, "utf8");
const before = readme.slice(0, readme.indexOf(begin) + begin.length);
const after = readme.slice(readme.indexOf(end));
// Defaults that are paths of the project are shown from its root.
const root = new URL("..", import.meta.url).pathname;
const written = `${before}\n${tables.join("\n").replaceAll(root, "")}${after}`;
if (written !== readme && process.argv.includes("--check")) {
  console.error("the configuration tables of README.md are not up to date; run: npm run generate");
  process.exitCode = 1;
} else if (written !== readme) writeFileSync(file, written);
