/** Writes k8s/nats/permissions.conf from the table of what each role may do; with --check only compares. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { permissionsConf } from "@turntable/bus/nats";

const file = new URL("../k8s/nats/permissions.conf", import.meta.url).pathname;
const written = permissionsConf();
const stands = existsSync(file) ? readFileSync(file, "utf8") : "";
if (written !== stands && process.argv.includes("--check")) {
  console.error("k8s/nats/permissions.conf is not up to date; run: npm run generate");
  process.exitCode = 1;
} else if (written !== stands) {
  writeFileSync(file, written);
}
