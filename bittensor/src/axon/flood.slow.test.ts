/** Floods as strangers and miners can send them, against an axon with the limits that it has by default. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { startRig as startRigWith, submission } from "../../test/axon-rig.ts";
import { openRaw, readAnswer } from "../../test/raw-http.ts";
import { keypairFromUri, ready } from "../keys/index.ts";
import { submitResults } from "../synapse/index.ts";
import { defaultAxonLimits, route, startAxonThreads } from "./index.ts";

const threads = startAxonThreads();
before(ready);
after(() => threads[Symbol.asyncDispose]());

const halfHead = "POST /PullTask HTTP/1.1\r\nHost: x\r\nbt_header_dendrite_hotkey: ";

/** Sends half a head and keeps its end open, whatever the axon does. */
async function halfOpen(port: number, from: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress: from, allowHalfOpen: true });
  socket.on("error", () => undefined);
  await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => undefined);
  socket.write(halfHead);
  return socket;
}

it("4,096 connections of one address with half a head hold up nobody", async () => {
  await using rig = await startRigWith({ threads });
  const sockets: Socket[] = [];
  try {
    for (let count = 0; count < 4096; count += 64) {
      sockets.push(
        ...(await Promise.all(
          Array.from({ length: 64 }, () => halfOpen(rig.axon.port, "127.0.0.1")),
        )),
      );
    }
    const limit = defaultAxonLimits.connectionsOfAddress;
    assert.ok(rig.axon.connections <= limit, `${rig.axon.connections} connections`);
    for (let count = 0; count < 10; count += 1) {
      assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
    }
  } finally {
    for (const socket of sockets) {
      socket.destroy();
    }
  }
});

it("4,096 connections of 64 addresses with half a head hold up nobody, known or new", async () => {
  await using rig = await startRigWith({ threads });
  assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
  const sockets: Socket[] = [];
  try {
    for (let address = 0; address < 64; address += 1) {
      sockets.push(
        ...(await Promise.all(
          Array.from({ length: 64 }, () => halfOpen(rig.axon.port, `127.0.1.${address + 1}`)),
        )),
      );
    }
    const { connections, connectionsForKnown } = defaultAxonLimits;
    assert.ok(rig.axon.connections <= connections - connectionsForKnown);
    assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
    for (let count = 0; count < 10; count += 1) {
      const caller = keypairFromUri(`//New${count}`);
      assert.equal((await rig.ask({ caller }, `127.0.2.${count + 1}`)).status, 200);
    }
  } finally {
    for (const socket of sockets) {
      socket.destroy();
    }
  }
});

it("8,000 forged requests cost little, and honest callers are answered meanwhile", async () => {
  await using rig = await startRigWith({ threads });
  assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
  const { head, body } = rig.request({
    caller: keypairFromUri("//Eve"),
    headers: { bt_header_dendrite_signature: `0x${"00".repeat(64)}` },
  });
  const startedAt = process.cpuUsage();
  await using stack = new AsyncDisposableStack();
  const open = async () => stack.use(await openRaw(rig.axon.port, "127.0.0.1"));
  const connections = await Promise.all(Array.from({ length: 32 }, open));
  // The flood must not begin before all are in: an address that is barred gets no new ones.
  while (rig.axon.connections < connections.length) {
    await setImmediate();
  }
  const lanes = connections.map(async (connection) => {
    for (let count = 0; count < 250; count += 1) {
      const { status } = await connection.send(head, body);
      assert.ok(status === 401 || status === 403, `${status}`);
    }
  });
  const flood = Promise.all(lanes);
  for (let count = 0; count < 20; count += 1) {
    assert.equal((await rig.ask({}, "127.0.0.2")).status, 200);
  }
  await flood;
  const { user } = process.cpuUsage(startedAt);
  const forgedByThem = rig.refusals.filter(({ reason }) => reason === "address-rate").length;
  assert.ok(forgedByThem > 7_000, `${forgedByThem} of 8,000 were refused unread`);
  // Both ends run in this process. Verified each, they would have cost 20 s with the JavaScript of before.
  assert.ok(user < 15_000_000, `${user / 1e6} s`);
});

it("JSON bombs end at their limits, in no time and in no memory", async () => {
  await using rig = await startRigWith({
    threads,
    routes: [route({ ...submitResults, payload: "results" }, { handle: () => ({}) })],
  });
  const good = JSON.stringify(submission.fields).slice(1, -1);
  const before = process.memoryUsage().heapUsed;
  const unit = Buffer.from("{},".repeat(300_000));
  const parts = [
    Buffer.from('{"x":['),
    ...Array.from({ length: 100 }, () => unit),
    Buffer.from(`{}],${good}}`),
  ];
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const { head } = rig.request({
    ...submission,
    headers: { "Content-Length": String(sizeBytes) },
  });
  await using connection = await openRaw(rig.axon.port);
  const answer = readAnswer(connection.socket);
  connection.socket.write(head);
  for (const part of parts) {
    if (!connection.socket.write(part)) {
      await once(connection.socket, "drain");
    }
  }
  const { status, body } = await answer;
  assert.equal(status, 422, body);
  assert.match(body, /at most 10000 values are allowed/);
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 64 << 20, `the heap grew by ${grown} bytes`);
  // The connection and the axon live on
  const next = rig.request(submission);
  assert.equal((await connection.send(next.head, next.body)).status, 200);
});
