import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { activeTraceparent, registerTracing } from "@turntable/process";
import { defaultAssetLimits, shC0, writePly } from "@turntable/splat";
import { writeHdf5 } from "@turntable/splat/hdf5";
import sharp from "sharp";
import { createTestSplat, type Renderer, startCpuRenderer } from "../render/index.ts";
import { defaultModelDir, loadClip } from "../score/index.ts";
import { loadProfile } from "../scoring/index.ts";
import { type RequestEvent, startValidationEndpoint } from "./endpoint.ts";
import { scoreHere } from "./scorers.ts";

const renderer = await startCpuRenderer(1);
const clip = await loadClip(defaultModelDir, { threads: 1 });
after(async () => {
  await renderer[Symbol.asyncDispose]();
  await clip[Symbol.asyncDispose]();
});

/** A ball without bumps or haze, lit from above: what the built-in model knows. */
const red = createTestSplat({ count: 3000 });
red.opacities.fill(8);
red.scales.fill(Math.log(0.02));
for (let i = 0; i < red.count; i++) {
  const place = red.positions.subarray(i * 3, i * 3 + 3);
  const length = Math.hypot(...place);
  place.set(place.map((value) => (value / length) * 0.6));
  const light = 0.75 + 0.4 * (place[1] ?? 0);
  red.shDc.set(
    [0.85, 0.08, 0.08].map((value) => (value * light - 0.5) / shC0),
    i * 3,
  );
}
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const ply = base64(writePly(red));

