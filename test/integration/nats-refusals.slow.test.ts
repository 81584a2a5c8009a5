/** A NATS that is there and refuses: said once with what to change, and once when it is over. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QueueUnavailableError } from "@turntable/bus";
import { connectJobQueue, logNatsEvent, type NatsEvent } from "@turntable/bus/nats";
import { bytes, testJob } from "../contract/job-queue-tools.ts";
import { startNatsServer } from "../harness/nats-server.ts";

const timeout = 30_000;

function createLog() {
  const lines: { readonly fields: object; readonly message: string }[] = [];
  const write = (fields: object, message: string) => lines.push({ fields, message });
  return {
    lines,
    onEvent: (event: NatsEvent) => logNatsEvent({ info: write, warn: write }, event),
  };
}

test("JetStream that is off for the account is told once, with the line to add", {
  timeout,
}, async () => {
  const extraConfig = 'accounts { A { users: [ { user: "a", password: "b" } ] } }';
  await using server = await startNatsServer({ extraConfig });
  const { lines, onEvent } = createLog();
  const servers = `nats://a:b@127.0.0.1:${server.port}`;
  await assert.rejects(
    connectJobQueue({ servers, onEvent, signal: AbortSignal.timeout(2_000) }),
    (error) => error instanceof QueueUnavailableError,
  );
  assert.equal(lines.length, 1, JSON.stringify(lines));
  assert.equal(lines[0]?.message, "NATS could not be set up");
  assert.match(
    JSON.stringify(lines),
    /JetStream is off for this account: add .*jetstream: enabled/,
  );
  assert.doesNotMatch(JSON.stringify(lines), /stack/);
});

test("storage that is full is what a submit fails with, and what to change", {
  timeout,
}, async () => {
  const storage = 64 * 1024;
  const extraConfig = `accounts { A { jetstream: { max_file: ${storage} }, users: [ { user: "a", password: "b" } ] } }`;
  await using server = await startNatsServer({ extraConfig });
  const { onEvent } = createLog();
  await using queue = await connectJobQueue({
    servers: `nats://a:b@127.0.0.1:${server.port}`,
    onEvent,
  });
  // The server looks at what is there already: the first that finds the limit passed is refused.
  await queue.submit(testJob("large", { asset: bytes(2 * storage, 1) }));
  await assert.rejects(queue.submit(testJob("next")), (error) => {
    assert.ok(error instanceof QueueUnavailableError, String(error));
    assert.match(error.message, /storage of JetStream is full.*max_file/);
    return true;
  });
});

test("a token in the address is taken", { timeout }, async () => {
  await using server = await startNatsServer({ extraConfig: "authorization { token: secret }" });
  await using queue = await connectJobQueue({ servers: `nats://secret@127.0.0.1:${server.port}` });
  await queue.submit(testJob("a"));
});

test("more copies than the server can keep are told with the flag to lower", {
  timeout,
}, async () => {
  await using server = await startNatsServer();
  const { lines, onEvent } = createLog();
  const signal = AbortSignal.timeout(1_500);
  await assert.rejects(connectJobQueue({ servers: server.url, replicas: 3, onEvent, signal }));
  assert.match(JSON.stringify(lines), /lower --nats-replicas/);
});
