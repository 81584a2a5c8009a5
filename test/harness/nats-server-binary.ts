/**
 * Where the tests' nats-server comes from: the one on PATH when it is new enough, else one in `.cache/nats-server`,
 * which is filled from Debian's archive (the system stays as it is) or from the official release, checked against a
 * pinned SHA-256. Never skips: whoever needs the server gets it, or an error that says what to do.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  access,
  constants,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Older ones ignore `term` with a reason and keep acknowledged messages after a crash. */
export const minimumNatsVersion = "2.10.27";

const cacheDirectory = resolve(import.meta.dirname, "../../.cache/nats-server");
const cachedBinary = join(cacheDirectory, "nats-server");

/** Stable first: it has the oldest version that we support. */
const debianSuites = ["trixie", "sid"];
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Checksums as in the Dockerfile of the official image, nats-io/nats-docker 2.10.x/alpine3.22 at ef05cf93. */
const release = {
  version: "2.10.29",
  sha256: new Map([
    ["linux-amd64", "e314da74a83a1d3876db8814c27eb990fe729640fd6452025b441bcede8390da"],
    ["linux-arm64", "da4b27942ecfb4c5f0c54553d2e7f470ddda9d7581cfe8131b351a0e223ed401"],
  ]),
} as const;
const downloadTimeoutMs = 120_000;

export interface NatsServerBinary {
  readonly path: string;
  readonly version: string;
  /** True when this call put it there. */
  readonly isNew: boolean;
}

export class NoNatsServerError extends Error {
  override name = "NoNatsServerError";
  readonly code = "no-nats-server";
}

/** Path of the server that tests are to use, whatever else there is: `scripts/test-nats-versions.ts` sets it. */
export const chosenServerVariable = "TURNTABLE_TEST_NATS_SERVER";

