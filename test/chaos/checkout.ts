/** The project as it was, in a folder of its own, to start programs from that are brought up to date later. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
/** Links between the project's own folders, which are to stay within the copy. */
const own = [".bin", "@turntable"];
/** The simulated worker of today around the job loop of then. */
const workerFiles = [
  "test/chaos/worker.ts",
  "test/chaos/scoring.ts",
  "workers/validation/src/internal-jobs.ts",
];

/**
 * @param revision as git knows it; its dependencies have to be those that are installed
 * @param into an empty folder
 */
export function checkOut(revision: string, into: string): void {
  const archive = execFileSync("git", ["archive", revision], { cwd: root, maxBuffer: 2 ** 31 });
  const { status, stderr } = spawnSync("tar", ["-x", "-C", into], { input: archive });
  if (status !== 0) {
    throw new Error(`${revision} could not be unpacked: ${stderr}`);
  }
  const modules = join(root, "node_modules");
  const target = join(into, "node_modules");
  for (const name of own) {
    cpSync(join(modules, name), join(target, name), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of readdirSync(modules).filter((name) => !own.includes(name))) {
    symlinkSync(join(modules, name), join(target, name));
  }
  for (const file of workerFiles) {
    cpSync(join(root, file), join(into, file));
  }
  const worker = join(into, "test/chaos/worker.ts");
  const text = readFileSync(worker, "utf8");
  const path = "../../workers/validation/src/internal-jobs.ts";
  writeFileSync(worker, text.replace("@turntable/validation/internal/jobs", path));
}
