import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createMetrics, startStatusServer } from "@turntable/process";
import { attachPage } from "./page.ts";

const document = '<!doctype html><html><head><base href="./" /></head></html>';

/** A coordinator's HTTP port with a page that is built, or is not yet. */
async function open({ path = "/", isBuilt = true } = {}) {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "turntable-page-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const build = (): void => {
    mkdirSync(join(folder, "assets"));
    for (const [name, content] of Object.entries({
      ...{ "index.html": document, "embed.html": document, "icon.svg": "<svg/>" },
      ...{ "assets/main-1a2b.js": "1".repeat(99), "assets/main-1a2b.js.br": "br" },
      ".stamp": "secret",
    })) {
      writeFileSync(join(folder, name), content);
    }
  };
  if (isBuilt) {
    build();
  }
  const server = stack.use(
    await startStatusServer({
      ...{ host: "127.0.0.1", port: 0, metrics: createMetrics("test"), notReady: () => undefined },
      routes(app) {
        app.get("/openapi.json", (context) => context.json({}));
        app.post("/turntable.v1.SubnetService/GetOverview", (context) => context.json({}));
        attachPage(app, { folder, path });
      },
    }),
  );
  const running = stack.move();
  return {
    build,
    get: (place: string, init: RequestInit = {}) =>
      fetch(`${server.url}${place}`, { redirect: "manual", ...init }),
    /** As it is, without a client's own cleaning of paths; the status. */
    raw: (place: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request({ port: server.port, path: place }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test("the page's addresses are answered with its document, which says where the page is", async () => {
  await using page = await open();
  for (const [place, base] of [
    ["/", "./"],
    ["/tasks", "./"],
    ["/tasks/", "../"],
    ["/tasks/1f", "../"],
    ["/tasks/a%2Fb", "../"],
    ["/miners/5Grw", "../"],
    ["/try?prompt=x", "./"],
    ["/viewer", "./"],
    ["/operator", "./"],
  ]) {
    const response = await page.get(place ?? "");
    assert.equal(response.status, 200, place);
    assert.match(await response.text(), new RegExp(`<base href="${base}" />`), place);
    assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  }
});

test("nothing of the coordinator's own is hidden, and nothing else is the page's", async () => {
  await using page = await open();
  assert.equal(await (await page.get("/livez")).text(), "ok\n");
  assert.equal(await (await page.get("/readyz")).text(), "ok\n");
  assert.match(await (await page.get("/metrics")).text(), /target_info/);
  assert.deepEqual(await (await page.get("/openapi.json")).json(), {});
  const rpc = "/turntable.v1.SubnetService/GetOverview";
  assert.equal((await page.get(rpc, { method: "POST" })).status, 200);
  for (const place of [
    "/other",
    "/tasks/1/2",
    "/assets",
    "/assets/none.js",
    "/none.svg",
    "/index.html",
  ]) {
    const response = await page.get(place);
    assert.equal(response.status, 404, place);
    assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  }
  const posted = await page.get("/tasks", { method: "POST" });
  assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET, HEAD"]);
});

test("no path leads out of the folder, or to what is hidden in it", async () => {
  await using page = await open();
  for (const place of [
    ...["/../package.json", "/assets/../../package.json", "/assets/..%2f..%2fpackage.json"],
    ...["/%2e%2e/package.json", "/assets/%2e%2e%2findex.html", "/.stamp", "/assets/..\\.stamp"],
    ...["//etc/passwd", "/assets//etc/passwd", "/assets/main-1a2b.js%00.svg"],
  ]) {
    const status = await page.raw(place);
    assert.ok(status === 404 || status === 400, `${place}: ${status}`);
  }
});

test("files with a hash in their names are kept for ever, the others are asked for again", async () => {
  await using page = await open();
  const hashed = await page.get("/assets/main-1a2b.js");
  assert.equal(hashed.headers.get("cache-control"), "public, max-age=31536000, immutable");
  const icon = await page.get("/icon.svg");
  assert.deepEqual(
    [icon.headers.get("content-type"), icon.headers.get("cache-control")],
    ["image/svg+xml", "no-cache"],
  );
  const first = await page.get("/tasks");
  const etag = first.headers.get("etag") ?? assert.fail();
  const again = await page.get("/tasks", { headers: { "if-none-match": etag } });
  assert.deepEqual([again.status, await again.text()], [304, ""]);
  const elsewhere = await page.get("/tasks/1", { headers: { "if-none-match": etag } });
  assert.equal(elsewhere.status, 200, "its base is another");
});

test("who takes Brotli gets it, and HEAD tells the same without the bytes", async () => {
  await using page = await open();
  const headers = { "accept-encoding": "br" };
  const head = await page.get("/assets/main-1a2b.js", { method: "HEAD", headers });
  assert.deepEqual(
    ["content-encoding", "content-length", "vary"].map((name) => head.headers.get(name)),
    ["br", "2", "accept-encoding"],
  );
  assert.equal(await head.text(), "");
  const plain = await page.get("/assets/main-1a2b.js", {
    headers: { "accept-encoding": "identity" },
  });
  assert.equal((await plain.text()).length, 99);
  const small = await page.get("/", { headers: { "accept-encoding": "br" } });
  assert.match(await small.text(), /<base/); // decoded by fetch
});

test("the policy allows nothing inline and no foreign frame; the viewer's document may be framed", async () => {
  await using page = await open();
  const policy = async (place: string) =>
    (await page.get(place)).headers.get("content-security-policy") ?? assert.fail(place);
  assert.doesNotMatch(await policy("/"), /unsafe-inline|'unsafe-eval'|\*/);
  assert.match(await policy("/tasks/1"), /default-src 'none'.*frame-ancestors 'none'$/);
  assert.match(await policy("/embed"), /default-src 'none'.*frame-ancestors \*$/);
  const { headers } = await page.get("/assets/main-1a2b.js");
  assert.deepEqual(
    ["x-content-type-options", "referrer-policy"].map((name) => headers.get(name)),
    ["nosniff", "no-referrer"],
  );
});

test("behind a prefix the page is there alone, and without the last slash it leads there", async () => {
  await using page = await open({ path: "/subnet/page/" });
  assert.equal((await page.get("/")).status, 404);
  assert.match(await (await page.get("/subnet/page/")).text(), /href="\.\/"/);
  assert.match(await (await page.get("/subnet/page/tasks/1")).text(), /href="\.\.\/"/);
  assert.equal((await page.get("/subnet/page/assets/main-1a2b.js")).status, 200);
  const led = await page.get("/subnet/page");
  assert.deepEqual([led.status, led.headers.get("location")], [308, "page/"]);
});

test("a page that is not built says what to run, and is there once it is", async () => {
  await using page = await open({ isBuilt: false });
  const missing = await page.get("/tasks");
  assert.equal(missing.status, 503);
  assert.match(await missing.text(), /is not built: run `npm run build -w coordinator\/web`/);
  assert.equal(await (await page.get("/livez")).text(), "ok\n");
  page.build();
  assert.equal((await page.get("/tasks")).status, 200);
});
