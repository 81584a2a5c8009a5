/**
 * Builds the package that is published, `client-sdk/dist`: what this repository does not publish is bundled into it, what
 * npm has stays a dependency. `node scripts/build-client.ts [DIRECTORY]`.
 */
import { chmod, copyFile, cp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build, type InlineConfig } from "tsdown";
import { packageOf, specifiersIn } from "./imports.ts";
import { readWorkspaces, root } from "./workspaces.ts";

const folder = join(root, "client-sdk");
/** Entries by the name under which they are imported. */
const entries = {
  index: "src/index.ts",
  web: "src/web.ts",
  wallet: "src/wallet.ts",
  admin: "src/admin.ts",
};
/** Files that are started, not imported: they need no declarations. */
const programs = {
  cli: "src/cli/main.ts",
  "hdf5-thread": "../workers/splat/src/hdf5-thread.ts",
};
const oldestNode = "20.19";

async function buildClient(out: string): Promise<void> {
  await rm(out, { recursive: true, force: true });
  const config: InlineConfig = {
    config: false,
    cwd: folder,
    entry: { ...entries, ...programs },
    outDir: out,
    format: "esm",
    platform: "node",
    target: `node${oldestNode}`,
    fixedExtension: false,
    deps: { alwaysBundle: isOurs, neverBundle: published },
    dts: { entry: Object.values(entries), tsconfig: "tsconfig.build.json" },
    plugins: [threadName],
    logLevel: "warn",
    inputOptions: { checks: { pluginTimings: false } },
    suppressWarnings: [/tsgo/],
  };
  const { bundles } = await build(config);
  const specifiers = bundles.flatMap(({ chunks }) =>
    chunks.flatMap((chunk) => (chunk.type === "chunk" ? specifiersIn(chunk.code) : [])),
  );
  const used = new Set(specifiers.flatMap((specifier) => packageOf(specifier) ?? []));
  const manifest = JSON.stringify(await manifestOf(used), undefined, 2);
  await writeFile(join(out, "package.json"), `${manifest}\n`);
  for (const name of ["README.md", "CHANGELOG.md"]) {
    await copyFile(join(folder, name), join(out, name));
  }
  await copyFile(join(root, "LICENSE"), join(out, "LICENSE"));
  await cp(join(folder, "src/cli/viewer"), join(out, "viewer"), { recursive: true });
  await cp(join(folder, "examples"), join(out, "examples"), { recursive: true });
  await chmod(join(out, "cli.js"), 0o755);
}

/** What is bundled: workspaces, and the helpers that syntax of newer Nodes is turned into. */
const isOurs = (specifier: string): boolean =>
  /^@(turntable|oxc-project\/runtime)\//.test(specifier);

/** Whether a specifier names something that npm has. */
function published(specifier: string): boolean {
  return !isOurs(specifier) && !/^[./]/.test(specifier) && packageOf(specifier) !== undefined;
}

/** The thread that reads HDF5 is started by the name of its file. */
const threadName = {
  name: "thread-name",
  transform(code: string, id: string): string | undefined {
    if (!id.endsWith("/splat/src/hdf5-library.ts")) {
      return undefined;
    }
    const named = code.replace('"hdf5-thread.ts"', '"hdf5-thread.js"');
    if (named === code) {
      throw new Error(`${id} starts no hdf5-thread.ts any more: mend scripts/build-client.ts`);
    }
    return named;
  },
};

/** The published package.json: its dependencies are what the built files import, in the versions tried here or later. */
async function manifestOf(used: ReadonlySet<string>): Promise<object> {
  const versions = Object.assign({}, ...readWorkspaces().map(({ dependencies }) => dependencies));
  const { name, version, description, license, author, type, keywords } = JSON.parse(
    await readFile(join(folder, "package.json"), "utf8"),
  );
  const exports = Object.keys(entries).map((entry) => [
    entry === "index" ? "." : `./${entry}`,
    { types: `./${entry}.d.ts`, default: `./${entry}.js` },
  ]);
  return {
    name,
    version,
    description,
    keywords,
    license,
    author,
    type,
    engines: { node: `>=${oldestNode}` },
    exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
    bin: { turntable: "cli.js" },
    sideEffects: Object.keys(programs).map((program) => `./${program}.js`),
    dependencies: Object.fromEntries(
      [...used].toSorted().map((dependency) => [dependency, `^${versions[dependency]}`]),
    ),
  };
}

await buildClient(resolve(process.argv[2] ?? join(folder, "dist")));
