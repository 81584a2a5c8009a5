import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { refusalOf } from "./connect-failure.ts";
import type { ChainEvent } from "./events.ts";
import { libraryLine } from "./library-console.ts";
import { createProvider, DisconnectedError, NodeError } from "./provider.ts";
import { retryDelayMs } from "./retry.ts";
import { connectSubtensor } from "./subtensor.ts";

const quick = { first: 1, longest: 4, afterRefusal: 1 };

interface Node {
  readonly url: string;
  /** HTTP answers to handshakes before a WebSocket is opened. */
  readonly refusals: string[];
  /** Handshakes so far. */
  readonly knocks: () => number;
  /** What a client sent, with how to answer. */
  onRequest: (
    request: { readonly id: number; readonly method: string; readonly params: unknown[] },
    socket: WebSocket,
  ) => void;
  cut(): void;
}

async function startNode(t: TestContext): Promise<Node> {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  let knocks = 0;
  const node: Omit<Node, "url"> = {
    refusals: [],
    knocks: () => knocks,
    onRequest: ({ id, method }, socket) =>
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: method })),
    cut() {
      for (const socket of sockets.clients) {
        socket.terminate();
      }
    },
  };
  server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    knocks += 1;
    stream.on("error", () => undefined); // whoever gives up while it is refused resets the connection
    const refusal = node.refusals.length > 1 ? node.refusals.shift() : node.refusals[0];
    if (refusal !== undefined && refusal !== "") {
      stream.end(`HTTP/1.1 ${refusal}\r\ncontent-length: 0\r\n\r\n`);
    } else {
      sockets.handleUpgrade(request, stream, head, (socket) =>
        socket.on("message", (text) => node.onRequest(JSON.parse(String(text)), socket)),
      );
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    node.cut();
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return Object.assign(node, { url: `ws://127.0.0.1:${address.port}` });
}

/** A provider, and its events as they come. */
function connect(t: TestContext, urls: readonly string[]) {
  const events: ChainEvent[] = [];
  let wake = (): void => undefined;
  const provider = createProvider({
    urls,
    retry: quick,
    onEvent(event) {
      events.push(event);
      wake();
    },
  });
  t.after(() => provider.disconnect());
  return {
    provider,
    events,
    async seen(matches: (event: ChainEvent) => boolean): Promise<void> {
      while (!events.some(matches)) {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

describe("the connection to a node", () => {
  it("says which HTTP answer it got instead of a WebSocket, once, and goes on until there is one", async (t) => {
    const node = await startNode(t);
    node.refusals.push("429 Too Many Requests", "429 Too Many Requests", "503 Busy", "");
    const { events, seen, provider } = connect(t, [node.url]);
    await seen(({ kind }) => kind === "up");
    assert.deepEqual(
      events.map((event) => (event.kind === "away" ? event.reason : event.kind)),
      [
        "HTTP 429 Too Many Requests at the handshake: too many requests from this address",
        "HTTP 503 Busy at the handshake: the endpoint is overloaded or down",
        "up",
      ],
    );
    assert.equal(node.knocks(), 4);
    assert.equal(await provider.send("chain_getHead", []), "chain_getHead");
  });

  it("says what an answer that is no node's may mean", async (t) => {
    for (const [answer, message] of [
      ["200 OK", /answers as a web server/],
      [
        "301 Moved Permanently\r\nlocation: https://other.example/x",
        /elsewhere \(other\.example\)/,
      ],
      ["404 Not Found", /no node's WebSocket is at this path/],
      ["407 Proxy Authentication Required", /a proxy on the way/],
    ] as const) {
      const node = await startNode(t);
      node.refusals.push(answer);
      const { events, seen } = connect(t, [node.url]);
      await seen(({ kind }) => kind === "away");
      const [away] = events;
      assert.match(away?.kind === "away" ? away.reason : "", message);
    }
  });

  it("tries the next endpoint, and says why the first one failed", async (t) => {
    const node = await startNode(t);
    const { events, seen } = connect(t, ["ws://127.0.0.1:1", node.url]);
    await seen(({ kind }) => kind === "up");
    const [away] = events;
    assert.ok(away?.kind === "away");
    assert.match(away.reason, /ECONNREFUSED/);
  });

  it("fails what is open when it breaks, and has its subscriptions back afterwards", async (t) => {
    const node = await startNode(t);
    let given = 0;
    node.onRequest = ({ id, method }, socket) => {
      if (method === "silence") {
        return;
      }
      given += 1;
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: `id-${given}` }));
      const params = { subscription: `id-${given}`, result: `${method} ${given}` };
      socket.send(JSON.stringify({ jsonrpc: "2.0", method: "told", params }));
    };
    const { provider, seen, events } = connect(t, [node.url]);
    await seen(({ kind }) => kind === "up");
    const told: string[] = [];
    const again = Promise.withResolvers<void>();
    const onTold = (_error: unknown, result: string): void => {
      told.push(result);
      if (told.length === 3) {
        again.resolve();
      }
    };
    const heads = await provider.subscribe("chain_newHead", "heads", [], onTold);
    const sent = await provider.subscribe("author_extrinsicUpdate", "sent", [], onTold);
    assert.deepEqual([heads, sent], ["id-1", "id-2"]);
    const silent = assert.rejects(provider.send("silence", []), DisconnectedError);
    node.cut();
    await silent;
    await again.promise;
    // What was sent is not sent again
    assert.deepEqual(told, ["heads 1", "sent 2", "heads 3"]);
    assert.ok(events.some(({ kind }) => kind === "away"));
    assert.equal(await provider.unsubscribe("chain_newHead", "end", heads), true);
    assert.equal(await provider.unsubscribe("chain_newHead", "end", heads), false);
  });

  it("hands the node's errors over with code and data", async (t) => {
    const node = await startNode(t);
    node.onRequest = ({ id }, socket) =>
      socket.send(
        JSON.stringify({
          jsonrpc: "2.0",
          id,
          error: { code: 1010, message: "Invalid Transaction", data: "Custom error: 6" },
        }),
      );
    const { provider, seen } = connect(t, [node.url]);
    await assert.rejects(provider.send("any", []), DisconnectedError);
    await seen(({ kind }) => kind === "up");
    await assert.rejects(provider.send("any", []), (error) => {
      assert.ok(error instanceof NodeError);
      assert.deepEqual([error.code, error.data], [1010, "Custom error: 6"]);
      assert.equal(error.message, "1010: Invalid Transaction: Custom error: 6");
      return true;
    });
  });

  it("is given up for another one when a node refuses the first requests", async (t) => {
    const node = await startNode(t);
    node.onRequest = ({ id }, socket) =>
      socket.send(
        JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32005, message: "rate limited" } }),
      );
    const seen: string[] = [];
    const twice = new AbortController();
    const waiting = connectSubtensor(
      {
        endpoints: [node.url],
        retry: quick,
        onEvent(event) {
          if (event.kind === "away") {
            seen.push(event.reason);
          }
          if (node.knocks() === 3) {
            twice.abort(new Error("enough"));
          }
        },
      },
      twice.signal,
    );
    await assert.rejects(waiting, /enough/);
    assert.match(seen[0] ?? "", /-32005: rate limited/);
  });

  it("that does not come in time is an error with the last reason; the signal ends the waiting", async (t) => {
    const node = await startNode(t);
    node.refusals.push("429 Too Many Requests");
    const options = { endpoints: [node.url], retry: quick };
    await assert.rejects(
      connectSubtensor({ ...options, connectTimeoutMs: 50 }),
      /within 0\.05 seconds \(ws:.*HTTP 429 Too Many Requests at the handshake.*\): check/,
    );
    const stop = new AbortController();
    const waiting = connectSubtensor(
      { ...options, onEvent: () => stop.abort(new Error("stopped")) },
      stop.signal,
    );
    await assert.rejects(waiting, /stopped/);
  });
});

