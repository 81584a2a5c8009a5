import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { createWorkQueue } from "../work-queue.ts";
import {
  HttpError,
  type HttpRequestEvent,
  type HttpServerOptions,
  startHttpServer,
} from "./index.ts";

interface Facts {
  readonly bytes: number;
}
type Options = Partial<HttpServerOptions<Facts>>;
type Event = HttpRequestEvent & Partial<Facts>;

/** A server whose `POST /echo/` answers what it was sent, with all that happened to it. */
async function start(options: Options = {}) {
  const events: Event[] = [];
  const waiters: (() => void)[] = [];
  const server = await startHttpServer<Facts>({
    port: 0,
    maxBodyBytes: 1_000,
    routes(app) {
      app.post("/echo", async (context) => {
        const body = new Uint8Array(await context.req.arrayBuffer());
        context.var.note({ bytes: body.length });
        return context.body(body, 200, { "content-type": "application/octet-stream" });
      });
      app.get("/quick", (context) => context.text("ok"));
    },
    onRequest(event) {
      events.push(event);
      for (const wake of waiters.splice(0)) {
        wake();
      }
    },
    ...options,
  });
  return {
    ...server,
    events,
    /** The event of this number, once it has come. */
    async event(index: number): Promise<Event> {
      while (events.length <= index) {
        await new Promise<void>((resolve) => waiters.push(resolve));
      }
      return events[index] ?? assert.fail();
    },
    post: (path: string, init: RequestInit = {}) =>
      fetch(server.url + path, { method: "POST", ...init }),
    /** Sends these bytes as they are; what comes back until the connection ends. */
    async raw(request: string): Promise<string> {
      const socket = connect(server.port, "127.0.0.1");
      socket.write(request);
      return await text(socket);
    },
  };
}

test("routes answer with and without the last slash, and each request has its event", async () => {
  await using server = await start();
  for (const path of ["/echo/", "/echo", "/echo?with=query"]) {
    const response = await server.post(path, { body: "abc" });
    assert.deepEqual([response.status, await response.text()], [200, "abc"]);
    assert.equal(response.headers.get("content-type"), "application/octet-stream");
    assert.equal(response.headers.get("content-length"), "3");
  }
  const { durationMs, ...event } = await server.event(2);
  assert.ok(durationMs >= 0);
  assert.deepEqual(event, { method: "POST", route: "/echo", status: 200, bytes: 3 });
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
});

test("other paths are 404 and other methods 405 with what is allowed", async () => {
  await using server = await start();
  const nowhere = await fetch(`${server.url}/nowhere`);
  assert.equal(nowhere.status, 404);
  assert.deepEqual(await nowhere.json(), {
    code: "not-found",
    error: "there are /echo, /quick",
  });
  const got = await fetch(`${server.url}/echo`);
  assert.deepEqual([got.status, got.headers.get("allow")], [405, "POST"]);
  const posted = await server.post("/quick");
  assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET, HEAD"]);
  assert.equal((await fetch(`${server.url}/quick`, { method: "HEAD" })).status, 200);
});

test("a body over the limit is 413, whether it says its length or not; one at the limit is read", async () => {
  await using server = await start();
  assert.equal((await server.post("/echo", { body: "x".repeat(1_000) })).status, 200);
  const long = await server.post("/echo", { body: "x".repeat(1_001) });
  assert.equal(long.status, 413);
  assert.match(await long.text(), /longer than 1000 bytes/);

  const chunked = (sizes: readonly number[]) =>
    server.post("/echo", {
      body: new ReadableStream({
        start(controller) {
          for (const size of sizes) {
            controller.enqueue(new Uint8Array(size));
          }
          controller.close();
        },
      }),
      duplex: "half",
    });
  assert.equal((await chunked([500, 500])).status, 200);
  const longChunked = await chunked([500, 500, 1]);
  assert.equal(longChunked.status, 413);
  assert.match(await longChunked.text(), /longer than 1000 bytes/);
});

test("a declared length over the limit is refused before a byte of the body has come", async () => {
  await using server = await start();
  const socket = connect(server.port, "127.0.0.1");
  socket.write("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5000000\r\n\r\n");
  const [head] = await once(socket, "data");
  assert.match(String(head), /^HTTP\/1\.1 413 /);
  socket.destroy();
});

test("an encoded body is 415 and says so; identity is none", async () => {
  await using server = await start();
  const headers = { "content-encoding": "gzip" };
  const zipped = await server.post("/echo", { body: gzipSync("abc"), headers });
  assert.deepEqual([zipped.status, zipped.headers.get("accept-encoding")], [415, "identity"]);
  assert.match(await zipped.text(), /Content-Encoding gzip is not read/);
  const plain = { "content-encoding": "identity" };
  assert.equal((await server.post("/echo", { body: "abc", headers: plain })).status, 200);
});

