/**
 * What an image of the cluster holds, as a folder: `node scripts/assemble.ts ROLE FOLDER`. The Dockerfile runs it, so that
 * what is tested without a container engine is what is shipped.
 *
 * 1. Sources are those of the role's workspace and of the workspaces that it depends on; no tests, no documents.
 * 2. Packages are those that these workspaces reach by `dependencies`, from this checkout's node_modules, which `npm ci`
 *    filled from the lock file; what a role never loads is left out by name, with the reason.
 * 3. Files that only compilers, debuggers and other platforms read are left out.
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { z } from "zod";
import { readWorkspaces, root, type Workspace } from "./workspaces.ts";

interface Role {
  readonly workspace: string;
  /** Its program in the workspace's `bin`. */
  readonly command: string;
  /** What the program does when it is told nothing. */
  readonly defaultArguments: readonly string[];
  /** Below `resources`. */
  readonly resources: readonly string[];
  /** What says that the process lives. */
  readonly health: { readonly port: number; readonly path: string };
}

export const roles: Readonly<Record<string, Role>> = {
  coordinator: {
    workspace: "@turntable/coordinator",
    command: "turntable-coordinator",
    defaultArguments: [],
    resources: ["prompts.txt"],
    health: { port: 9090, path: "/livez" },
  },
  worker: {
    workspace: "@turntable/validation",
    command: "turntable-worker",
    defaultArguments: ["run"],
    resources: ["profiles", "models/known.json", "models/turntable-small"],
    health: { port: 9091, path: "/livez" },
  },
  generator: {
    workspace: "@turntable/generation",
    command: "turntable-generator",
    defaultArguments: [],
    resources: [],
    health: { port: 8094, path: "/health" },
  },
  miner: {
    workspace: "@turntable/miner",
    command: "turntable-miner",
    defaultArguments: [],
    resources: [],
    health: { port: 9092, path: "/livez" },
  },
  prompts: {
    workspace: "@turntable/prompts",
    command: "turntable-prompts",
    defaultArguments: ["serve"],
    resources: [],
    health: { port: 8095, path: "/livez" },
  },
};

/** Packages that others name as dependencies and that no process of ours loads. */
export const unneeded: ReadonlySet<string> = new Set([
  // The light client and the mock provider of polkadot's RPC package; the latter brings 70 MB of recorded metadata.
  "@substrate/connect",
  "@polkadot/types-support",
  "mock-socket",
  "nock",
  // The `gl` backend: it needs a compiler at installation and X11's libraries. Images render by `cpu` and `webgpu`.
  "gl",
  "three",
  // Fetches CUDA's provider at installation; what it fetched stays.
  "adm-zip",
  "global-agent",
]);

/** Folders and files of our own workspaces that no process reads. */
const developmentEntries =
  /(^|\/)(node_modules|test|examples|simulation|web|dist|coverage)(\/|$)|\.test\.ts$|\.test-process\.ts$|(^|\/)kernels\/(build|compile)\.ts$|\.(md|as|cc|h|proto|webp|py|yaml)$|(^|\/)(biome|tsconfig[^/]*)\.json$/;

/** Types, sources before compilation, source maps and documents of packages. */
const unreadFiles = /\.(d\.[cm]?ts|[cm]?ts|tsx|map|md|markdown|flow|c|cc|cpp|h|gyp|gypi)$/i;
/** Folders of packages with binaries for each platform: `linux/x64` in one, `linux-x64` in the other. */
const platformFolder =
  /(^|\/)(?:(darwin|win32|linux)(?:\/(x64|arm64)|(?=$))|(darwin|win32|linux)-([a-z0-9]+))(\/|$)/;

const manifestSchema = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
});

if (import.meta.main) {
  const [role = "", folder = ""] = process.argv.slice(2);
  if (!(role in roles) || folder === "") {
    console.error(`usage: assemble.ts ROLE FOLDER, ROLE one of ${Object.keys(roles).join(", ")}`);
    process.exitCode = 2;
  } else {
    assemble(role, resolve(folder));
  }
}

/**
 * Fills a folder with what the role's image has in /app.
 * @param folder an absolute path, empty or not there
 */
export function assemble(roleName: string, folder: string): void {
  const role = roles[roleName];
  if (role === undefined) {
    throw new Error(`no role ${roleName}; there are ${Object.keys(roles).join(", ")}`);
  }
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Error(`${folder} is not empty`);
  }
  const workspaces = workspacesOf(role.workspace);
  for (const workspace of workspaces) {
    copySources(workspace, folder);
  }
  copyPackages(workspaces, folder);
  for (const path of role.resources) {
    cpSync(join(root, "resources", path), join(folder, "resources", path), {
      recursive: true,
      filter: (source) => !source.endsWith(".md"),
    });
  }
  const page = join(root, "coordinator/web/dist");
  if (roleName === "coordinator" && existsSync(page)) {
    cpSync(page, join(folder, "coordinator/web/dist"), { recursive: true });
  }
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  writeEntry(role, workspaces, folder);
}