async function endpoint(change: { renderer?: Renderer; queueCapacity?: number } = {}) {
  const events: RequestEvent[] = [];
  const profile = { ...(await loadProfile("sn17-seed")), size: 64 };
  const scorer = { renderer: change.renderer ?? renderer, clip, limits: defaultAssetLimits };
  const running = await startValidationEndpoint({
    host: "127.0.0.1",
    port: 0,
    score: scoreHere(scorer, profile),
    maxBodyBytes: 300_000,
    queueCapacity: change.queueCapacity ?? 16,
    onRequest: (event) => events.push(event),
  });
  const url = `http://127.0.0.1:${running.port}`;
  const post = async (path: string, body: unknown, signal?: AbortSignal) => {
    const response = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: response.status, json: JSON.parse(await response.text()) };
  };
  return { url, post, events, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

test("a request continues its caller's trace", async (t) => {
  const tracing = registerTracing();
  t.after(() => tracing[Symbol.dispose]());
  const seen: (string | undefined)[] = [];
  await using running = await startValidationEndpoint({
    host: "127.0.0.1",
    port: 0,
    async score() {
      seen.push(activeTraceparent());
      return { score: 1, pictures: async () => [] };
    },
    maxBodyBytes: 1000,
    queueCapacity: 1,
  });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  for (const tail of ["01", `01${"x".repeat(7_000)}`]) {
    await fetch(`http://127.0.0.1:${running.port}/validate`, {
      method: "POST",
      body: JSON.stringify({ prompt: "a red cube", data: "AAAA" }),
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-${tail}` },
    });
  }
  assert.match(seen[0] ?? "", new RegExp(`^00-${traceId}-`));
  assert.match(seen[1] ?? "", new RegExp(`^00-(?!${traceId})[0-9a-f]{32}-`), "too long to be one");
});

/** Renders when it is told to; `asked` resolves at the first asset. */
function heldRenderer() {
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const held: Renderer = {
    ...renderer,
    async render(...order) {
      asked.resolve();
      await go.promise;
      return await renderer.render(...order);
    },
  };
  return { renderer: held, asked: asked.promise, go: go.resolve };
}

test("every route of the subnet's own scores, with and without the last slash", async () => {
  await using server = await endpoint();
  const hdf5 = base64(await writeHdf5(red));
  for (const path of ["/validate/", "/validate", "/"]) {
    const { status, json } = await server.post(path, { prompt: "a red ball", data: hdf5 });
    assert.deepEqual([status, Object.keys(json)], [200, ["score"]]);
    assert.ok(json.score > 0.6, `${json.score}`);
  }
  const wrong = await server.post("/validate_ply/", { prompt: "a blue ball", data: ply });
  assert.ok(wrong.json.score < 0.4, `${wrong.json.score}`);
  assert.equal(server.events.length, 4);
  assert.ok(server.events.every((event) => event.cameraSeed !== undefined));
  const version = await fetch(`${server.url}/version/`);
  assert.match(String(await version.json()), /^\d+\.\d+\.\d+/);
});

test("the route of October 2025 gives previews of what scores well enough", async () => {
  await using server = await endpoint();
  const request = {
    prompt: "a red ball",
    data: ply,
    compression: 0,
    generate_single_preview: true,
    generate_grid_preview: true,
    preview_score_threshold: 0.5,
  };
  const { json } = await server.post("/validate_txt_to_3d_ply/", request);
  assert.deepEqual([json.alignment_score, json.iqa, json.ssim, json.lpips], [json.score, 0, 0, 0]);
  const sizeOf = async (text: string) =>
    (await sharp(Buffer.from(text, "base64")).metadata()).width;
  assert.deepEqual([await sizeOf(json.preview), await sizeOf(json.grid_preview)], [64, 128]);
  const strict = { ...request, preview_score_threshold: 1 };
  const none = await server.post("/validate_txt_to_3d_ply/", strict);
  assert.deepEqual([none.json.preview, none.json.grid_preview], [null, null]);
});

test("what cannot be scored is told by a code, never by a score", async () => {
  await using server = await endpoint();
  const cases: readonly (readonly [string, unknown, number, string])[] = [
    ["/validate_ply/", "{", 400, "bad-request"],
    ["/validate_ply/", { prompt: "a ball" }, 400, "bad-request"],
    ["/validate_ply/", { prompt: "a ball", data: "***" }, 400, "bad-request"],
    ["/validate_ply/", { prompt: "x".repeat(1025), data: ply }, 400, "bad-request"],
    ["/validate_ply/", { prompt: "a ball", data: "x".repeat(300_000) }, 413, "too-large"],
    ["/validate_ply/", { prompt: "a ball", data: "AAAA" }, 422, "unknown-format"],
    ["/validate_ply/", { prompt: "a ball", data: ply.slice(0, 8000) }, 422, "truncated"],
    ["/nowhere/", {}, 404, "not-found"],
  ];
  for (const [path, body, status, code] of cases) {
    const answer = await server.post(path, body);
    assert.deepEqual([answer.status, answer.json.code], [status, code], JSON.stringify(answer));
    assert.equal(answer.json.score, undefined);
  }
  assert.equal((await fetch(`${server.url}/validate/`)).status, 405);
});

test("a compressed body is refused with the reason", async () => {
  await using server = await endpoint();
  const response = await fetch(`${server.url}/validate/`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
    body: gzipSync(JSON.stringify({ prompt: "a red ball", data: ply })),
  });
  assert.equal(response.status, 415);
  const { code, detail } = (await response.json()) as { code: string; detail: string };
  assert.equal(code, "unsupported-encoding");
  assert.match(detail, /Content-Encoding gzip is not read/);
});

test("a fault of ours answers 500 without its cause, which the log gets", async () => {
  const broken: Renderer = { ...renderer, render: () => Promise.reject(new Error("no device")) };
  await using server = await endpoint({ renderer: broken });
  const { status, json } = await server.post("/validate_ply/", { prompt: "a ball", data: ply });
  assert.deepEqual([status, json.score], [500, undefined]);
  assert.ok(!JSON.stringify(json).includes("no device"));
  const [event] = server.events;
  assert.match(String(event?.error), /no device/);
  assert.equal(json.error, `internal error ${event?.errorId}`);
});

test("one request more than may wait is answered 503; those that wait are scored in turn", async () => {
  const held = heldRenderer();
  await using server = await endpoint({ renderer: held.renderer, queueCapacity: 1 });
  const body = { prompt: "a red ball", data: ply };
  const first = server.post("/validate_ply/", body);
  await held.asked;
  const others = [server.post("/validate_ply/", body), server.post("/validate_ply/", body)];
  const refused = await Promise.race(others);
  assert.deepEqual([refused.status, refused.json.code], [503, "busy"]);
  held.go();
  const statuses = (await Promise.all([first, ...others])).map(({ status }) => status);
  assert.deepEqual(statuses.toSorted(), [200, 200, 503]);
});

test("a stop finishes what is in work and turns away what comes", async () => {
  const held = heldRenderer();
  const server = await endpoint({ renderer: held.renderer });
  const body = { prompt: "a red ball", data: ply };
  const first = server.post("/validate_ply/", body);
  await held.asked;
  const stopped = server[Symbol.asyncDispose]();
  const refused = await server.post("/validate_ply/", body);
  assert.deepEqual([refused.status, refused.json.code], [503, "stopping"]);
  held.go();
  assert.equal((await first).status, 200);
  await stopped;
});

test("a caller that leaves while it waits is not scored", async () => {
  const held = heldRenderer();
  await using server = await endpoint({ renderer: held.renderer });
  const body = { prompt: "a red ball", data: ply };
  const leaving = new AbortController();
  const first = server.post("/validate_ply/", body, leaving.signal);
  await held.asked;
  leaving.abort();
  await assert.rejects(first);
  const second = server.post("/validate_ply/", body);
  held.go();
  assert.equal((await second).status, 200);
  assert.equal(server.events.filter((event) => event.score !== undefined).length, 1);
});
