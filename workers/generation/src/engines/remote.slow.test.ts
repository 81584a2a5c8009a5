import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { readPly, writePly } from "@turntable/splat";
import { startGenerationEndpoint } from "../endpoint/index.ts";
import { generate } from "../procedural/generate.ts";
import { createCommandEngine } from "./command.ts";
import type { EngineRequest, GenerationEngine } from "./engine.ts";
import { createHttpEngine } from "./http.ts";

const request: EngineRequest = { prompt: "a red cube", seed: 3, splats: 2000, format: "ply" };
const never = new AbortController().signal;
const cube = writePly(generate(request).splat);

/** A server that answers as told, and the engine that asks it. */
async function remote(listener: RequestListener, path = "") {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    engine: createHttpEngine({ url: `http://127.0.0.1:${port}${path}`, concurrency: 1 }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const failsWith = (engine: GenerationEngine, code: string, message: RegExp) =>
  assert.rejects(engine.generate(request, never), { name: "EngineError", code, message });

test("another of our endpoints is an engine: same bytes, words and all", async () => {
  await using endpoint = await startGenerationEndpoint({ host: "127.0.0.1", port: 0 });
  await using front = await startGenerationEndpoint({
    host: "127.0.0.1",
    port: 0,
    engine: createHttpEngine({ url: endpoint.url, concurrency: 1 }),
  });
  const response = await fetch(`${front.url}/generate_raw/`, {
    method: "POST",
    body: new URLSearchParams({ prompt: "a red wooden cube", seed: "3", splats: "2000" }),
  });
  assert.equal(response.headers.get("x-unknown-words"), "wooden");
  const bytes = new Uint8Array(await response.arrayBuffer());
  assert.deepEqual(bytes, new Uint8Array(cube));
});

test("a generator that only knows base64 text, at a path of its own, is understood", async () => {
  let seen = "";
  await using server = await remote((incoming, response) => {
    incoming.on("data", (chunk: Buffer) => {
      seen = `${incoming.url} ${new URLSearchParams(chunk.toString()).get("prompt")}`;
    });
    incoming.on("end", () => response.end(Buffer.from(cube).toString("base64")));
  }, "/generate/");
  const answer = await server.engine.generate(request, never);
  assert.deepEqual(new Uint8Array(answer.bytes), new Uint8Array(cube));
  assert.equal(seen, "/generate/ a red cube");
});

test("an asset in another format is turned into the one that was asked for", async () => {
  await using server = await remote((_, response) => response.end(cube));
  const answer = await server.engine.generate({ ...request, format: "spz" }, never);
  assert.equal(answer.format, "spz");
  assert.ok(answer.bytes.length < cube.length / 4);
});

test("an answer that is no asset is refused, with what was wrong", async () => {
  await using text = await remote((_, response) => response.end("sorry, no GPU today"));
  await failsWith(text.engine, "bad-answer", /no asset/);
  await using half = await remote((_, response) => response.end(cube.subarray(0, cube.length / 2)));
  await failsWith(half.engine, "bad-answer", /no asset/);
  await using empty = await remote((_, response) => response.end());
  await failsWith(empty.engine, "bad-answer", /no bytes/);
});

test("what the generator says when it fails is passed on", async () => {
  await using broken = await remote((_, response) => response.writeHead(500).end("out of memory"));
  await failsWith(broken.engine, "failed", /500: out of memory/);
  await using refusing = await remote((_, response) => response.writeHead(400).end("too rude"));
  await failsWith(refusing.engine, "bad-request", /too rude/);
  await using busy = await remote((_, response) =>
    response.writeHead(503, { "retry-after": "17" }).end("busy"),
  );
  await assert.rejects(busy.engine.generate(request, never), { code: "busy", retryAfterS: 17 });
});

test("nobody there, and an answer that breaks off, are `unreachable`", async () => {
  const gone = await remote(() => {});
  await gone[Symbol.asyncDispose]();
  await failsWith(gone.engine, "unreachable", /no answer/);
  await using cut = await remote((_, response) => {
    response.writeHead(200, { "content-length": cube.length });
    response.write(cube.subarray(0, 1000), () => response.destroy());
  });
  await failsWith(cut.engine, "unreachable", /broke off/);
});

test("an endless answer is cut at the limit", async () => {
  await using server = await remote((_, response) => {
    const chunk = Buffer.alloc(1 << 20);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk)) {}
      response.once("drain", more);
    };
    more();
  });
  await failsWith(server.engine, "too-large", /larger than/);
});

test("a generator that hangs ends with the signal's reason", async () => {
  await using server = await remote(() => {});
  await assert.rejects(server.engine.generate(request, AbortSignal.timeout(30)), {
    name: "TimeoutError",
  });
});

const node = process.execPath;
const command = (...args: string[]) =>
  createCommandEngine({ command: [node, ...args], concurrency: 1 });

test("a program's standard output is the asset; its arguments are filled in, without a shell", async () => {
  const script = `
    const [prompt, seed, splats, format] = process.argv.slice(1);
    const { generate } = await import(${JSON.stringify(new URL("../procedural/generate.ts", import.meta.url).href)});
    const { writePly } = await import("@turntable/splat");
    if (format !== "ply") throw new Error(format);
    process.stdout.write(writePly(generate({ prompt, seed: Number(seed), splats: Number(splats) }).splat));`;
  const engine = command(
    "--input-type=module",
    "-e",
    script,
    "{prompt}",
    "{seed}",
    "{splats}",
    "{format}",
  );
  const prompt = 'a red cube; $(id) "{seed}"';
  const answer = await engine.generate({ ...request, prompt }, never);
  assert.deepEqual(readPly(answer.bytes), generate({ ...request, prompt }).splat);
});

test("without {prompt} the prompt goes to the standard input", async () => {
  const engine = command(
    "-e",
    `process.stdin.on("data", (text) => { console.error("got " + text); process.exit(3); })`,
  );
  await failsWith(engine, "failed", /status 3: got a red cube/);
});

test("a program that is missing, is killed, or writes no asset gives a clear error", async () => {
  const missing = createCommandEngine({ command: ["/no/such/program"], concurrency: 1 });
  await failsWith(missing, "unreachable", /does not start/);
  await failsWith(command("-e", `process.kill(process.pid, "SIGKILL")`), "failed", /SIGKILL/);
  await failsWith(command("-e", `console.log("hello")`), "bad-answer", /no asset/);
  assert.throws(() => createCommandEngine({ command: [], concurrency: 1 }), RangeError);
});

test("a program over its time is ended", async () => {
  const engine = command("-e", `setInterval(() => {}, 1000)`);
  await assert.rejects(engine.generate(request, AbortSignal.timeout(100)), {
    name: "TimeoutError",
  });
});