describe("the pause before the next try", () => {
  const limits = { first: 500, longest: 60_000, afterRefusal: 5_000 };
  const away = { isRefusal: false, retryAfterS: undefined };

  it("doubles up to its limit, half of it by chance", () => {
    const full = [0, 1, 2, 3, 7, 50].map((attempt) => retryDelayMs(attempt, away, limits, 1));
    assert.deepEqual(full, [500, 1000, 2000, 4000, 60_000, 60_000]);
    assert.equal(retryDelayMs(3, away, limits, 0), 2000);
  });

  it("is longer after a refusal, and as long as the endpoint asks, within reason", () => {
    const refused = refusalOf(429, "Too Many Requests", {});
    assert.equal(retryDelayMs(0, refused, limits, 1), 5_000);
    assert.equal(retryDelayMs(0, refusalOf(429, "", { "retry-after": "90" }), limits, 1), 90_000);
    assert.equal(
      retryDelayMs(0, refusalOf(429, "", { "retry-after": "99999" }), limits, 1),
      600_000,
    );
    assert.match(
      refusalOf(429, "Slow down", { "retry-after": "90" }).reason,
      /^HTTP 429 Slow down .*wait 90 s/,
    );
    // A date instead of seconds is not worth a parser
    assert.equal(
      refusalOf(503, "", { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }).retryAfterS,
      undefined,
    );
  });
});

describe("the library's own lines", () => {
  it("are told from everybody else's", () => {
    const at = "2026-11-29 12:00:00";
    assert.equal(
      libraryLine([at, "        API/INIT:", "Runtime version updated to spec=424, tx=1"]),
      "API/INIT: Runtime version updated to spec=424, tx=1",
    );
    assert.equal(
      libraryLine([at, "API/INIT:", new Error("FATAL: no metadata")]),
      "API/INIT: FATAL: no metadata",
    );
    for (const other of [[], ["hello"], [at, "hello"], [at], ["today", "API-WS:", "x"], [1, 2]]) {
      assert.equal(libraryLine(other), undefined);
    }
  });
});
