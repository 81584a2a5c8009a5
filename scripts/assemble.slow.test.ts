/** What images hold, tried without a container engine: each starts from an empty folder that holds nothing else. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { freePort } from "../test/harness/free-port.ts";
import { assemble, bytesOf, roles, unneeded } from "./assemble.ts";
import { packageOf, specifiersIn } from "./imports.ts";
import { readPackage, root } from "./workspaces.ts";

/** MB, a fifth above what each measures: who passes it looks at what came in. */
const mostMegabytes: Readonly<Record<string, number>> = {
  coordinator: 80,
  worker: 150,
  generator: 30,
  miner: 54,
  prompts: 54,
};

for (const role of Object.keys(roles)) {
  test(`${role}: starts from a folder with nothing but its own`, async (t) => {
    const folder = temporaryFolder(t);
    assemble(role, join(folder, "app"));
    const app = join(folder, "app");

    const megabytes = bytesOf(app) / 1e6;
    t.diagnostic(`${role} ${megabytes.toFixed(0)} MB`);
    assert.ok(megabytes < (mostMegabytes[role] ?? 0), `${megabytes.toFixed(0)} MB`);
    assert.deepEqual(globSync("**/*.{test.ts,d.ts,map}", { cwd: app }), []);
    const cells = "workers/validation/src/render/cpu/kernel/native/cells.node";
    assert.deepEqual(
      globSync("workers/validation/**/native/*", { cwd: app }),
      role === "worker" && existsSync(join(root, cells)) ? [cells] : [],
    );
    assert.deepEqual(globSync("**/{training,win32,darwin}", { cwd: app }), []);
    for (const name of Object.keys(readPackage(".").devDependencies)) {
      assert.ok(
        !existsSync(join(app, "node_modules", name)) || name.startsWith("@connectrpc"),
        name,
      );
    }
    resolveEverything(app);

    const port = await freePort();
    const child = spawn(join(app, "entry"), [], {
      cwd: folder,
      env: environment(folder, port),
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    // Any line of its log: all parts are loaded by then, and what it listens on is the next thing to be there.
    await said(child, /"level":"(info|warn)"/);
    execFileSync(process.execPath, [join(app, "health.mjs")], {
      env: { TURNTABLE_HTTP_PORT: String(port) },
    });
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
}

test("a folder that holds something is refused, and so is an unknown role", (t) => {
  const folder = temporaryFolder(t);
  assemble("generator", join(folder, "app"));
  assert.throws(() => assemble("generator", join(folder, "app")), /is not empty/);
  assert.throws(() => assemble("tests", join(folder, "other")), /no role tests; there are/);
});

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "turntable-image-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Every package that a source names is there, and those with native parts have them for this platform. */
function resolveEverything(app: string): void {
  const wanted = globSync("**/*.ts", { cwd: app, exclude: ["**/node_modules/**"] }).flatMap(
    (file) =>
      specifiersIn(readFileSync(join(app, file), "utf8"))
        .filter((specifier) => {
          const name = packageOf(specifier);
          return name !== undefined && !unneeded.has(name);
        })
        .map((specifier) => [specifier, new URL(file, `file://${app}/`).href]),
  );
  const script = `
    for (const [name, from] of ${JSON.stringify(wanted)}) {
      const url = import.meta.resolve(name, from);
      if (["onnxruntime-node", "sharp", "webgpu"].includes(name)) { await import(url); }
    }
    process.exit(0);`;
  execFileSync(
    process.execPath,
    ["--experimental-import-meta-resolve", "--input-type=module", "--eval", script],
    { cwd: app, stdio: ["ignore", "ignore", "pipe"] },
  );
}

function environment(folder: string, port: number): NodeJS.ProcessEnv {
  return {
    PATH: `${join(process.execPath, "..")}:/usr/bin:/bin`,
    HOME: folder,
    TURNTABLE_HTTP_PORT: String(port),
    TURNTABLE_GRPC_PORT: "0",
    TURNTABLE_AXON_PORT: "0",
    TURNTABLE_AXON_HOST: "127.0.0.1",
    TURNTABLE_DATA_DIR: join(folder, "data"),
    TURNTABLE_HOTKEY_URI: "//Alice",
    // Nobody listens there: coordinator and worker wait, and say so.
    TURNTABLE_NATS_SERVERS: "nats://127.0.0.1:1",
    TURNTABLE_VALIDATOR: "127.0.0.1:1:5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
  };
}

async function said(child: ChildProcess, pattern: RegExp): Promise<void> {
  assert.ok(child.stdout !== null);
  for await (const line of createInterface({ input: child.stdout })) {
    if (pattern.test(line)) {
      child.stdout.resume();
      return;
    }
  }
  assert.fail(`it ended before it said ${pattern}`);
}
