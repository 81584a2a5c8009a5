import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "./gate.ts";
import { defaultAxonLimits } from "./limits.ts";

function rig() {
  let nowMs = 0;
  const limits = {
    ...defaultAxonLimits,
    strangerPerS: 1,
    strangerBurst: 3,
    hotkeyPerS: 1,
    hotkeyBurst: 4,
    knownMs: 60_000,
  };
  const gate = createGate(limits, () => nowMs);
  const fail = (times: number, address: string, hotkey?: string): void => {
    for (let count = 0; count < times; count += 1) {
      gate.failed(address, hotkey, 1);
    }
  };
  return { gate, fail, after: (ms: number) => (nowMs += ms) };
}

test("an address that fails too often is barred until its bucket fills, and no other is", () => {
  const { gate, fail, after } = rig();
  fail(2, "1", "eve");
  assert.equal(gate.barred("1", "eve"), undefined);
  fail(1, "1", "mallory");
  assert.equal(gate.barred("1", "eve"), "address-rate");
  assert.equal(gate.barred("1", undefined), "address-rate", "whatever it claims");
  assert.equal(gate.barred("2", "eve"), undefined);
  after(1_000);
  assert.equal(gate.barred("1", "eve"), undefined);
});

test("two tries at a signature count as two requests", () => {
  const { gate } = rig();
  gate.failed("1", "eve", 2);
  gate.failed("1", "eve", 1);
  assert.equal(gate.barred("1", "eve"), "address-rate");
});

test("who proved itself from a barred address goes on; what is forged in its name counts against that name there", () => {
  const { gate, fail } = rig();
  gate.proved("1", "alice");
  fail(100, "1", "eve");
  assert.equal(gate.barred("1", "eve"), "address-rate");
  assert.equal(gate.barred("1", "alice"), undefined);
  assert.equal(gate.isKnownCaller("1", "alice"), true);
  assert.equal(gate.isKnownCaller("2", "alice"), false);
  fail(3, "1", "alice");
  assert.equal(gate.barred("1", "alice"), "address-rate");
  assert.equal(gate.barred("2", "alice"), undefined, "from where nobody forges it");
});

test("a hotkey may make so many proven requests, and others' forgeries take nothing from it", () => {
  const { gate, fail, after } = rig();
  fail(1_000, "1", "alice");
  assert.equal(gate.barred("2", "alice"), undefined);
  for (let count = 0; count < 4; count += 1) {
    assert.equal(gate.barred("2", "alice"), undefined);
    gate.proved("2", "alice");
  }
  assert.equal(gate.barred("2", "alice"), "hotkey-rate");
  assert.equal(gate.barred("3", "alice"), "hotkey-rate", "from everywhere");
  assert.equal(gate.barred("2", "bob"), undefined);
  after(1_000);
  assert.equal(gate.barred("2", "alice"), undefined);
});

test("a hotkey has so many calls in progress, and gets the place of one that ended", () => {
  const { gate } = rig();
  const leave = Array.from({ length: defaultAxonLimits.hotkeyCalls }, () => gate.enter("alice"));
  assert.ok(leave.every((one) => one !== undefined));
  assert.equal(gate.enter("alice"), undefined);
  assert.notEqual(gate.enter("bob"), undefined);
  leave[0]?.();
  assert.notEqual(gate.enter("alice"), undefined);
  assert.equal(gate.enter("alice"), undefined);
});

test("an address is known for a while after a proof", () => {
  const { gate, after } = rig();
  assert.equal(gate.isKnown("1"), false);
  gate.proved("1", "alice");
  after(60_000);
  assert.equal(gate.isKnown("1"), true);
  after(1);
  assert.equal(gate.isKnown("1"), false);
});
