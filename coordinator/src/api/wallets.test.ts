/** Calls that are signed by a wallet, over gRPC and plain HTTP. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Metadata, status } from "@grpc/grpc-js";
import { signHeaders } from "@turntable/bittensor/btauth";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { CreateTaskRequestSchema } from "@turntable/proto";
import { openApi } from "../../test/api.ts";

before(ready);

const path = "/turntable.v1.GenerationService/CreateTask";
const nowMs = 1_795_500_000_000;

function open() {
  const [alice, validator] = [keypairFromUri("//Alice"), keypairFromUri("//Charlie")];
  let nonce = BigInt(nowMs) * 1_000_000n;
  /** Signatures are taken from two seconds after the start on. */
  const clock = { ms: nowMs - 2_000 };
  const wallets = {
    receiver: validator.ss58,
    isAllowed: (hotkey: string) => hotkey === alice.ss58,
  };
  return {
    ...{ alice, bob: keypairFromUri("//Bob") },
    clock,
    api: { keyFile: "ann 0123456789abcdef", wallets, now: () => clock.ms },
    sign: (by: Keypair, body: Uint8Array, at = path) =>
      signHeaders(
        by,
        { method: "POST", path: at, body },
        { receiver: validator.ss58, nonce: nonce++ },
      ),
  };
}

test("over gRPC the message is signed: it is the hotkey's call, once, and nobody else's", async () => {
  const { alice, bob, api, clock, sign } = open();
  await using opened = await openApi(api);
  clock.ms = nowMs;
  const request = create(CreateTaskRequestSchema, { prompt: "a cup" });
  const call = async (headers: Readonly<Record<string, string>>, prompt = "a cup") => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) {
      metadata.set(name, value);
    }
    return await opened.client.createTask({ prompt }, { metadata });
  };
  const bytes = toBinary(CreateTaskRequestSchema, request);
  const headers = sign(alice, bytes);
  const { task } = await call(headers);
  assert.equal(opened.subnet.tasks.get(task?.id ?? "")?.client, alice.ss58);
  const refused = (code: number, text: RegExp) => (error: unknown) => {
    assert.ok(error instanceof Error && "code" in error);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  };
  await assert.rejects(call(headers), refused(status.UNAUTHENTICATED, /ReplayedRequest/));
  await assert.rejects(
    call(sign(alice, bytes), "a cat"),
    refused(status.UNAUTHENTICATED, /BadSignature/),
  );
  await assert.rejects(
    call(sign(alice, bytes, "/turntable.v1.GenerationService/ListTasks")),
    refused(status.UNAUTHENTICATED, /BadSignature/),
  );
  await assert.rejects(
    call(sign(bob, bytes)),
    refused(status.PERMISSION_DENIED, /not among those/),
  );
  await assert.rejects(call({}), refused(status.UNAUTHENTICATED, /API key is needed/));
});

test("fault 14: what passed before a restart does not pass again", async () => {
  const { alice, api, clock, sign } = open();
  const body = Buffer.from('{"prompt":"a cup"}');
  const headers = { ...sign(alice, body), "content-type": "application/json" };
  const statusAt = async (startedAt: number, now: number): Promise<number> => {
    clock.ms = startedAt;
    await using opened = await openApi(api);
    clock.ms = now;
    return (await fetch(`${opened.http.url}${path}`, { method: "POST", headers, body })).status;
  };
  assert.equal(await statusAt(nowMs - 2_000, nowMs), 200);
  // Unavailable, not unauthenticated: whoever signs anew a moment later is let in.
  assert.equal(await statusAt(nowMs + 1, nowMs + 1), 503);
  assert.equal(await statusAt(nowMs - 1_000, nowMs), 503, "the signer's clock may be ahead");
});

test("over HTTP the body is signed, as it is sent", async () => {
  const { alice, api, clock, sign } = open();
  await using opened = await openApi(api);
  clock.ms = nowMs;
  const post = async (headers: Readonly<Record<string, string>>, body: string) => {
    const all = { ...headers, "content-type": "application/json" };
    return await fetch(`${opened.http.url}${path}`, { method: "POST", headers: all, body });
  };
  const body = '{ "prompt": "a cup" }';
  const made = await post(sign(alice, Buffer.from(body)), body);
  assert.equal(made.status, 200, await made.text());
  assert.equal(opened.events.at(-1)?.client, alice.ss58);
  const changed = await post(sign(alice, Buffer.from(body)), '{ "prompt": "a cat" }');
  assert.equal(changed.status, 401);
});