/** A workspace and all that it depends on, itself first. */
function workspacesOf(name: string): readonly Workspace[] {
  const all = new Map(readWorkspaces().map((workspace) => [workspace.name, workspace]));
  const found = new Map<string, Workspace>();
  const add = (wanted: string): void => {
    const workspace = all.get(wanted);
    if (workspace !== undefined && !found.has(wanted)) {
      found.set(wanted, workspace);
      Object.keys(workspace.dependencies).forEach(add);
    }
  };
  add(name);
  return [...found.values()];
}

function copySources({ name, folder: from }: Workspace, folder: string): void {
  cpSync(join(root, from), join(folder, from), {
    recursive: true,
    filter: (source) => !developmentEntries.test(relative(join(root, from), source)),
  });
  const link = join(folder, "node_modules", name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(relative(dirname(link), join(folder, from)), link);
}

// --- packages

function copyPackages(workspaces: readonly Workspace[], folder: string): void {
  const names = new Set(workspaces.map(({ name }) => name));
  const copied = new Set<string>();
  const add = (name: string, from: string, isOptional: boolean): void => {
    if (names.has(name) || unneeded.has(name) || name.startsWith("@types/")) {
      return;
    }
    const found = findPackage(name, from);
    if (found === undefined) {
      if (!isOptional) {
        throw new Error(`${name}, which ${from} needs, is not installed: run npm ci`);
      }
      return;
    }
    if (copied.has(found)) {
      return;
    }
    copied.add(found);
    copyPackage(found, folder);
    addDependencies(found);
  };
  const addDependencies = (from: string): void => {
    const manifest = manifestSchema.parse(
      JSON.parse(readFileSync(join(from, "package.json"), "utf8")),
    );
    for (const name of Object.keys(manifest.dependencies)) {
      add(name, from, name in manifest.optionalDependencies);
    }
    for (const name of Object.keys({
      ...manifest.optionalDependencies,
      ...manifest.peerDependencies,
    })) {
      add(name, from, true);
    }
  };
  for (const workspace of workspaces) {
    addDependencies(join(root, workspace.folder));
  }
}

/** Where Node finds a package for a file in `from`: in the nearest node_modules above it. */
function findPackage(name: string, from: string): string | undefined {
  for (let at = from; at.startsWith(root); at = dirname(at)) {
    const candidate = join(at, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) {
      return candidate;
    }
  }
  return undefined;
}

function copyPackage(from: string, folder: string): void {
  cpSync(from, join(folder, relative(root, from)), {
    recursive: true,
    dereference: true,
    // Packages within this one are found by themselves.
    filter: (source) => isRead(relative(from, source)),
  });
}

function isRead(path: string): boolean {
  if (path.split(sep).includes("node_modules") || unreadFiles.test(path)) {
    return false;
  }
  const [, , os1, arch1, os2, arch2] = platformFolder.exec(path) ?? [];
  const os = os1 ?? os2;
  const arch = arch1 ?? arch2 ?? process.arch;
  return os === undefined || (os === process.platform && arch === process.arch);
}

// --- how it starts

function writeEntry(role: Role, workspaces: readonly Workspace[], folder: string): void {
  const program = `${workspaces[0]?.folder}/bin/${role.command}`;
  const set =
    role.defaultArguments.length === 0
      ? ""
      : `[ $# -gt 0 ] || set -- ${role.defaultArguments.join(" ")}\n`;
  const here = `here=$(dirname "$(readlink -f "$0")")\n`;
  writeFileSync(join(folder, "entry"), `#!/bin/sh\n${here}${set}exec "$here/${program}" "$@"\n`);
  chmodSync(join(folder, "entry"), 0o755);
  // On the image's PATH, so that operators call the program by its name.
  mkdirSync(join(folder, "bin"));
  symlinkSync(join("..", program), join(folder, "bin", role.command));
  const { port, path } = role.health;
  writeFileSync(
    join(folder, "health.mjs"),
    `// Says by its exit status whether the process of this image lives.
const port = process.env.TURNTABLE_HTTP_PORT || ${port};
const answer = await fetch(\`http://127.0.0.1:\${port}${path}\`, { signal: AbortSignal.timeout(4000) });
process.exitCode = answer.ok ? 0 : 1;
`,
  );
}

/** Bytes of all files below a folder; links count nothing. */
export function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
