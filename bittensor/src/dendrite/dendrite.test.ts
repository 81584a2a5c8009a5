import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { createNonceMemory, route, startAxon } from "../axon/index.ts";
import { keypairFromUri, ready, verifySignature } from "../keys/index.ts";
import { FieldError, ping, pullTask, submitResults } from "../synapse/index.ts";
import { type AxonTarget, createDendrite } from "./index.ts";

before(ready);

const pair = {
  "content-type": "application/json",
  bt_header_axon_status_code: "200",
  bt_header_axon_status_message: "Success",
};

/** An HTTP server that answers by hand. */
async function startServer(
  listener: RequestListener,
): Promise<AsyncDisposable & { readonly target: AxonTarget }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    target: { ip: "127.0.0.1", port, hotkey: keypairFromUri("//Bob").ss58 },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function startTcp(
  listener: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly target: AxonTarget }> {
  const server = createTcpServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    target: { ip: "127.0.0.1", port, hotkey: keypairFromUri("//Bob").ss58 },
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

const answer =
  (status: number, headers: Record<string, string>, body: string | Buffer): RequestListener =>
  (req, res) => {
    req.resume();
    req.on("end", () => res.writeHead(status, headers).end(body));
  };

const createCaller = (wording: "current" | "legacy" = "current") =>
  createDendrite({ hotkey: keypairFromUri("//Alice"), wording });

describe("a call", () => {
  it("is signed over its nonce, both hotkeys, the uuid and the body hash", async () => {
    const seen = Promise.withResolvers<{ req: IncomingMessage; body: string }>();
    await using server = await startServer(async (req, res) => {
      let body = "";
      for await (const chunk of req) {
        body += String(chunk);
      }
      seen.resolve({ req, body });
      res.writeHead(200, pair).end('{"task":null}');
    });
    await using dendrite = createCaller();
    const outcome = await dendrite.call(pullTask, {
      target: server.target,
      body: {},
    });
    assert.equal(outcome.kind, "ok");
    const { req, body } = await seen.promise;
    assert.equal(req.url, "/PullTask");
    const { headers } = req;
    const nonce = headers.bt_header_dendrite_nonce;
    const message = `${nonce}.${dendrite.hotkey}.${server.target.hotkey}.${dendrite.uuid}.${headers.computed_body_hash}`;
    const signature = Buffer.from(String(headers.bt_header_dendrite_signature).slice(2), "hex");
    assert.ok(verifySignature(message, signature, dendrite.hotkey));
    assert.equal(headers.timeout, "12.0");
    assert.match(
      dendrite.uuid,
      /^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    // In the order of the SDK; Node must not have changed their case
    assert.deepEqual(req.rawHeaders.filter((_, index) => index % 2 === 0).slice(0, 13), [
      "Host",
      "name",
      "timeout",
      "bt_header_axon_ip",
      "bt_header_axon_port",
      "bt_header_axon_hotkey",
      "bt_header_dendrite_ip",
      "bt_header_dendrite_version",
      "bt_header_dendrite_nonce",
      "bt_header_dendrite_uuid",
      "bt_header_dendrite_hotkey",
      "bt_header_dendrite_signature",
      "computed_body_hash",
    ]);
    assert.ok(body.includes(`"nonce":${nonce},`));
    assert.equal(JSON.parse(body).dendrite.hotkey, dendrite.hotkey);
    assert.equal(JSON.parse(body).axon.hotkey, server.target.hotkey);
  });

  it("uses growing nonces even when the clock stands still", async () => {
    const nonces: bigint[] = [];
    await using server = await startServer((req, res) => {
      nonces.push(BigInt(String(req.headers.bt_header_dendrite_nonce)));
      answer(
        200,
        pair,
        "{}",
      )(req, res as ServerResponse<IncomingMessage> & { req: IncomingMessage });
    });
    await using dendrite = createDendrite({ hotkey: keypairFromUri("//Alice"), now: () => 1000 });
    for (let call = 0; call < 3; call += 1) {
      await dendrite.call(ping, { target: server.target, body: {} });
    }
    assert.deepEqual(nonces, [1_000_000_000n, 1_000_000_001n, 1_000_000_002n]);
  });

  it("sends zero values of required fields in headers and exact integers in the body", async () => {
    const alice = keypairFromUri("//Alice");
    const bob = keypairFromUri("//Bob");
    const submitTime = 1_714_650_000_123_456_789n;
    let got: bigint | undefined;
    await using axon = await startAxon({
      hotkey: bob,
      host: "127.0.0.1",
      port: 0,
      nonces: createNonceMemory(),
      routes: [
        route(submitResults, {
          handle: ({ fields }) => {
            got = fields.submit_time;
            return { feedback: { ...feedback, task_fidelity_score: 0.75 } };
          },
        }),
      ],
    });
    await using dendrite = createDendrite({ hotkey: alice });
    const outcome = await dendrite.call(submitResults, {
      target: { ip: "127.0.0.1", port: axon.port, hotkey: bob.ss58 },
      body: { results: "AAAA", submit_time: submitTime, signature: "c2ln" },
    });
    assert.ok(outcome.kind === "ok");
    assert.equal(got, submitTime);
    assert.equal(outcome.fields.submit_time, submitTime);
    assert.equal(outcome.fields.feedback?.task_fidelity_score, 0.75);
    assert.equal(outcome.axon.hotkey, bob.ss58);
  });

  it("to our own address dials 0.0.0.0", async () => {
    await using server = await startServer(answer(200, pair, "{}"));
    const target = { ...server.target, ip: "198.51.100.9" };
    await using dendrite = createDendrite({
      hotkey: keypairFromUri("//Alice"),
      externalIp: target.ip,
    });
    assert.equal((await dendrite.call(ping, { target, body: {} })).kind, "ok");
  });

  it("refuses a body without its required fields before anything is sent", async () => {
    await using dendrite = createCaller();
    const target = { ip: "127.0.0.1", port: 1, hotkey: dendrite.hotkey };
    await assert.rejects(dendrite.call(submitResults, { target, body: {} }), FieldError);
  });

  it("ends with the signal's reason", async () => {
    const received = Promise.withResolvers<void>();
    await using server = await startServer(() => received.resolve());
    await using dendrite = createCaller();
    const stop = new AbortController();
    const call = dendrite.call(ping, { target: server.target, body: {}, signal: stop.signal });
    await received.promise;
    stop.abort(new Error("enough"));
    await assert.rejects(call, /enough/);
    await assert.rejects(
      dendrite.call(ping, { target: server.target, body: {}, signal: stop.signal }),
      /enough/,
    );
  });

  it("is sent again when a pooled connection had just been closed", async () => {
    const sockets: Socket[] = [];
    await using server = await startTcp((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.on("data", () => {
        const reused = sockets.length === 1 && socket.bytesWritten > 0;
        if (reused) {
          socket.resetAndDestroy();
        } else {
          socket.write(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nbt_header_axon_status_code: 200\r\ncontent-length: 2\r\n\r\n{}",
          );
        }
      });
    });
    await using dendrite = createCaller();
    for (let call = 0; call < 2; call += 1) {
      assert.equal((await dendrite.call(ping, { target: server.target, body: {} })).kind, "ok");
    }
    assert.equal(sockets.length, 2);
    for (const socket of sockets) {
      socket.destroy();
    }
  });
});

const feedback = {
  validation_failed: false,
  task_fidelity_score: 0,
  average_fidelity_score: 0,
  generations_within_8_hours: 0,
  generations_within_the_window: 0,
  current_duel_rating: 0,
  current_miner_reward: 0,
  verdict: undefined,
  reason: undefined,
};

describe("an outcome", () => {
  const outcomeOf = async (listener: RequestListener, wording?: "legacy") => {
    await using server = await startServer(listener);
    await using dendrite = createCaller(wording);
    const outcome = await dendrite.call(pullTask, { target: server.target, body: {} });
    return outcome.kind === "ok" ? "ok" : `${outcome.status} ${outcome.message}`;
  };

  it("merges status, body and headers as Python does", async () => {
    const json = { "content-type": "application/json" };
    const forbidden = {
      ...json,
      bt_header_axon_status_code: "403",
      bt_header_axon_status_message: "no",
    };
    assert.equal(await outcomeOf(answer(200, pair, "{}")), "ok");
    assert.equal(await outcomeOf(answer(200, json, '{"axon":{"status_code":200}}')), "ok");
    assert.equal(await outcomeOf(answer(200, json, "{}")), "null null");
    assert.equal(await outcomeOf(answer(200, pair, '{"axon":null,"dendrite":null}')), "ok");
    assert.equal(await outcomeOf(answer(200, forbidden, "{}")), "403 no");
    assert.equal(await outcomeOf(answer(403, json, '{"message":"m"}')), "403 m");
    assert.equal(await outcomeOf(answer(403, json, '{"message":"m"}'), "legacy"), "null null");
    assert.equal(await outcomeOf(answer(429, forbidden, '{"message":"m"}')), "403 no");
    assert.equal(await outcomeOf(answer(200, pair, '{"cooldown_until":1.0}')), "ok");
  });

  it("says what could not be read", async () => {
    const json = { "content-type": "application/json" };
    assert.match(
      await outcomeOf(answer(200, pair, "[]")),
      /^422 Failed to parse response: body: must/,
    );
    assert.match(await outcomeOf(answer(403, json, "[]")), /^422 Failed to parse response: /);
    assert.match(await outcomeOf(answer(403, json, "")), /^422 Failed to parse response: /);
    assert.match(
      await outcomeOf(answer(200, { ...pair, "content-type": "text/plain" }, "{}")),
      /^422 Failed to parse response: the answer is text\/plain/,
    );
    assert.match(
      await outcomeOf(answer(200, pair, '{"cooldown_until":"soon"}'), "legacy"),
      /^422 Failed to parse response object with error: cooldown_until: must be an integer/,
    );
    const zipped = { ...pair, "content-encoding": "gzip" };
    assert.equal(await outcomeOf(answer(200, zipped, gzipSync("{}"))), "ok");
    const bomb = gzipSync(Buffer.alloc(64 << 20, " "));
    assert.match(await outcomeOf(answer(200, zipped, bomb)), /^400 Payload error: /);
  });

  it("limits the answer's length", async () => {
    const endless: RequestListener = (_req, res) => {
      res.writeHead(200, pair);
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(1 << 16, " "))) {}
      };
      res.on("drain", more);
      more();
    };
    assert.match(await outcomeOf(endless), /^400 Payload error: the answer exceeds 1048576 bytes/);
  });

  it("has both wordings for what never arrived", async () => {
    await using closing = await startTcp((socket) => socket.on("data", () => socket.destroy()));
    await using silent = await startTcp((socket) => socket.on("error", () => undefined));
    await using nonsense = await startTcp((socket) => socket.end("hello\r\n\r\n"));
    await using cut = await startTcp((socket) =>
      socket.end(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{}",
      ),
    );
    const nobody = { ...closing.target, port: 1 };
    const ask = async (target: AxonTarget, wording: "current" | "legacy", timeoutMs = 5000) => {
      await using dendrite = createCaller(wording);
      const outcome = await dendrite.call(pullTask, { target, body: {}, timeoutMs });
      assert.ok(outcome.kind === "failure");
      assert.equal(outcome.axon.status_code, null);
      return `${outcome.status} ${outcome.message}`;
    };
    assert.equal(await ask(nobody, "current"), "503 Service unavailable at 127.0.0.1:1/PullTask");
    assert.equal(await ask(nobody, "legacy"), "503 Service at 127.0.0.1:1/PullTask unavailable.");
    assert.equal(await ask(silent.target, "current", 50), "408 Request timeout after 0.05 seconds");
    assert.equal(await ask(silent.target, "legacy", 50), "408 Timedout after 0.05 seconds.");
    assert.equal(
      await ask(closing.target, "current"),
      "503 Service disconnected: Server disconnected",
    );
    assert.equal(
      await ask(closing.target, "legacy"),
      "422 Failed to parse response object with error: Server disconnected",
    );
    assert.match(await ask(nonsense.target, "current"), /^400 Client response error: /);
    assert.match(await ask(cut.target, "current"), /^400 Payload error: /);
  });
});
