import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  createNonceMemory,
  type NonceCheck,
  type NonceStore,
  nonceFault,
  recentNonces,
  rememberNonce,
} from "./nonces.ts";

const nowMs = 1_795_500_000_000;
const nonceAt = (ms: number): bigint => BigInt(ms) * 1_000_000n;

interface Asked extends Partial<NonceCheck> {
  readonly atMs?: number;
}

/** Asks as a caller of the current SDK would, and remembers what passes. */
function asker(store: NonceStore = createNonceMemory({ now: () => nowMs }), maxAheadMs = 60_000) {
  return (nonce: bigint, { atMs = nowMs, ...rest }: Asked = {}): string | undefined => {
    const check: NonceCheck = {
      hotkey: "hotkey",
      uuid: "uuid",
      sdkVersion: 9_012_002,
      timeoutS: 12,
      ...rest,
      nonce,
    };
    const fault = nonceFault(check, { store, maxAheadMs }, atMs);
    if (fault === undefined) {
      rememberNonce(check, store, atMs);
    }
    return fault;
  };
}

describe("nonces of current callers", () => {
  it("must be recent when the caller is unknown: four seconds and its timeout", () => {
    const ask = asker();
    assert.equal(
      ask(nonceAt(nowMs - 16_000)),
      "Nonce is too old: acceptable delta is 16.00 seconds but request was 16.00 seconds old",
    );
    assert.equal(ask(nonceAt(nowMs - 15_999)), undefined);
  });

  it("are never taken twice", () => {
    const ask = asker();
    assert.equal(ask(nonceAt(nowMs)), undefined);
    assert.equal(ask(nonceAt(nowMs)), "Nonce is too old, a newer one was last processed");
    assert.equal(ask(nonceAt(nowMs), { uuid: "another" }), undefined);
    assert.equal(ask(nonceAt(nowMs), { hotkey: "another" }), undefined);
  });

  it("may overtake each other, once each", () => {
    const ask = asker();
    assert.equal(ask(nonceAt(nowMs) + 5n), undefined);
    assert.equal(ask(nonceAt(nowMs) + 3n), undefined);
    assert.notEqual(ask(nonceAt(nowMs) + 3n), undefined);
    assert.equal(ask(nonceAt(nowMs) + 4n), undefined);
  });

  it("of a known caller may be of any age if they grow", () => {
    const ask = asker();
    const sent = nowMs - 15_000;
    assert.equal(ask(nonceAt(sent)), undefined);
    assert.equal(ask(nonceAt(sent) + 1n, { atMs: nowMs + 20_000 }), undefined);
    assert.notEqual(ask(nonceAt(sent) - 1n, { atMs: nowMs + 20_000 }), undefined);
  });

  it("from the future are refused, unless configured otherwise", () => {
    const ahead = nonceAt(nowMs + 60_001);
    assert.match(asker()(ahead) ?? "", /^Nonce is 60\.00 seconds ahead .* at most 60\.00/);
    assert.equal(asker(undefined, Number.POSITIVE_INFINITY)(ahead), undefined);
  });

  it("can't be stretched by a huge timeout", () => {
    const ask = asker();
    assert.notEqual(ask(nonceAt(nowMs - 304_000), { timeoutS: 1e9 }), undefined);
    assert.equal(ask(nonceAt(nowMs - 303_000), { timeoutS: 1e9 }), undefined);
    assert.notEqual(ask(nonceAt(nowMs - 4000), { timeoutS: -5, uuid: "b" }), undefined);
    assert.notEqual(ask(nonceAt(nowMs - 4000), { timeoutS: Number.NaN, uuid: "c" }), undefined);
  });

  it("are refused after a restart too, once they are old", () => {
    const nonce = nonceAt(nowMs);
    assert.equal(asker()(nonce), undefined);
    assert.notEqual(asker()(nonce, { atMs: nowMs + 16_000 }), undefined);
  });

  it("in any order: each passes at most once", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 300 }), (offsets) => {
        const ask = asker();
        const passed = offsets.filter(
          (offset) => ask(nonceAt(nowMs) + BigInt(offset)) === undefined,
        );
        assert.equal(new Set(passed).size, passed.length);
      }),
    );
  });
});

describe("nonces of callers before 7.2", () => {
  it("come from uptime clocks and must grow, in their own words", () => {
    const ask = asker();
    const legacy = { sdkVersion: 694 };
    assert.equal(ask(86_400_123_456_789n, legacy), undefined);
    assert.equal(ask(86_400_123_456_789n, legacy), "Nonce is too small");
    assert.equal(ask(86_400_123_456_788n, legacy), "Nonce is too small");
    assert.equal(ask(86_400_123_456_790n, legacy), undefined);
    assert.equal(ask(5n, { ...legacy, uuid: "after a reboot" }), undefined);
    assert.equal(ask(6n, { sdkVersion: undefined, uuid: "says no version" }), undefined);
  });
});

describe("a version that no signature covers", () => {
  it("does not let a recorded request in again, once its nonce is forgotten", () => {
    let now = nowMs;
    const ask = asker(createNonceMemory({ now: () => now }));
    const nonce = nonceAt(nowMs);
    assert.equal(ask(nonce), undefined);
    for (const sdkVersion of [694, undefined]) {
      for (const laterMs of [0, 1000, 303_999, 304_001, 3_600_000, 48 * 3_600_000]) {
        now = nowMs + laterMs;
        assert.notEqual(ask(nonce, { sdkVersion, atMs: now }), undefined, `${laterMs} ms later`);
      }
    }
  });

  it("leaves old callers with clocks of their own alone while they are recent", () => {
    const ask = asker();
    assert.equal(ask(nonceAt(nowMs - 60_000), { sdkVersion: 694 }), undefined);
    assert.equal(ask(nonceAt(nowMs - 304_000), { sdkVersion: 694, uuid: "b" }), "Nonce is too old");
  });
});

describe("the memory", () => {
  it("forgets callers whose time is over, and the oldest beyond its capacity", () => {
    let now = nowMs;
    const memory = createNonceMemory({ capacity: 3, now: () => now });
    for (const caller of ["a", "b", "c", "d"]) {
      memory.add(caller, 1n, nowMs + 1000);
    }
    assert.equal(memory.size, 3);
    assert.deepEqual(memory.recent("a"), []);
    assert.deepEqual(memory.recent("b"), [1n]);
    memory.add("b", 2n, nowMs + 1000);
    memory.add("e", 1n, nowMs + 9000);
    assert.deepEqual(memory.recent("c"), []);
    assert.deepEqual(memory.recent("b"), [1n, 2n]);
    now += 2000;
    assert.deepEqual(memory.recent("b"), []);
    memory.add("f", 1n, now + 1000);
    assert.equal(memory.size, 2);
  });

  it("keeps the highest nonces of a caller", () => {
    const memory = createNonceMemory();
    for (let nonce = 300n; nonce > 0n; nonce -= 1n) {
      memory.add("a", nonce, Date.now() + 60_000);
    }
    assert.equal(memory.recent("a").length, recentNonces);
    assert.equal(memory.recent("a").at(-1), 300n);
  });
});
