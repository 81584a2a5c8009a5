/**
 * Runs each run alone in namespaces of its own: whatever it makes there (processes, mounts, networks) is gone when it
 * has ended, however it ended, and many can run at one time.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFaketime } from "../harness/faketime.ts";
import { type FaultName, faultNames } from "./faults.ts";
import type { ChaosOptions, ChaosRun } from "./run.ts";

const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
/** A run that takes longer has hung. */
const limitMs = 400_000;
/** What programs were compiled to: most of what a run costs is that they start. */
const compiled = join(tmpdir(), "turntable-chaos-compiled");

/** What can be done on this machine. */
export interface Abilities {
  /** Runs a command in namespaces of its own; empty where none can be made. */
  readonly launcher: readonly string[];
  readonly possible: readonly FaultName[];
  /** The other kinds, with why. */
  readonly impossible: readonly { readonly kind: FaultName; readonly why: string }[];
}

export async function findAbilities(): Promise<Abilities> {
  const launcher = findLauncher();
  const hasFaketime = (await findFaketime()) !== undefined;
  const impossible = faultNames.flatMap((kind): Abilities["impossible"] => {
    if (launcher.length === 0 && (kind === "partition" || kind === "full-disk")) {
      return [{ kind, why: "neither namespaces nor mounts can be made here" }];
    }
    return kind === "clock-step" && !hasFaketime ? [{ kind, why: "there is no libfaketime" }] : [];
  });
  const left = new Set(impossible.map(({ kind }) => kind));
  return { launcher, impossible, possible: faultNames.filter((kind) => !left.has(kind)) };
}

/** Not everybody has to be root for namespaces. */
function findLauncher(): readonly string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const args = [...asRoot, ...namespaces];
  const probe = "ip link add probe type bridge && mount -t tmpfs tmpfs /mnt && command -v nsenter";
  const { status } = spawnSync("unshare", [...args, "sh", "-c", probe], { stdio: "ignore" });
  return status === 0 ? ["unshare", ...args] : [];
}

/** The run's result; in words why there is none, when it did not come to its end. */
export async function runIsolated(
  { launcher }: Pick<Abilities, "launcher">,
  options: Omit<ChaosOptions, "isIsolated">,
): Promise<ChaosRun | string> {
  const { directory } = options;
  await mkdir(directory, { recursive: true });
  const argument = JSON.stringify({ ...options, isIsolated: launcher.length > 0 });
  const script = join(import.meta.dirname, "one-run.ts");
  const [program = "", ...args] = [...launcher, process.execPath, script, argument];
  const output = join(directory, "output.log");
  const log = createWriteStream(output);
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  let hasHung = false;
  const timer = setTimeout(() => {
    hasHung = true;
    kill();
  }, limitMs);
  await once(child, "close");
  clearTimeout(timer);
  process.off("exit", kill);
  log.end();
  const result = await readFile(join(directory, "result.json"), "utf8").catch(() => undefined);
  if (result !== undefined) {
    return JSON.parse(result) as ChaosRun; // as one-run.ts wrote it
  }
  const how = hasHung ? `did not end in ${limitMs / 1000} s` : `ended with ${child.exitCode}`;
  return `${how}, see ${output}`;
}
