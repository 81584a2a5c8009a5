/**
 * The SDK as its users get it: built, packed, installed into an empty project of another account, run by the oldest Node
 * that is at hand.
 */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { rolldown } from "rolldown";
import { answerTasks } from "../harness/answer-tasks.ts";
import { startTestSubnet } from "../harness/coordinator.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "turntable-package-"));
after(() => rmSync(directory, { recursive: true }));
const built = join(directory, "built");
let tarball = "";

before(async () => {
  await run(process.execPath, [join(root, "scripts/build-client.ts"), built]);
  const { stdout } = await run("npm", ["pack", built, "--json", "--pack-destination", directory]);
  const [packed]: readonly { readonly filename: string }[] = JSON.parse(stdout);
  tarball = join(directory, packed?.filename ?? assert.fail("npm packed nothing"));
});

describe("the package", { concurrency: true }, () => {
  it("is without fault to publint and arethetypeswrong", async () => {
    const { messages } = await publint({ pkgDir: built, strict: true });
    assert.deepEqual(messages, []);
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    assert.ok(analysis.types !== false, "it has types");
    // The package is for modules alone: a `require` from CommonJS is Node's to refuse or to allow.
    const problems = analysis.problems.filter(
      (problem) =>
        problem.kind !== "CJSResolvesToESM" &&
        !("resolutionKind" in problem && problem.resolutionKind === "node10"),
    );
    assert.deepEqual(problems, []);
  });

  it("gives an empty project an asset in eight lines", async () => {
    const project = join(directory, "project");
    mkdirSync(project);
    chmodSync(directory, 0o755);
    writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
    const install = ["install", tarball, "--no-audit", "--no-fund", "--prefer-offline"];
    await run("npm", install, { cwd: project, timeout: 60_000 });
    assert.doesNotMatch(await bundledForBrowsers(project), /\bfrom "node:|\brequire\(/);
    const user = otherAccount(project);

    const bytes = randomBytes(100_000);
    await using subnet = await startTestSubnet();
    await using _answers = answerTasks(subnet, () => bytes);
    writeFileSync(join(project, "first.js"), firstExample());
    const address = `127.0.0.1:${subnet.coordinator.grpcPort}`;
    const { node, version } = oldestNode();
    const { stdout } = await run(node, ["first.js", address], user);
    assert.match(stdout, /^created\nassigned\nsubmitted\naccepted\nsucceeded\n/, version);
    assert.match(stdout, /verified/);
    assert.deepEqual(readFileSync(join(project, "cube.ply")), bytes);

    const cli = join(project, "node_modules/.bin/turntable");
    const tasks = await run(node, [cli, "tasks", "--server", address], user);
    assert.match(tasks.stdout, /a red cube/);

    const typed = firstExample().replace("(event)", "(event: { readonly kind: string })");
    writeFileSync(join(project, "typed.ts"), typed);
    const compiler = ["--noEmit", "--module", "nodenext", "--strict", "--target", "es2022"];
    const types = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    await run(process.execPath, [tsc, ...compiler, ...types, "typed.ts"], user);
  });
});

/** An application of the web entry, as a bundler makes it of the installed package. */
async function bundledForBrowsers(project: string): Promise<string> {
  const input = join(project, "web.js");
  writeFileSync(input, 'export * from "@turntable/client/web";\n');
  await using bundle = await rolldown({ input, platform: "browser" });
  const { output } = await bundle.generate({ codeSplitting: false });
  return output[0].code;
}

/** The first example of the README, between imports and the end of its fence, as a program that takes the address. */
function firstExample(): string {
  const readme = readFileSync(join(root, "client-sdk/README.md"), "utf8");
  const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? assert.fail("the README has no example");
  const lines = example.split("\n").filter((line) => line !== "");
  assert.equal(lines.length, 8, "as short as it is promised");
  const told = example.replace('"127.0.0.1:50051"', "process.argv[2] ?? ''");
  assert.notEqual(told, example);
  return told;
}

/** An account without files of ours, where this process may change to one; else the own with another home. */
function otherAccount(project: string) {
  const options = { cwd: project, env: { HOME: project, PATH: process.env.PATH }, timeout: 60_000 };
  if (process.getuid?.() !== 0) {
    return options;
  }
  const nobody = 65_534;
  execFileSync("chown", ["-R", `${nobody}:${nobody}`, project]);
  return { ...options, uid: nobody, gid: nobody };
}

/** The SDK promises Node 20.19; what is on PATH beside the project's own may be older than that. */
function oldestNode(): { readonly node: string; readonly version: string } {
  const found = (process.env.PATH ?? "").split(delimiter).flatMap((folder) => {
    try {
      const node = join(folder, "node");
      return [{ node, version: execFileSync(node, ["--version"], { encoding: "utf8" }).trim() }];
    } catch {
      return [];
    }
  });
  const number = (version: string): number => {
    const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
    return major * 1000 + minor;
  };
  const [oldest] = found
    .filter(({ version }) => number(version) >= 20_019)
    .toSorted((a, b) => number(a.version) - number(b.version));
  return oldest ?? { node: process.execPath, version: process.version };
}
