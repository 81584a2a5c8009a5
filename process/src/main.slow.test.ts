import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { createMetrics } from "./metrics.ts";
import { startStatusServer } from "./status-server.ts";

const program = `
import { runMain } from ${JSON.stringify(new URL("main.ts", import.meta.url).href)};
import { z } from ${JSON.stringify(import.meta.resolve("zod"))};
import { createServer } from "node:net";
await runMain({
  definition: { command: "example", summary: "waits", schema: z.object({ hang: z.boolean().default(false), fail: z.boolean().default(false), broken: z.boolean().default(false), wait: z.boolean().default(false) }) },
  argv: process.argv.slice(1),
  env: {},
  gracePeriodMs: () => 100,
  async start(config, { signal, stop }) {
    const server = createServer().listen(0);
    console.log("started");
    if (config.wait) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      server.close();
      signal.throwIfAborted();
    }
    if (config.broken) throw new Error("the port is taken");
    if (config.fail) stop(new Error("the renderer is gone"));
    return { async [Symbol.asyncDispose]() {
      console.log("draining");
      if (config.hang) await new Promise(() => {});
      server.close();
    } };
  },
});`;

async function run(args: readonly string[], signal?: NodeJS.Signals) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, "--", ...args]);
  let output = "";
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk;
    if (signal !== undefined && chunk.includes("started")) {
      child.kill(signal);
    }
  });
  const [code] = await once(child, "close");
  return { code, output };
}

test("a stop signal drains and exits with 0", async () => {
  const { code, output } = await run([], "SIGTERM");
  assert.equal(code, 0, output);
  assert.match(output, /draining/);
});

test("a drain longer than the grace period is cut with 1", async () => {
  assert.equal((await run(["--hang"], "SIGINT")).code, 1);
});

test("a fault of the running process drains and exits with 1", async () => {
  const { code, output } = await run(["--fail"]);
  assert.equal(code, 1);
  assert.match(output, /draining[\s\S]*the renderer is gone/);
});

test("a start that fails exits with 1, whatever it left open", async () => {
  const { code, output } = await run(["--broken"]);
  assert.equal(code, 1);
  assert.match(output, /the port is taken/);
});

test("a stop signal while the start waits for something exits with 0, and without a complaint", async () => {
  const { code, output } = await run(["--wait"], "SIGTERM");
  assert.deepEqual([code, output], [0, "started\n"]);
});

test("a wrong argument exits with 2 and starts nothing", async () => {
  const { code, output } = await run(["--hnag"]);
  assert.equal(code, 2);
  assert.match(output, /did you mean --hang/);
  assert.doesNotMatch(output, /started/);
});

test("the status server answers liveness, readiness and metrics", async () => {
  const metrics = createMetrics("example");
  metrics.meter.createCounter("jobs").add(3, { outcome: "scored" });
  let notReady: string | undefined = "the bus is away";
  await using server = await startStatusServer({
    host: "127.0.0.1",
    port: 0,
    metrics,
    notReady: () => notReady,
  });
  const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);
  assert.equal((await get("/livez")).status, 200);
  const busy = await get("/readyz");
  assert.equal(busy.status, 503);
  assert.equal(await busy.text(), "the bus is away\n");
  notReady = undefined;
  assert.equal((await get("/readyz")).status, 200);
  assert.match(await (await get("/metrics")).text(), /^jobs_total\{.*outcome="scored".*\} 3/m);
  assert.equal((await get("/other")).status, 404);
});
