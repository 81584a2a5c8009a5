import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { keypairFromUri, ready } from "../keys/index.ts";
import { createVerifier, signHeaders } from "./index.ts";

before(ready);

const nowMs = 1_795_500_000_000;
const nonce = BigInt(nowMs) * 1_000_000n;
const request = { method: "POST", path: "/v1/tasks?x=1", body: Buffer.from('{"prompt":"茶"}') };

describe("btauth/1", () => {
  const alice = () => keypairFromUri("//Alice");
  const bob = () => keypairFromUri("//Bob").ss58;
  const outcome = (
    changed: Partial<typeof request> = {},
    options: { at?: number; capacity?: number } = {},
  ) => {
    const verifier = createVerifier({
      receiver: bob(),
      now: () => options.at ?? nowMs,
      ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
    });
    const headers = signHeaders(alice(), request, { receiver: bob(), nonce });
    const verified = verifier.verify(headers, { ...request, ...changed });
    return verified.kind === "verified" ? verified.hotkey : verified.error;
  };

  it("proves the sender of exactly this request", () => {
    assert.equal(outcome(), alice().ss58);
    assert.equal(outcome({ path: "/v1/tasks?x=2" }), "BadSignature");
    assert.equal(outcome({ method: "GET" }), "BadSignature");
    assert.equal(outcome({ method: "post" }), alice().ss58);
    assert.equal(outcome({ body: Buffer.from("{}") }), "BadSignature");
  });

  it("for ten seconds, and once", () => {
    assert.equal(outcome({}, { at: nowMs + 10_000 }), alice().ss58);
    assert.equal(outcome({}, { at: nowMs + 10_001 }), "StaleRequest");
    assert.equal(outcome({}, { at: nowMs - 2001 }), "StaleRequest");
    const verifier = createVerifier({ receiver: bob(), now: () => nowMs });
    const ahead = signHeaders(alice(), request, { receiver: bob(), nonce: nonce + 2_000_999_999n });
    assert.equal(verifier.verify(ahead, request).kind, "verified"); // 2 s by a clock of whole ms
    const headers = signHeaders(alice(), request, { receiver: bob(), nonce });
    assert.equal(verifier.verify(headers, request).kind, "verified");
    const again = verifier.verify(headers, request);
    assert.ok(again.kind === "refused" && again.error === "ReplayedRequest");
    const older = signHeaders(alice(), request, { receiver: bob(), nonce: nonce - 1n });
    assert.equal(verifier.verify(older, request).kind, "verified");
  });

  it("once also over a restart, from signers whose clocks are ahead", () => {
    const ahead = signHeaders(alice(), request, { receiver: bob(), nonce: nonce + 1_900_000_000n });
    const before = createVerifier({ receiver: bob(), now: () => nowMs });
    assert.equal(before.verify(ahead, request).kind, "verified");
    let atMs = nowMs + 1;
    const after = createVerifier({ receiver: bob(), since: atMs, now: () => atMs });
    const refused = after.verify(ahead, request);
    assert.ok(refused.kind === "refused" && refused.error === "StaleRequest");
    assert.equal(refused.retryAfterMs, 101);
    atMs += 2_000;
    assert.equal(after.verify(ahead, request).kind, "refused");
    const anew = signHeaders(alice(), request, {
      receiver: bob(),
      nonce: BigInt(atMs) * 1_000_000n,
    });
    assert.equal(after.verify(anew, request).kind, "verified");
  });

  it("refuses when its memory is full instead of forgetting", () => {
    const verifier = createVerifier({ receiver: bob(), now: () => nowMs, capacity: 1 });
    const send = (one: bigint) =>
      verifier.verify(signHeaders(alice(), request, { receiver: bob(), nonce: one }), request).kind;
    assert.equal(send(nonce), "verified");
    assert.equal(send(nonce + 1n), "refused");
  });
});
