/**
 * Writes the SDK's reference as web pages: `npm run reference [DIRECTORY]`, `client-sdk/dist/reference` when none is
 * given. TypeDoc reads the declarations of the built package. It needs the interface that TypeScript had before 7, so both
 * come for this run alone, through npm's cache.
 */
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { root } from "./workspaces.ts";

const packages = ["typedoc@0.28.20", "typescript@6.0.3"];
const folder = join(root, "client-sdk");
const out = resolve(process.argv[2] ?? join(folder, "dist/reference"));

const entries = ["index", "web", "wallet", "admin"];
const options = [
  ...["--out", out, "--name", "@turntable/client", "--readme", join(folder, "README.md")],
  ...["--tsconfig", join(folder, "tsconfig.reference.json"), "--disableSources"],
  ...["--treatValidationWarningsAsErrors", "--logLevel", "Warn"],
  ...entries.map((entry) => join(folder, `dist/${entry}.d.ts`)),
];
run(process.execPath, [join(root, "scripts/build-client.ts")]);
run("npm", [
  "exec",
  "--yes",
  ...packages.map((name) => `--package=${name}`),
  "--",
  "typedoc",
  ...options,
]);
console.log(`the reference is ${join(out, "index.html")}`);

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) {
    process.exit(status ?? 1);
  }
}
