/** Python environments of pinned packages, made once and kept under `.cache`. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Installing takes minutes on a slow line. */
const installTimeoutMs = 15 * 60_000;

export interface PythonEnvironmentOptions {
  /** Whose environment it becomes: a Python 3 with `venv`. */
  readonly base: string;
  /** As pip takes them: `grpcio==1.76.0`, or `--no-deps -r FILE` in three. */
  readonly packages: readonly string[];
}

/**
 * Makes the environment in this folder, unless it is there and whole.
 * @returns the path of its `python`
 * @throws when the base is no such Python, or PyPI is out of reach
 */
export async function ensurePythonEnvironment(
  folder: string,
  { base, packages }: PythonEnvironmentOptions,
): Promise<string> {
  const python = join(folder, "bin", "python");
  const complete = join(folder, "complete");
  if (existsSync(complete)) {
    return python;
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, ".."), { recursive: true });
  await run(base, ["-m", "venv", folder]);
  const pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  await run(python, [...pip, ...packages], { timeout: installTimeoutMs, maxBuffer: 1 << 24 });
  await writeFile(`${complete}.tmp`, "");
  await rename(`${complete}.tmp`, complete);
  return python;
}
