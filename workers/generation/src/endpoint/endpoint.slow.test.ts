import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { formatOf, readAsset, writePly } from "@turntable/splat";
import { readHdf5 } from "@turntable/splat/hdf5";
import {
  type EngineAnswer,
  EngineError,
  type EngineRequest,
  type GenerationEngine,
} from "../engines/index.ts";
import { generate } from "../procedural/generate.ts";
import { type EndpointOptions, startGenerationEndpoint } from "./endpoint.ts";

const loopback = { host: "127.0.0.1", port: 0 } as const;
const start = (options: Partial<EndpointOptions> = {}) =>
  startGenerationEndpoint({ ...loopback, ...options });
const ask = (url: string, fields: Record<string, string>, init: RequestInit = {}) =>
  fetch(url, { method: "POST", body: new URLSearchParams(fields), ...init });

/** An engine whose generations end when the test says so. */
function createGatedEngine() {
  const started: {
    request: EngineRequest;
    signal: AbortSignal;
    finish(): void;
    fail(error: Error): void;
  }[] = [];
  const waiters: (() => void)[] = [];
  const answer: EngineAnswer = {
    bytes: Buffer.from("asset"),
    format: "ply",
    splats: 1,
    unknownWords: [],
  };
  const engine: GenerationEngine = {
    name: "procedural",
    concurrency: 1,
    generate: (request, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        started.push({ request, signal, finish: () => resolve(answer), fail: reject });
        for (const wake of waiters.splice(0)) {
          wake();
        }
      }),
    async [Symbol.asyncDispose]() {},
  };
  return {
    engine,
    /** The generation of this number, once it has begun. */
    async begun(index: number) {
      while (started.length <= index) {
        await new Promise<void>((resolve) => waiters.push(resolve));
      }
      const found = started[index];
      assert.ok(found);
      return found;
    },
    get count() {
      return started.length;
    },
  };
}