test("a bug is 500 with an id alone; its cause is in the event under the same id", async () => {
  const bug = new TypeError("secret of ours");
  await using server = await start({
    routes: (app) =>
      app.get("/bug", () => {
        throw bug;
      }),
  });
  const response = await fetch(`${server.url}/bug`);
  assert.equal(response.status, 500);
  const { code, error } = (await response.json()) as { code: string; error: string };
  const event = await server.event(0);
  assert.deepEqual([code, error], ["internal", `internal error ${event.errorId}`]);
  assert.match(event.errorId ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(event.error, bug);
});

test("what is thrown and no Error is a bug like any other", async () => {
  await using server = await start({
    routes: (app) =>
      app.get("/bug", () => {
        throw "secret of ours";
      }),
  });
  const response = await fetch(`${server.url}/bug`);
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
  const { error } = await server.event(0);
  assert.ok(error instanceof TypeError && error.cause === "secret of ours");
});

test("a server's own errors get its own answers, in its own form", async () => {
  class Unripe extends Error {}
  await using server = await start({
    routes: (app) =>
      app.get("/fruit", () => {
        throw new Unripe("wait a week");
      }),
    errors: (error) =>
      error instanceof Unripe
        ? new HttpError(422, "unripe", error.message, { headers: { "x-colour": "green" } })
        : undefined,
    failureBody: ({ message }) => message,
  });
  const response = await fetch(`${server.url}/fruit`);
  assert.deepEqual(
    [response.status, response.headers.get("x-colour"), await response.text()],
    [422, "green", "wait a week\n"],
  );
  const { code, error, errorId } = await server.event(0);
  assert.deepEqual([code, error, errorId], ["unripe", undefined, undefined]);
});

test("a full queue is 503 with Retry-After", async () => {
  const queue = createWorkQueue({ concurrency: 1, capacity: 0 });
  const end = Promise.withResolvers<void>();
  const held = queue.run(() => end.promise);
  await using server = await start({
    routes: (app) => app.get("/work", (c) => queue.run(async () => c.text("done"), c.var.signal)),
  });
  const refused = await fetch(`${server.url}/work`);
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  assert.equal(((await refused.json()) as { code: string }).code, "busy");
  end.resolve();
  await held;
  assert.equal((await fetch(`${server.url}/work`)).status, 200);
});

test("a caller that leaves aborts its request's signal, and its event says so", async () => {
  const entered = Promise.withResolvers<AbortSignal>();
  await using server = await start({
    routes: (app) =>
      app.get("/wait", async ({ var: { signal } }) => {
        entered.resolve(signal);
        await once(signal, "abort");
        throw signal.reason;
      }),
  });
  const leaving = new AbortController();
  const asked = fetch(`${server.url}/wait`, { signal: leaving.signal });
  const signal = await entered.promise;
  leaving.abort();
  await assert.rejects(asked, { name: "AbortError" });
  const { status, code, error } = await server.event(0);
  assert.deepEqual([status, code, error], [499, "caller-left", undefined]);
  assert.ok(signal.aborted);
});

test("a caller that breaks off in the middle of its body is gone, not a bug", async () => {
  await using server = await start();
  const socket = connect(server.port, "127.0.0.1");
  socket.write("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
  await once(socket, "connect");
  socket.end();
  socket.destroy();
  const { status, code, error } = await server.event(0);
  assert.deepEqual([status, code, error], [499, "caller-left", undefined]);
});

test("a head and a body that never end are 408, and their connections end", async () => {
  await using server = await start({ headersTimeoutMs: 60, requestTimeoutMs: 120 });
  const [head, body] = await Promise.all([
    server.raw("POST /echo HTTP/1.1\r\nhost: x\r\n"),
    server.raw("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf"),
  ]);
  assert.match(head, /^HTTP\/1\.1 408 /);
  assert.match(body, /^HTTP\/1\.1 408 /);
});

test("what is no request is 400 in the server's form", async () => {
  await using server = await start();
  const answer = await server.raw("GET /\\..\\x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*"code":"bad-request"/);
});

test("a stop lets what is in flight end, and takes nothing new", { timeout: 20_000 }, async () => {
  const entered = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const server = await start({
    // Longer than the test: nothing but the end of what is in flight may end the stop.
    ...{ drainMs: 600_000, headersTimeoutMs: 600_000 },
    routes(app) {
      app.get("/slow", async (context) => {
        entered.resolve();
        await go.promise;
        return context.text("done");
      });
      app.get("/quick", (context) => context.text("ok"));
    },
  });
  await (await fetch(`${server.url}/quick`)).text(); // its connection stays open for later
  const half = server.raw("GET /quick HTTP/1.1\r\n").catch(() => "");
  const slow = fetch(`${server.url}/slow`);
  await entered.promise;
  const stopped = server[Symbol.asyncDispose]();
  await assert.rejects(server.raw("GET /quick HTTP/1.1\r\nhost: x\r\n\r\n"), {
    code: "ECONNREFUSED",
  });
  go.resolve();
  assert.equal(await (await slow).text(), "done");
  await Promise.all([stopped, half]);
});

test("a stop cuts off who takes longer than the drain, and half a head at once", async () => {
  const entered = Promise.withResolvers<AbortSignal>();
  const server = await start({
    drainMs: 20,
    routes: (app) =>
      app.get("/never", ({ var: { signal } }) => {
        entered.resolve(signal);
        return new Promise<Response>(() => undefined);
      }),
  });
  const half = server.raw("GET /never HTTP/1.1\r\n").catch(() => "");
  const never = fetch(`${server.url}/never`);
  const aborted = once(await entered.promise, "abort");
  const stopped = server[Symbol.asyncDispose]();
  await assert.rejects(never);
  await Promise.all([stopped, half, aborted]);
});
