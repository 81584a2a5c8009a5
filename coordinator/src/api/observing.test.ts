import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcError, statusCodes } from "@turntable/proto/rpc";
import { callBy, refusedWith } from "../../test/generation.ts";
import { notFound } from "./errors.ts";
import { type ApiCallEvent, observed } from "./observing.ts";

const { client: _client, readsAll: _readsAll, ...plain } = callBy("");

/** Runs a call to its end: what came of it, and its event. */
async function observe(handler: () => Promise<void>) {
  const events: ApiCallEvent[] = [];
  const run = observed((event) => events.push(event))(async ({ note }) => {
    note({ client: "alice" });
    await handler();
  });
  const error = await run(plain).catch((thrown: unknown) => thrown);
  const [event] = events;
  assert.ok(event);
  assert.equal(events.length, 1);
  return { event, error };
}

test("each call has one event: who, which method, how it ended", async () => {
  const ok = await observe(async () => undefined);
  assert.deepEqual(
    [ok.event.client, ok.event.method, ok.event.code, ok.event.fault],
    ["alice", plain.path, "OK", undefined],
  );
  const refused = await observe(async () => {
    throw notFound("no task");
  });
  assert.deepEqual([refused.event.code, refused.event.fault], ["NOT_FOUND", undefined]);
  refusedWith(statusCodes.NOT_FOUND, /^no task$/)(refused.error);
});

test("the caller of a bug learns an id, and the event has the cause under it", async () => {
  const bug = new TypeError("secret of ours");
  const { event, error } = await observe(async () => {
    throw bug;
  });
  assert.deepEqual([event.code, event.fault?.cause], ["INTERNAL", bug]);
  assert.ok(error instanceof RpcError);
  assert.equal(error.message, `internal error ${event.fault?.id}`);
});
