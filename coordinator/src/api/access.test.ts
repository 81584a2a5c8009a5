import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallContext, statusCodes } from "@turntable/proto/rpc";
import { callBy, refusedWith } from "../../test/generation.ts";
import type { ApiKey, Scope } from "../keys/index.ts";
import { type AccessInterceptor, type ClientCall, createAccess } from "./access.ts";

const secret = "tt_alice-key";

function keyOf(change: Partial<ApiKey> = {}): ApiKey {
  return {
    ...{ id: "tt_alice", name: "alice", scopes: ["generate"], isFromFile: false },
    limits: { callsPerMinute: 0, concurrentCalls: 0 },
    ...{ createdAt: undefined, expiresAt: undefined },
    ...change,
  };
}

function open({ key = keyOf(), anonymous = [] as readonly Scope[] } = {}) {
  let nowMs = 0;
  let isGood = true;
  const keys = {
    find: (given: string) => (given === secret ? key : undefined),
    isGood: () => isGood,
  };
  const access = createAccess({ keys, now: () => nowMs });
  const interceptor = access.interceptorFor({ anonymous });
  const notes: string[] = [];
  const call = async (
    {
      method = "GenerationService/CreateTask",
      authorization = `Bearer ${secret}`,
      signal = new AbortController().signal,
    } = {},
    handler: (call: ClientCall) => Promise<void> = async () => {},
  ): Promise<ClientCall | undefined> => {
    const { client: _client, readsAll: _readsAll, ...plain } = callBy("", signal);
    const context: CallContext = {
      ...plain,
      path: `/turntable.v1.${method}`,
      headers: { get: (name) => (name === "authorization" ? authorization : undefined) },
    };
    let seen: ClientCall | undefined;
    const run = interceptor(async (next) => {
      seen = next;
      await handler(next);
    });
    await run({ ...context, note: ({ client }) => notes.push(client) });
    return seen;
  };
  return {
    ...{ call, notes },
    pass(ms: number): void {
      nowMs += ms;
    },
    endKey(): void {
      isGood = false;
    },
    [Symbol.dispose]: () => access[Symbol.dispose](),
  };
}

test("a known key is its client, in any case of the scheme", async () => {
  using opened = open();
  for (const authorization of [`Bearer ${secret}`, `bearer ${secret}`]) {
    const call = await opened.call({ authorization });
    assert.deepEqual([call?.client, call?.readsAll], ["alice", false]);
  }
  assert.deepEqual(opened.notes, ["alice", "alice"]);
});

test("a missing, malformed or unknown key is refused and says what to send; where all may call it is anonymous", async () => {
  for (const [authorization, text] of [
    ["", /send the metadata/],
    [secret, /send the metadata/],
    ["Bearer two words", /send the metadata/],
    ["Bearer another-key-of-somebody", /not known here/],
  ] as const) {
    using closed = open();
    await assert.rejects(
      closed.call({ authorization }),
      refusedWith(statusCodes.UNAUTHENTICATED, text),
    );
    assert.deepEqual(closed.notes, []);
    using everybody = open({ anonymous: ["generate", "score"] });
    assert.equal((await everybody.call({ authorization }))?.client, "anonymous");
  }
  using everybody = open({ anonymous: ["generate", "score"] });
  assert.equal((await everybody.call())?.client, "alice", "who has a key is known by it");
});

test("each method has the scopes that open it, and nobody without a key administers", async () => {
  const cases = [
    ["GenerationService/CreateTask", ["generate"]],
    ["GenerationService/GetTask", ["generate", "read-all"]],
    ["GenerationService/WatchTask", ["generate", "read-all"]],
    ["ScoringService/CreateScoring", ["score"]],
    ["AdminService/ListMiners", ["admin"]],
    ["NewService/Unheard", ["admin"]],
  ] as const;
  for (const [method, opening] of cases) {
    for (const scope of ["generate", "score", "read-all", "admin"] as const) {
      using opened = open({ key: keyOf({ scopes: [scope] }) });
      const called = opened.call({ method });
      if (opening.some((one) => one === scope)) {
        assert.equal((await called)?.readsAll, scope === "read-all");
      } else {
        await assert.rejects(called, refusedWith(statusCodes.PERMISSION_DENIED, /^the scope /));
      }
    }
  }
  using everybody = open({ anonymous: ["generate", "score"] });
  await assert.rejects(
    everybody.call({ method: "AdminService/ListMiners", authorization: "" }),
    refusedWith(statusCodes.PERMISSION_DENIED, /the scope admin is needed/),
  );
});

test("a key's calls a minute are a bucket that fills up again", async () => {
  using opened = open({ key: keyOf({ limits: { callsPerMinute: 2, concurrentCalls: 0 } }) });
  await opened.call();
  await opened.call();
  await assert.rejects(opened.call(), refusedWith(statusCodes.RESOURCE_EXHAUSTED, /2 calls a min/));
  opened.pass(29_999);
  await assert.rejects(opened.call(), refusedWith(statusCodes.RESOURCE_EXHAUSTED));
  opened.pass(1);
  await opened.call();
  await assert.rejects(opened.call(), refusedWith(statusCodes.RESOURCE_EXHAUSTED));
});

test("a key's calls are counted together, whichever way they come in", async () => {
  const key = keyOf({ scopes: ["admin"], limits: { callsPerMinute: 1, concurrentCalls: 0 } });
  const keys = { find: () => key, isGood: () => true };
  using access = createAccess({ keys, now: () => 0 });
  const call = (interceptor: AccessInterceptor): Promise<void> =>
    interceptor(async () => {})({
      ...callBy("", new AbortController().signal),
      path: "/turntable.v1.AdminService/GetStatus",
      headers: { get: () => `Bearer ${secret}` },
      note: () => {},
    });
  await call(access.interceptorFor({ anonymous: ["admin"] }));
  await assert.rejects(
    call(access.interceptorFor({})),
    refusedWith(statusCodes.RESOURCE_EXHAUSTED, /1 calls a minute/),
  );
});

test("a key's calls at one time are counted until they have ended, however they end", async () => {
  using opened = open({ key: keyOf({ limits: { callsPerMinute: 0, concurrentCalls: 1 } }) });
  const end = Promise.withResolvers<void>();
  const first = opened.call({}, () => end.promise);
  await assert.rejects(opened.call(), refusedWith(statusCodes.RESOURCE_EXHAUSTED, /1 calls of/));
  end.reject(new Error("a bug"));
  await assert.rejects(first, /a bug/);
  await opened.call();
});

test("a stream ends soon after its key does, and says why", async () => {
  using opened = open();
  const aborted = ({ signal }: ClientCall): Promise<void> =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
  const watch = opened.call({ method: "GenerationService/WatchTask" }, aborted);
  opened.endKey();
  await assert.rejects(watch, refusedWith(statusCodes.UNAUTHENTICATED, /may not call any more/));
});
