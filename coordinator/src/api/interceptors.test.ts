import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallContext, RpcError, statusCodes } from "@turntable/proto/rpc";
import { callBy, refusedWith } from "../../test/generation.ts";
import { authenticated, type ClientCall } from "./authentication.ts";
import { notFound } from "./errors.ts";
import { parseApiKeys } from "./keys.ts";
import { type ApiCallEvent, type CallFacts, observed } from "./observing.ts";

const { client: _, ...plain } = callBy("");
const withHeader = (authorization: string | undefined): CallContext => ({
  ...plain,
  headers: { get: (name) => (name === "authorization" ? authorization : undefined) },
});
const keys = parseApiKeys("alice key-0123456789abcdef");

/** Who the handler would be called by; notes go to `notes`. */
async function clientOf(context: CallContext, known: typeof keys | undefined, notes: CallFacts[]) {
  let call: ClientCall | undefined;
  await authenticated(known)(async (next) => {
    call = next;
  })({ ...context, note: (facts) => notes.push(facts) });
  return call?.client;
}

test("a known key is its client, in any case of the scheme; without keys everybody is anonymous", async () => {
  const notes: CallFacts[] = [];
  assert.equal(await clientOf(withHeader("Bearer key-0123456789abcdef"), keys, notes), "alice");
  assert.equal(await clientOf(withHeader("bearer key-0123456789abcdef"), keys, notes), "alice");
  assert.equal(await clientOf(withHeader(undefined), undefined, notes), "anonymous");
  assert.deepEqual(notes, [{ client: "alice" }, { client: "alice" }, { client: "anonymous" }]);
});

test("a missing, malformed or unknown key is refused, and says what to send", async () => {
  const cases = [
    [undefined, /send the metadata/],
    ["key-0123456789abcdef", /send the metadata/],
    ["Bearer two words", /send the metadata/],
    ["Bearer another-key-of-somebody", /not known here/],
  ] as const;
  for (const [header, text] of cases) {
    const notes: CallFacts[] = [];
    await assert.rejects(
      clientOf(withHeader(header), keys, notes),
      refusedWith(statusCodes.UNAUTHENTICATED, text),
    );
    assert.deepEqual(notes, []);
  }
});

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