/** Until /health says so; each look is a request of its own, so nothing is waited for by the clock. */
async function untilHealth(url: string, expected: { running: number; waiting: number }) {
  for (;;) {
    const health = (await (await fetch(`${url}/health`)).json()) as typeof expected;
    if (health.running === expected.running && health.waiting === expected.waiting) {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("/generate/ answers miners of 2025 with the asset's bytes", async () => {
  await using endpoint = await start({ protocolYear: "2025" });
  const response = await ask(`${endpoint.url}/generate/`, { prompt: "a red cube", seed: "1" });
  assert.equal(response.headers.get("content-type"), "application/x-ply");
  const raw = await ask(`${endpoint.url}/generate_raw/`, { prompt: "a red cube", seed: "1" });
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.equal(bytes.subarray(0, 4).toString(), "ply\n");
  assert.deepEqual(bytes, Buffer.from(await raw.arrayBuffer()));
});

test("form, JSON and multipart give the same asset, as base64 text", async () => {
  await using endpoint = await start();
  const expected = Buffer.from(writePly(generate({ prompt: "a red cube", splats: 3000 }).splat));
  const fields = { prompt: "a red cube", splats: "3000" };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.set(name, value);
  }
  const bodies: RequestInit[] = [
    { body: new URLSearchParams(fields) },
    {
      body: JSON.stringify({ ...fields, splats: 3000 }),
      headers: { "content-type": "application/json" },
    },
    { body: form },
  ];
  for (const body of bodies) {
    const response = await fetch(`${endpoint.url}/generate/`, { method: "POST", ...body });
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type") ?? "", /^text\/plain/);
    assert.deepEqual(Buffer.from(await response.text(), "base64"), expected);
  }
});

test("raw bytes in the format that Accept or the query names", async () => {
  await using endpoint = await start();
  const fields = { prompt: "a red cube", splats: "3000" };
  const asked = [
    ["ply", "", undefined],
    ["spz", "?format=spz", undefined],
    ["hdf5", "?format=hdf5", undefined],
    ["spz", "", "application/x-spz"],
  ] as const;
  for (const [format, query, accept] of asked) {
    const response = await ask(`${endpoint.url}/generate_raw/${query}`, fields, {
      headers: accept === undefined ? {} : { accept },
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), `application/x-${format}`);
    assert.equal(response.headers.get("x-asset-format"), format);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const splat = await readAsset(bytes, { readHdf5 });
    assert.equal(String(splat.count), response.headers.get("x-splats"));
    if (format !== "spz") {
      assert.equal(formatOf(bytes), format);
    }
  }
});

test("words without effect, seed and count are in the headers, and in JSON where that is accepted", async () => {
  await using endpoint = await start();
  const fields = { prompt: "a wooden größe cube", seed: "7", splats: "2000" };
  const plain = await ask(`${endpoint.url}/generate/`, fields);
  const unknown = plain.headers.get("x-unknown-words")?.split(",").map(decodeURIComponent);
  assert.deepEqual(unknown, ["wooden", "größe"]);
  assert.equal(plain.headers.get("x-seed"), "7");
  await plain.text();
  const json = await ask(`${endpoint.url}/generate/`, fields, {
    headers: { accept: "application/json" },
  });
  const body = (await json.json()) as Record<string, unknown>;
  assert.deepEqual(body.unknownWords, ["wooden", "größe"]);
  assert.equal(body.seed, 7);
  assert.equal(body.format, "ply");
  assert.equal(typeof body.asset, "string");
});

const bad: readonly (readonly [string, number, RegExp, RequestInit])[] = [
  ["no prompt", 400, /prompt is missing/, { body: new URLSearchParams({}) }],
  ["an empty prompt", 400, /prompt is empty/, { body: new URLSearchParams({ prompt: "  " }) }],
  [
    "a prompt of 10,000 characters",
    400,
    /longer than 1024/,
    { body: new URLSearchParams({ prompt: "x".repeat(10_000) }) },
  ],
  ["a seed below 0", 400, /seed/, { body: new URLSearchParams({ prompt: "a cube", seed: "-1" }) }],
  [
    "too many splats",
    400,
    /splats/,
    { body: new URLSearchParams({ prompt: "a cube", splats: "5000000" }) },
  ],
  [
    "an unknown quality",
    400,
    /quality/,
    { body: new URLSearchParams({ prompt: "a cube", quality: "best" }) },
  ],
  [
    "an unknown format",
    400,
    /format/,
    { body: new URLSearchParams({ prompt: "a cube", format: "obj" }) },
  ],
  [
    "a prompt that is no text",
    400,
    /prompt/,
    { body: '{"prompt": 5}', headers: { "content-type": "application/json" } },
  ],
  ["broken JSON", 400, /not JSON/, { body: "{", headers: { "content-type": "application/json" } }],
  [
    "JSON that is no object",
    400,
    /object/,
    { body: "[]", headers: { "content-type": "application/json" } },
  ],
  [
    "a broken multipart form",
    400,
    /multipart/,
    { body: "x", headers: { "content-type": "multipart/form-data; boundary=b" } },
  ],
  [
    "another content type",
    415,
    /not read/,
    { body: "a cube", headers: { "content-type": "text/plain" } },
  ],
  [
    "a compressed body",
    415,
    /Content-Encoding gzip is not read/,
    { body: new URLSearchParams({ prompt: "a cube" }), headers: { "content-encoding": "gzip" } },
  ],
  [
    "a body of 200 kB",
    413,
    /longer than 65536/,
    { body: "x".repeat(200_000), headers: { "content-type": "application/json" } },
  ],
];
for (const [what, status, message, init] of bad) {
  test(`${what} is answered ${status}`, async () => {
    await using endpoint = await start();
    const response = await fetch(`${endpoint.url}/generate/`, { method: "POST", ...init });
    assert.equal(response.status, status);
    const body = (await response.json()) as { error: string; code: string };
    assert.match(body.error, message);
    assert.equal(body.code, "bad-request");
  });
}

test("other paths and methods are named", async () => {
  await using endpoint = await start();
  assert.equal((await fetch(`${endpoint.url}/nothing`)).status, 404);
  assert.equal((await fetch(`${endpoint.url}/generate/`)).status, 405);
  assert.equal((await fetch(`${endpoint.url}/health`, { method: "POST" })).status, 405);
  const health = await fetch(`${endpoint.url}/health`);
  assert.deepEqual(await health.json(), {
    status: "ok",
    engine: "procedural",
    running: 0,
    waiting: 0,
  });
});

test("a full line is answered 503 with Retry-After, and those in it know their position", async () => {
  const gate = createGatedEngine();
  await using endpoint = await start({ engine: gate.engine, queueCapacity: 1 });
  const url = `${endpoint.url}/generate_raw/`;
  const first = ask(url, { prompt: "one" });
  const running = await gate.begun(0);
  const second = ask(url, { prompt: "two" });
  await untilHealth(endpoint.url, { running: 1, waiting: 1 });

  const third = await ask(url, { prompt: "three" });
  assert.equal(third.status, 503);
  assert.ok(Number(third.headers.get("retry-after")) >= 1);
  assert.match(((await third.json()) as { error: string }).error, /1 requests are waiting/);

  running.finish();
  assert.equal((await first).headers.get("x-queue-position"), "0");
  const next = await gate.begun(1);
  assert.equal(next.request.prompt, "two");
  next.finish();
  assert.equal((await second).headers.get("x-queue-position"), "1");
  assert.equal(gate.count, 2, "the third never reached the engine");
});

test("a caller that leaves ends its generation, and gives its place in the line back", async () => {
  const gate = createGatedEngine();
  await using endpoint = await start({ engine: gate.engine, queueCapacity: 1 });
  const url = `${endpoint.url}/generate_raw/`;
  const leaving = [new AbortController(), new AbortController()] as const;
  const first = ask(url, { prompt: "one" }, { signal: leaving[0].signal });
  const running = await gate.begun(0);
  const second = ask(url, { prompt: "two" }, { signal: leaving[1].signal });
  await untilHealth(endpoint.url, { running: 1, waiting: 1 });

  leaving[1].abort();
  await assert.rejects(second, { name: "AbortError" });
  await untilHealth(endpoint.url, { running: 1, waiting: 0 });

  const aborted = once(running.signal, "abort");
  leaving[0].abort();
  await assert.rejects(first, { name: "AbortError" });
  await aborted;
  await untilHealth(endpoint.url, { running: 0, waiting: 0 });
  assert.equal(gate.count, 1, "the one that left the line never began");
});

test("the procedural engine stops at once when its caller leaves, and goes on with the next", async () => {
  await using endpoint = await start();
  const leaving = new AbortController();
  const long = ask(
    `${endpoint.url}/generate_raw/`,
    { prompt: "a checkered castle", splats: "200000" },
    { signal: leaving.signal },
  );
  await untilHealth(endpoint.url, { running: 1, waiting: 0 });
  leaving.abort();
  await assert.rejects(long, { name: "AbortError" });
  const response = await ask(`${endpoint.url}/generate_raw/`, { prompt: "a cube", splats: "1000" });
  assert.equal(response.status, 200);
  const metrics = await (await fetch(`${endpoint.url}/metrics`)).text();
  assert.match(metrics, /turntable_generator_requests_total\{[^}]*outcome="caller-left"[^}]*\} 1/);
  assert.match(metrics, /turntable_generator_requests_total\{[^}]*outcome="ok"[^}]*\} 1/);
});

