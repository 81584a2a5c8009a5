/** What strangers and miners with bad intent send, and what is left for the others. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import {
  assertRefused,
  type Rig,
  startRig as startRigWith,
  submission,
} from "../../test/axon-rig.ts";
import { header, openRaw, readAnswer } from "../../test/raw-http.ts";
import { keypairFromUri, ready } from "../keys/index.ts";
import { pullTask, submitResults } from "../synapse/index.ts";
import {
  type AxonOptions,
  createNonceMemory,
  noncesOfHotkey,
  type Payload,
  route,
  startAxonThreads,
} from "./index.ts";

const threads = startAxonThreads();
before(ready);
after(() => threads[Symbol.asyncDispose]());

const startRig = (options: Partial<AxonOptions> = {}): Promise<Rig> =>
  startRigWith({ threads, ...options });

const eve = keypairFromUri("//Eve");
const forged = { headers: { bt_header_dendrite_signature: `0x${"00".repeat(64)}` } };

/** A connection that keeps its own end open, whatever the axon does. */
async function openHalf(port: number, from: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress: from, allowHalfOpen: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Opens connections that send half a head. */
async function halfHeads(rig: Rig, count: number, from: string) {
  const sockets = await Promise.all(
    Array.from({ length: count }, () => openHalf(rig.axon.port, from)),
  );
  for (const socket of sockets) {
    socket.write("POST /PullTask HTTP/1.1\r\nHost: x\r\n");
  }
  return {
    sockets,
    [Symbol.dispose]() {
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await setImmediate();
  }
}

/** However it was closed. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

function reasons(rig: Rig): readonly string[] {
  return rig.refusals.map(({ reason }) => reason);
}

describe("connections", () => {
  it("of one address have a limit, more for one whose callers proved themselves", async () => {
    await using rig = await startRig({
      limits: { connectionsOfAddress: 3, connectionsOfKnown: 5 },
    });
    using _held = await halfHeads(rig, 3, "127.0.0.1");
    await until(() => rig.axon.connections === 3);
    const refused = await openHalf(rig.axon.port, "127.0.0.1");
    assertRefused(await readAnswer(refused), 503, "Too many connections; try again later");
    refused.destroy();
    assert.deepEqual(reasons(rig), ["address-connections"]);
    assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
    using _more = await halfHeads(rig, 5, "127.0.0.2");
    await until(() => rig.axon.connections === 8);
    assert.deepEqual(reasons(rig), ["address-connections"]);
  });

  it("of strangers make place for newer ones, the oldest without a request first", async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await using rig = await startRig({
      limits: { connections: 6, connectionsForKnown: 2 },
      routes: [
        route(submitResults, {
          handle: async () => {
            entered.resolve();
            await release.promise;
            return {};
          },
        }),
        route(pullTask, { handle: () => ({}) }),
      ],
    });
    using held = await halfHeads(rig, 4, "127.0.0.1");
    const [oldest, second] = held.sockets;
    assert.ok(oldest !== undefined && second !== undefined);
    await until(() => rig.axon.connections === 4);
    // A stranger with a request in progress is not the one to go
    const working = rig.ask(submission, "127.0.0.3");
    await entered.promise;
    assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
    assert.deepEqual(reasons(rig), ["evicted"]);
    // 127.0.0.2 and 127.0.0.3 are known now, and the kept share is theirs
    assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
    release.resolve();
    assert.equal((await working).status, 200);
  });

  it("of strangers whose refused bodies are drained make place too", async () => {
    await using rig = await startRig({
      limits: { connections: 4, connectionsForKnown: 2 },
      routes: [
        route(submitResults, {
          blacklist: ({ hotkey }) => (hotkey === eve.ss58 ? "no" : undefined),
          handle: () => ({}),
        }),
      ],
    });
    await using one = await openRaw(rig.axon.port, "127.0.0.1");
    await using two = await openRaw(rig.axon.port, "127.0.0.1");
    for (const { socket } of [one, two]) {
      const headers = { "Content-Length": "1000000" };
      socket.resume().write(rig.request({ ...submission, caller: eve, headers }).head);
    }
    await until(() => rig.axon.connections === 2);
    const gone = closed(one.socket);
    assert.equal((await rig.ask(submission, "127.0.0.2")).status, 200);
    await gone;
  });

  it("of strangers who ping and send no body make place too", async () => {
    await using rig = await startRig({ limits: { connections: 3, connectionsForKnown: 2 } });
    await using ping = await openRaw(rig.axon.port, "127.0.0.1");
    const { head } = rig.request({ synapse: "Synapse", headers: { Expect: "100-continue" } });
    ping.socket.write(head);
    await once(ping.socket, "data"); // it was told to go on
    const gone = closed(ping.socket);
    assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
    await gone;
    assertRefused(
      await rig.ask({ synapse: "Synapse", body: " ".repeat(20_000) }, "127.0.0.2"),
      413,
      /exceeds the limit of 16384 bytes/,
    );
  });

  it("keep a share for known addresses, which strangers cannot take", async () => {
    await using rig = await startRig({ limits: { connections: 4, connectionsForKnown: 2 } });
    assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
    await until(() => rig.axon.connections === 0);
    using _held = await halfHeads(rig, 20, "127.0.0.1");
    await until(() => reasons(rig).length === 18);
    assert.equal(rig.axon.connections, 2);
    using _known = await halfHeads(rig, 2, "127.0.0.2");
    await until(() => rig.axon.connections === 4);
  });

  it("are destroyed soon after a 408, though the caller keeps its end open", async () => {
    await using rig = await startRig({ limits: { headMs: 50, checkEveryMs: 20, lingerMs: 50 } });
    using held = await halfHeads(rig, 3, "127.0.0.1");
    const answers = held.sockets.map((socket) => readAnswer(socket));
    for (const answer of await Promise.all(answers)) {
      assertRefused(answer, 408, "The request took too long to arrive");
      assert.equal(header(answer, "connection"), "close");
    }
    await until(() => rig.axon.connections === 0);
    assert.deepEqual(reasons(rig), ["slow-request", "slow-request", "slow-request"]);
    assert.ok(
      held.sockets.every((socket) => !socket.destroyed),
      "they have not closed theirs",
    );
  });

  it("that idle are closed", async () => {
    await using rig = await startRig({ limits: { keepAliveMs: 20, checkEveryMs: 20 } });
    const socket = await openHalf(rig.axon.port, "127.0.0.1");
    const { head, body } = rig.request();
    socket.write(Buffer.concat([Buffer.from(head), body]));
    assert.equal((await readAnswer(socket)).status, 200);
    await until(() => rig.axon.connections === 0);
    socket.destroy();
  });

  it("of a caller that does not take its answer are cut off", async () => {
    await using rig = await startRig({
      limits: { answerMs: 100 },
      routes: [
        route(pullTask, {
          handle: () => ({ task: { type: "text", id: "1", prompt: "x".repeat(32 << 20) } }),
        }),
      ],
    });
    const socket = await openHalf(rig.axon.port, "127.0.0.1");
    const { head, body } = rig.request();
    socket.pause();
    socket.write(Buffer.concat([Buffer.from(head), body]));
    await until(() => reasons(rig).includes("slow-reader") && rig.axon.connections === 0);
    socket.destroy();
  });
});

describe("requests", () => {
  it("that do not wait for the answer to the one before are refused, and flooding closes", async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let handled = 0;
    await using rig = await startRig({
      routes: [
        route(pullTask, {
          handle: async () => {
            handled += 1;
            entered.resolve();
            await release.promise;
            return {};
          },
        }),
      ],
    });
    const send = (count: number): Buffer =>
      Buffer.concat(
        Array.from({ length: count }, () => rig.request()).flatMap(({ head, body }) => [
          Buffer.from(head),
          body,
        ]),
      );
    await using two = await openRaw(rig.axon.port);
    const first = readAnswer(two.socket);
    const ended = once(two.socket, "end");
    two.socket.write(send(2));
    await entered.promise;
    await until(() => reasons(rig).includes("pipelined"));
    release.resolve();
    assert.equal((await first).status, 200);
    await ended;
    assert.equal(handled, 1);
    await using many = await openRaw(rig.axon.port);
    many.socket.resume().write(send(50));
    await closed(many.socket);
    assert.ok(reasons(rig).length < 10, "most were never looked at");
  });

  it("that were never answered are forgotten with their connection", async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const rig = await startRig({
      limits: { graceMs: 300_000 },
      routes: [
        route(pullTask, {
          async handle() {
            entered.resolve();
            await release.promise;
            return {};
          },
        }),
      ],
    });
    const send = (count: number): Buffer =>
      Buffer.concat(
        Array.from({ length: count }, () => {
          const { head, body } = rig.request();
          return Buffer.concat([Buffer.from(head), body]);
        }),
      );
    // One connection ends while an answer waits for the one before it, another for having sent too many.
    await using two = await openRaw(rig.axon.port);
    two.socket.write(send(2));
    await entered.promise;
    await until(() => reasons(rig).includes("pipelined"));
    two.socket.destroy();
    await using many = await openRaw(rig.axon.port);
    many.socket.resume().write(send(5));
    await closed(many.socket);
    release.resolve();
    const stopped = rig.axon[Symbol.asyncDispose]().then(() => "stopped");
    assert.equal(await Promise.race([stopped, sleep(5_000, "waits", { ref: false })]), "stopped");
  });

  it("one after another on a connection are fine", async () => {
    await using rig = await startRig();
    await using connection = await openRaw(rig.axon.port);
    for (let count = 0; count < 20; count += 1) {
      const { head, body } = rig.request();
      assert.equal((await connection.send(head, body)).status, 200);
    }
    assert.deepEqual(reasons(rig), []);
  });

  it("with too many headers are refused", async () => {
    await using rig = await startRig({ limits: { headers: 30 } });
    const headers = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`x-${index}`, "1"]),
    );
    assertRefused(await rig.ask({ headers }), 431, "The request has too many headers");
    assert.equal((await rig.ask()).status, 200);
  });

  it("that ask before they send a body are told so once their head is right, else refused at once", async () => {
    // Nobody waits for a body that was not asked for
    await using rig = await startRig({ limits: { bodyGraceMs: 3_600_000 } });
    const expect = { Expect: "100-continue" };
    await using connection = await openRaw(rig.axon.port);
    const { head, body } = rig.request({ headers: expect });
    connection.socket.write(head);
    const [interim] = await once(connection.socket, "data");
    assert.equal(String(interim), "HTTP/1.1 100 Continue\r\n\r\n");
    assert.equal((await connection.send("", body)).status, 200);

    await using other = await openRaw(rig.axon.port);
    const ended = once(other.socket, "end");
    const wrong = rig.request({ headers: { ...expect, ...forged.headers } });
    assertRefused(await other.send(wrong.head, ""), 401, /Signature mismatch/);
    await ended;
  });

  it("in other forms of HTTP are answered or refused, never left open", async () => {
    await using rig = await startRig();
    const { head, body } = rig.request();
    const answers = async (text: string, rest: string | Buffer = ""): Promise<number> => {
      await using connection = await openRaw(rig.axon.port);
      return (await connection.send(text, rest)).status;
    };
    assert.equal(await answers(head.replace("HTTP/1.1", "HTTP/1.0"), body), 200);
    const upgrade = rig.request({ headers: { Connection: "Upgrade", Upgrade: "websocket" } });
    assert.equal(await answers(upgrade.head, upgrade.body), 200);
    const both = rig.request({ headers: { "Transfer-Encoding": "chunked" } });
    assert.equal(await answers(both.head, both.body), 400);
    const negative = rig.request({ headers: { "Content-Length": "-1" } });
    assert.equal(await answers(negative.head), 400);
    const twice = rig.request({ headers: { "content-length": "7" } });
    assert.equal(await answers(twice.head), 400);
    await using connection = await openRaw(rig.axon.port);
    connection.socket
      .resume()
      .write("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n");
    await closed(connection.socket);
    assert.equal((await rig.ask()).status, 200);
  });

  it("with trailers without end are refused", async () => {
    await using rig = await startRig();
    const { head } = rig.request({
      headers: { "Content-Length": undefined, "Transfer-Encoding": "chunked" },
    });
    await using connection = await openRaw(rig.axon.port);
    const trailers = `x: ${"y".repeat(100)}\r\n`.repeat(1_000);
    const answer = await connection.send(head, `2\r\n{}\r\n0\r\n${trailers}`);
    assertRefused(answer, 431, /exceed 32768 bytes/);
  });
});

describe("rates", () => {
  it("of requests without a proof bar their address before anything of them is looked at", async () => {
    const looked: string[] = [];
    await using rig = await startRig({
      limits: { strangerBurst: 3, strangerPerS: 0.001 },
      routes: [
        route(pullTask, {
          blacklist: ({ hotkey }) => {
            looked.push(hotkey);
            return undefined;
          },
          handle: () => ({}),
        }),
      ],
    });
    assert.equal((await rig.ask()).status, 200);
    for (let count = 0; count < 3; count += 1) {
      assertRefused(await rig.ask({ ...forged, caller: eve }), 401, /Signature mismatch/);
    }
    const seen = looked.length;
    const barred = "Forbidden. Key is blacklisted: Too many requests from this address.";
    assertRefused(await rig.ask({ caller: eve }), 403, barred);
    assertRefused(await rig.ask({ path: "/Nope", caller: eve }), 403, barred);
    assert.equal(looked.length, seen);
    assert.deepEqual(reasons(rig), ["address-rate", "address-rate"]);
    assert.equal((await rig.ask()).status, 200, "who proved itself from there goes on");
    assert.equal((await rig.ask({ caller: eve }, "127.0.0.2")).status, 200);
  });

  it("of a barred address without known callers refuse its connections", async () => {
    await using rig = await startRig({ limits: { strangerBurst: 1, strangerPerS: 0.001 } });
    assert.equal((await rig.ask({ path: "/Nope" })).status, 404);
    const socket = await openHalf(rig.axon.port, "127.0.0.1");
    assertRefused(await readAnswer(socket), 403, /Too many requests from this address/);
    socket.destroy();
    assert.deepEqual(reasons(rig), ["address-rate"]);
  });

  it("of what is not HTTP count too, and pings, which anybody may send", async () => {
    await using rig = await startRig({ limits: { strangerBurst: 2, strangerPerS: 0.001 } });
    await using connection = await openRaw(rig.axon.port);
    assert.equal((await connection.send("GARBAGE\r\n\r\n", "")).status, 400);
    assert.equal((await rig.ask({ synapse: "Synapse" })).status, 200);
    await assert.rejects(async () => assert.equal((await rig.ask()).status, 200));
  });

  it("of a hotkey refuse before its signature is verified", async () => {
    await using rig = await startRig({ limits: { hotkeyBurst: 2, hotkeyPerS: 0.001 } });
    for (let count = 0; count < 2; count += 1) {
      assert.equal((await rig.ask()).status, 200);
    }
    const refusal = "Forbidden. Key is blacklisted: Too many requests of this hotkey.";
    assertRefused(await rig.ask(), 403, refusal);
    assertRefused(await rig.ask(forged, "127.0.0.2"), 403, refusal);
    assert.equal((await rig.ask({ caller: eve })).status, 200);
    assert.equal(rig.events.length, 3);
  });

  it("of a hotkey bound its calls in progress", async () => {
    const release = Promise.withResolvers<void>();
    let entered = 0;
    await using rig = await startRig({
      limits: { hotkeyCalls: 2 },
      routes: [
        route(pullTask, {
          handle: async () => {
            entered += 1;
            await release.promise;
            return {};
          },
        }),
      ],
    });
    const waiting = [rig.ask(), rig.ask()];
    await until(() => entered === 2);
    assertRefused(await rig.ask(), 403, /Too many requests of this hotkey at one time/);
    const other = rig.ask({ caller: eve });
    await until(() => entered === 3);
    release.resolve();
    for (const { status } of await Promise.all([...waiting, other])) {
      assert.equal(status, 200);
    }
    assert.equal((await rig.ask()).status, 200);
    assert.deepEqual(reasons(rig), ["hotkey-calls"]);
  });

  it("of signatures have a queue that ends", async () => {
    await using rig = await startRig({
      threads: { ...threads, verify: () => undefined },
      limits: { strangerBurst: 1, strangerPerS: 0.001 },
    });
    for (let count = 0; count < 3; count += 1) {
      assertRefused(await rig.ask(), 503, "Too many requests at one time; try again later");
    }
    assert.deepEqual(reasons(rig), ["verify-queue", "verify-queue", "verify-queue"]);
  });

  it("let a caller who is known go before strangers", async () => {
    const urgencies: boolean[] = [];
    await using rig = await startRig({
      threads: {
        ...threads,
        verify(job, urgent) {
          urgencies.push(urgent);
          return threads.verify(job, urgent);
        },
      },
    });
    for (const parts of [{}, {}, { caller: eve }]) {
      await rig.ask(parts);
    }
    await rig.ask({}, "127.0.0.2");
    assert.deepEqual(urgencies, [false, true, false, false]);
  });
});

describe("before work", () => {
  it("size and registration are looked at", async () => {
    let verified = 0;
    await using rig = await startRig({
      threads: {
        ...threads,
        verify(job, urgent) {
          verified += 1;
          return threads.verify(job, urgent);
        },
      },
      routes: [
        route(
          { ...submitResults, maxBodyBytes: 1_000 },
          {
            blacklist: ({ hotkey }) => (hotkey === eve.ss58 ? "Unrecognized hotkey" : undefined),
            handle: () => ({}),
          },
        ),
      ],
    });
    const large = { ...submission, body: Buffer.alloc(2_000, " ") };
    assertRefused(await rig.ask(large), 413, "The body exceeds the limit of 1000 bytes");
    // Zero values are parsed for those who are registered
    const { zeros: _zeros, ...broken } = submission;
    assertRefused(await rig.ask({ ...broken, caller: eve }), 403, /Unrecognized hotkey/);
    assertRefused(await rig.ask(broken), 500, /^Internal Server Error #/);
    assert.equal(verified, 0);
  });

  it("callers who say their version have one form of the signed message tried", async () => {
    const forms: string[] = [];
    await using rig = await startRig({
      threads: {
        ...threads,
        verify(job, urgent) {
          forms.push(job.form);
          return threads.verify(job, urgent);
        },
      },
    });
    await rig.ask();
    await rig.ask({ version: "694", nonce: 5n, uuid: "another" });
    assert.equal(
      (await rig.ask({ headers: { bt_header_dendrite_version: undefined } })).status,
      200,
    );
    assert.deepEqual(forms, ["bare", "bare", "either"]);
  });

  it("a hotkey that filled its place for nonces waits", async () => {
    const nonces = { ...createNonceMemory(), count: () => noncesOfHotkey };
    await using rig = await startRig({ nonces });
    assertRefused(await rig.ask(), 401, /^Not Verified with error: Too many nonces of this hotkey/);
    assert.deepEqual(reasons(rig), ["nonces"]);
  });

  it("two requests with one nonce pass once, though both wait for their signatures", async () => {
    await using rig = await startRig();
    const { head, body } = rig.request();
    await using one = await openRaw(rig.axon.port);
    await using other = await openRaw(rig.axon.port);
    const statuses = await Promise.all([one.send(head, body), other.send(head, body)]);
    assert.deepEqual(statuses.map(({ status }) => status).toSorted(), [200, 401]);
  });
});

describe("bodies", () => {
  const results = { ...submitResults, payload: "results" };
  const withResults = (bytes: Uint8Array) => ({
    ...submission,
    fields: { ...submission.fields, results: Buffer.from(bytes).toString("base64") },
  });

  it("carry their payload as bytes with a hash, small ones and large ones alike", async () => {
    const payloads: (Payload | undefined)[] = [];
    const texts: string[] = [];
    await using rig = await startRig({
      routes: [
        route(results, {
          handle({ payload, fields }) {
            payloads.push(payload);
            texts.push(fields.results);
            return {};
          },
        }),
      ],
    });
    const sizes = [0, 3, 300_000, 3_000_000];
    for (const size of sizes) {
      const answer = await rig.ask(withResults(Buffer.alloc(size, 7)));
      assert.equal(answer.status, 200, answer.body);
    }
    for (const [index, payload] of payloads.entries()) {
      assert.ok(payload?.kind === "bytes");
      assert.equal(payload.sizeBytes, sizes[index]);
      const bytes = Buffer.alloc(payload.sizeBytes, 7);
      assert.equal(payload.sha256, hash("sha256", bytes, "hex"));
      assert.ok(bytes.equals(payload.take()));
    }
    assert.deepEqual(texts, ["", "", "", ""]);
    const malformed = { ...submission, fields: { ...submission.fields, results: "AAA" } };
    assert.equal((await rig.ask(malformed)).status, 200);
    assert.equal(payloads.at(-1)?.kind, "malformed");
    const number = { ...submission, fields: { ...submission.fields, results: 7 } };
    assertRefused(await rig.ask(number), 500, /^Internal Server Error #/);
  });

  it("are no bombs: unknown fields are skipped, depth, number and size have limits", async () => {
    await using rig = await startRig({ routes: [route(results, { handle: () => ({}) })] });
    const good = JSON.stringify(submission.fields).slice(1, -1);
    const bomb = (unknown: string) => rig.ask({ ...submission, body: `{"x":${unknown},${good}}` });
    assert.equal((await bomb(`[${"{},".repeat(5_000)}{}]`)).status, 200);
    assertRefused(await bomb(`[${"{},".repeat(1_000_000)}{}]`), 422, /at most 10000 values/);
    assertRefused(await bomb("[".repeat(100_000)), 422, /at most 32 levels/);
    assertRefused(await bomb(`"${"a".repeat(2 << 20)}"`), 422, /at most 1048576 bytes .* beside/);
    assert.ok(reasons(rig).every((reason) => reason === "body-shape"));
    assert.equal((await rig.ask(submission)).status, 200);
  });

  it("are given back as soon as the handler lets go, one large one a hotkey at a time", async () => {
    const stored = Promise.withResolvers<void>();
    const verdict = Promise.withResolvers<void>();
    await using rig = await startRig({
      limits: { bodiesBytes: 1_500_000 },
      routes: [
        route(pullTask, { handle: () => ({}) }),
        route(results, {
          async handle({ payload, releaseBody }) {
            assert.ok(payload?.kind === "bytes");
            payload.take();
            assert.throws(() => payload.take(), /not held any more/);
            releaseBody();
            stored.resolve();
            await verdict.promise;
            return {};
          },
        }),
      ],
    });
    const large = withResults(Buffer.alloc(1_000_000));
    const first = rig.ask(large);
    await stored.promise;
    // Its verdict is far, but the same hotkey and others may send theirs
    const second = rig.ask(large);
    const third = rig.ask({ ...withResults(Buffer.alloc(900_000)), caller: eve });
    assert.equal((await rig.ask()).status, 200);
    verdict.resolve();
    assert.equal((await first).status, 200);
    const statuses = [await second, await third].map(({ status }) => status);
    assert.ok(statuses.every((status) => status === 200 || status === 503));
    assert.ok(statuses.includes(200));
  });

  it("that trickle in are cut off with an answer", async () => {
    await using rig = await startRig({
      limits: { bodyGraceMs: 100, bodyLeastBytesPerS: 1_000_000 },
    });
    const { head } = rig.request({ headers: { "Content-Length": "100000" } });
    await using connection = await openRaw(rig.axon.port);
    const trickle = setInterval(() => connection.socket.write("{"), 5);
    try {
      assertRefused(await connection.send(head, "{"), 408, "The body came in too slowly");
    } finally {
      clearInterval(trickle);
    }
    assert.deepEqual(reasons(rig), ["slow-body"]);
  });

  it("of refused strangers are drained within a limit only", async () => {
    await using rig = await startRig({
      limits: { drainStrangerBytes: 100_000 },
      routes: [route(submitResults, { blacklist: () => "no", handle: () => ({}) })],
    });
    await using connection = await openRaw(rig.axon.port);
    const { head } = rig.request({ ...submission, headers: { "Content-Length": "1000000" } });
    const answer = await connection.send(head, "");
    assertRefused(answer, 403, /blacklisted: no/);
    assert.equal(header(answer, "connection"), "close");
  });
});