/** @throws NoNatsServerError saying what was tried and what to do */
export async function ensureNatsServer(): Promise<NatsServerBinary> {
  const chosen = process.env[chosenServerVariable];
  if (chosen !== undefined) {
    const version = await versionOf(chosen);
    if (version === undefined) {
      throw new NoNatsServerError(`${chosenServerVariable}=${chosen} is no nats-server`);
    }
    return { path: chosen, version, isNew: false };
  }
  // Debian puts it into /usr/sbin, which is not on everybody's PATH.
  const directories = [
    ...(process.env.PATH ?? "").split(delimiter),
    "/usr/sbin",
    "/usr/local/sbin",
  ];
  const tried: string[] = [];
  for (const path of [
    ...directories.map((directory) => join(directory, "nats-server")),
    cachedBinary,
  ]) {
    const version = await versionOf(path);
    if (version !== undefined && isAtLeast(version, minimumNatsVersion)) {
      return { path, version, isNew: false };
    }
    if (version !== undefined) {
      tried.push(`${path} is ${version}`);
    }
  }
  for (const fetchInto of [(to: string) => fromDebian(to, debianSuites), fromRelease]) {
    try {
      return await install(fetchInto, cachedBinary);
    } catch (error) {
      tried.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new NoNatsServerError(
    [
      `The tests need a nats-server of version ${minimumNatsVersion} or newer, and there is none:`,
      ...tried.map((reason) => `  - ${reason}`),
      "What to do: install one and put it on PATH (https://github.com/nats-io/nats-server/releases, on a Mac",
      `"brew install nats-server"), or copy its binary to ${cachedBinary}`,
    ].join("\n"),
  );
}

/**
 * The oldest server that is supported, or the newest that can be had here: Debian's latest, else what Go builds from
 * its modules (minutes of work, once).
 * @throws NoNatsServerError
 */
export async function ensureNatsServerOf(age: "oldest" | "newest"): Promise<NatsServerBinary> {
  const path = join(cacheDirectory, age, "nats-server");
  const kept = await versionOf(path);
  if (kept !== undefined) {
    return { path, version: kept, isNew: false };
  }
  const ways =
    age === "oldest"
      ? [(directory: string) => fromDebian(directory, ["trixie"]), fromRelease]
      : [(directory: string) => fromDebian(directory, ["sid"]), fromGo];
  const tried: string[] = [];
  for (const fetchInto of ways) {
    try {
      return await install(fetchInto, path);
    } catch (error) {
      tried.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new NoNatsServerError(`no ${age} nats-server can be had: ${tried.join("; ")}`);
}

async function fromGo(directory: string): Promise<string> {
  const goEnv = { ...process.env, GOBIN: directory };
  await run("go", ["install", "github.com/nats-io/nats-server/v2@latest"], { env: goEnv });
  return join(directory, "nats-server");
}

/** `2.10.27` from `nats-server: v2.10.27`; undefined when there is no such program. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ["--version"]);
    return /(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

function isAtLeast(version: string, minimum: string): boolean {
  return version.localeCompare(minimum, "en", { numeric: true }) >= 0;
}

/** Fetches into a folder of its own and moves the binary in place at once, so that two that do it do no harm. */
async function install(
  fetchInto: (directory: string) => Promise<string>,
  into: string,
): Promise<NatsServerBinary> {
  await mkdir(dirname(into), { recursive: true });
  const directory = await mkdtemp(join(cacheDirectory, "fetch-"));
  try {
    const fetched = await fetchInto(directory);
    const version = await versionOf(fetched);
    if (version === undefined || !isAtLeast(version, minimumNatsVersion)) {
      throw new Error(`the nats-server fetched is ${version ?? "not to be run here"}`);
    }
    const beside = `${into}.${process.pid}`;
    await cp(fetched, beside);
    await rename(beside, into);
    return { path: into, version, isNew: true };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A newer suite's package, unpacked; apt keeps its lists and archives in `directory`, not in the system. */
async function fromDebian(directory: string, suites: readonly string[]): Promise<string> {
  try {
    await access(debianKeyring);
    await run("apt-get", ["--version"]);
  } catch {
    throw new Error("Debian's archive: this is not a Debian machine");
  }
  const reasons: string[] = [];
  for (const suite of suites) {
    try {
      return await fromDebianSuite(suite, join(directory, suite));
    } catch (error) {
      reasons.push(`${suite}: ${error instanceof Error ? error.message.trim() : String(error)}`);
    }
  }
  throw new Error(`Debian's archive: ${reasons.join("; ")}`);
}

async function fromDebianSuite(suite: string, directory: string): Promise<string> {
  const { stdout } = await run("apt-get", ["indextargets", "--format", "$(REPO_URI)"]);
  const mirror = stdout.split("\n").find((line) => line !== "" && !line.includes("security"));
  if (mirror === undefined) {
    throw new Error("apt knows no mirror");
  }
  await mkdir(join(directory, "lists/partial"), { recursive: true });
  await mkdir(join(directory, "cache/archives/partial"), { recursive: true });
  const sources = join(directory, "sources.list");
  await writeFile(sources, `deb [signed-by=${debianKeyring}] ${mirror} ${suite} main\n`);
  const options = [
    `Dir::Etc::SourceList=${sources}`,
    "Dir::Etc::SourceParts=-",
    `Dir::State::Lists=${join(directory, "lists")}`,
    `Dir::Cache=${join(directory, "cache")}`,
  ].flatMap((option) => ["-o", option]);
  await run("apt-get", [...options, "update"], { cwd: directory });
  await run("apt-get", [...options, "download", "nats-server"], { cwd: directory });
  await run("sh", ["-c", "dpkg -x nats-server_*.deb unpacked"], { cwd: directory });
  return join(directory, "unpacked/usr/sbin/nats-server");
}

async function fromRelease(directory: string): Promise<string> {
  const platform = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const expected = release.sha256.get(platform);
  if (expected === undefined) {
    throw new Error(`the official release: no checksum is pinned for ${platform}`);
  }
  const name = `nats-server-v${release.version}-${platform}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${release.version}/${name}.tar.gz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) }).catch(
    (error: unknown) => {
      throw new Error(`the official release: ${url} cannot be fetched`, { cause: error });
    },
  );
  if (!response.ok) {
    throw new Error(`the official release: ${url} answers ${response.status}`);
  }
  const archive = join(directory, "release.tar.gz");
  await writeFile(archive, Buffer.from(await response.arrayBuffer()));
  const actual = createHash("sha256")
    .update(await readFile(archive))
    .digest("hex");
  if (actual !== expected) {
    throw new Error(
      `the official release: ${url} has SHA-256 ${actual}, pinned is ${expected}; it was not used`,
    );
  }
  await run("tar", ["-xzf", archive, "-C", directory]);
  return join(directory, name, "nats-server");
}
