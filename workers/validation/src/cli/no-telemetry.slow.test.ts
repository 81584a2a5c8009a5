/**
 * What runs models would report to its maker, through a proxy where there is one, and keep a device id in the user's
 * cache folder. That no program connects to anybody else either is watched in `test/e2e`.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../main.ts", import.meta.url));
/** With reports on, the first was tried 7.5 s after the process was ready, and the device id was written at once. */
const watchedMs = 10_000;

interface Home extends AsyncDisposable {
  readonly folder: string;
  /** With a proxy that keeps what it is asked for; neither `CI` nor a choice of the caller's, which would hide reports. */
  readonly env: Readonly<Record<string, string>>;
  readonly asked: readonly string[];
}

async function createHome(): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), "turntable-home-"));
  const asked: string[] = [];
  const proxy = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (bytes) => {
      asked.push(bytes.toString("latin1").split("\r\n")[0] ?? "");
      socket.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  if (address === null || typeof address === "string") {
    throw new Error("no port");
  }
  const url = `http://127.0.0.1:${address.port}`;
  const path = process.env.PATH ?? "";
  return {
    folder,
    asked,
    env: { PATH: path, HOME: folder, http_proxy: url, https_proxy: url, HTTPS_PROXY: url },
    async [Symbol.asyncDispose]() {
      proxy.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function untilReady(t: TestContext, child: ChildProcess): Promise<void> {
  t.after(() => child.kill("SIGKILL"));
  const { stdout } = child;
  if (stdout === null) {
    throw new Error("no output to read");
  }
  const lines = createInterface({ input: stdout });
  for await (const line of lines) {
    if (JSON.parse(line).msg === "ready") {
      return;
    }
  }
  throw new Error("it ended before it was ready");
}

test("the endpoint asks no proxy for anything and leaves nothing in the user's home", async (t) => {
  await using home = await createHome();
  const serve = spawn(process.execPath, [program, "serve", "--http-port", "0"], {
    env: home.env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(serve, "exit");
  await untilReady(t, serve);
  await setTimeout(watchedMs);
  serve.kill("SIGTERM");
  await exited;
  assert.deepEqual(home.asked, []);
  assert.deepEqual(await readdir(home.folder, { recursive: true }), []);
});