test("the endpoint answers while a generation runs", async () => {
  await using endpoint = await start();
  const long = ask(`${endpoint.url}/generate_raw/`, { prompt: "a castle", splats: "100000" });
  await untilHealth(endpoint.url, { running: 1, waiting: 0 });
  assert.equal((await long).status, 200);
});

test("an engine over its time is answered 504, and told to stop", async () => {
  const gate = createGatedEngine();
  await using endpoint = await start({ engine: gate.engine, timeoutMs: 20 });
  const response = await ask(`${endpoint.url}/generate/`, { prompt: "one" });
  assert.equal(response.status, 504);
  assert.equal(((await response.json()) as { code: string }).code, "timeout");
  assert.ok((await gate.begun(0)).signal.aborted);
});

test("a fault of ours is answered 500 without its cause, which is handed over", async () => {
  const gate = createGatedEngine();
  const bugs: unknown[] = [];
  await using endpoint = await start({ engine: gate.engine, onBug: (error) => bugs.push(error) });
  const asked = ask(`${endpoint.url}/generate/`, { prompt: "one" });
  const bug = new TypeError("secret of ours");
  (await gate.begun(0)).fail(bug);
  const response = await asked;
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
  assert.deepEqual(bugs, [bug]);
});

for (const [code, status] of [
  ["unreachable", 502],
  ["failed", 502],
  ["bad-answer", 502],
  ["too-large", 502],
  ["bad-request", 400],
  ["busy", 503],
] as const) {
  test(`an engine that ends with ${code} is answered ${status}`, async () => {
    const gate = createGatedEngine();
    await using endpoint = await start({ engine: gate.engine });
    const asked = ask(`${endpoint.url}/generate/`, { prompt: "one" });
    (await gate.begun(0)).fail(new EngineError(code, "because"));
    const response = await asked;
    assert.equal(response.status, status);
    assert.deepEqual(await response.json(), { code, error: "because" });
    if (status === 503) {
      assert.equal(response.headers.get("retry-after"), "5");
    }
  });
}

test("shutting down finishes what runs and turns away what waits", async () => {
  const gate = createGatedEngine();
  const endpoint = await start({ engine: gate.engine });
  const url = `${endpoint.url}/generate_raw/`;
  const first = ask(url, { prompt: "one" });
  const running = await gate.begun(0);
  const second = ask(url, { prompt: "two" });
  await untilHealth(endpoint.url, { running: 1, waiting: 1 });
  const disposed = endpoint[Symbol.asyncDispose]();
  assert.equal((await second).status, 503);
  running.finish();
  assert.equal((await first).status, 200);
  await disposed;
});

test("a caller that breaks off in the middle of its body harms nobody", async () => {
  await using endpoint = await start();
  const socket = connect(endpoint.port, "127.0.0.1");
  await once(socket, "connect");
  socket.write("POST /generate/ HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nprompt=a");
  socket.destroy();
  await once(socket, "close");
  assert.equal(
    (await ask(`${endpoint.url}/generate/`, { prompt: "a cube", splats: "1000" })).status,
    200,
  );
});
