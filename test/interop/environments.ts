/**
 * Python environments with a pinned SDK each, made once and kept under `.cache/interop`. What can't be made (no such
 * Python here, PyPI out of reach) is named with the reason, so that tests say what they skip.
 */
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensurePythonEnvironment } from "../harness/python-environment.ts";

/** The SDKs that interop runs against, with the Python each needs. */
export const sdks = {
  "6.9.4": "3.10",
  "9.0.0": "3.11",
  "9.9.0": "3.11",
  "9.12.2": "3.11",
  "10.5.0": "3.12",
  "11.3.0": "3.12",
} as const;

export type SdkVersion = keyof typeof sdks;

export const sdkVersions = Object.keys(sdks) as SdkVersion[]; // the keys of the object above

/** Those whose axon and dendrite interop runs against; 11 has neither any more. */
export const axonSdkVersions = ["6.9.4", "9.12.2", "10.5.0"] as const satisfies SdkVersion[];

export type Environment =
  | { readonly kind: "ready"; readonly version: SdkVersion; readonly python: string }
  | { readonly kind: "missing"; readonly version: SdkVersion; readonly reason: string };

const run = promisify(execFile);
const cacheDir = join(import.meta.dirname, "..", "..", ".cache", "interop");

/** Makes the environment unless it is there; never throws. */
export async function ensureEnvironment(version: SdkVersion): Promise<Environment> {
  const requirements = join(import.meta.dirname, `requirements-${version}.txt`);
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(cacheDir, `bittensor-${version}-${digest}`);
  const base = findPython(sdks[version]);
  if (base === undefined) {
    return { kind: "missing", version, reason: `there is no Python ${sdks[version]} here` };
  }
  try {
    const packages = ["--no-deps", "-r", requirements];
    const python = await ensurePythonEnvironment(folder, { base, packages });
    if (version === "6.9.4") {
      await writeTorchStandIn(python);
    }
    return { kind: "ready", version, python };
  } catch (error) {
    const [reason = ""] = String(error instanceof Error ? error.message : error)
      .split("\n")
      .slice(-2);
    return { kind: "missing", version, reason: `its packages could not be installed: ${reason}` };
  }
}

/** One on PATH, or one of pyenv's that is not switched on. */
function findPython(version: string): string | undefined {
  const candidates = [
    `python${version}`,
    ...globSync(join(homedir(), ".pyenv", "versions", `${version}.*`, "bin", "python")).toSorted(),
  ];
  // A pyenv shim exists for versions that are off, and fails; so each is tried.
  return candidates.find((candidate) => {
    const asked = spawnSync(candidate, [
      "-c",
      "import sys, venv; print('%d.%d' % sys.version_info[:2])",
    ]);
    return asked.status === 0 && asked.stdout.toString().trim() === version;
  });
}

/**
 * SDK 6.9.4 imports torch, of which axon and dendrite use two names only; the real one has 200 MB and no wheel for
 * newer machines.
 */
async function writeTorchStandIn(python: string): Promise<void> {
  const { stdout } = await run(python, ["-c", "import site; print(site.getsitepackages()[0])"]);
  const folder = join(stdout.trim(), "torch");
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "__init__.py"),
    readFileSync(join(import.meta.dirname, "torch_stand_in.py")),
  );
}
