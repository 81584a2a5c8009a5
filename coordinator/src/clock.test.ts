import assert from "node:assert/strict";
import { test } from "node:test";
import { createClock } from "./clock.ts";

/** A machine whose time can be set while it passes. */
function createMachine() {
  let wall = 1_764_000_000_000;
  let monotonic = 50;
  const steps: number[] = [];
  const now = createClock({
    wall: () => wall,
    monotonic: () => monotonic,
    onStep: (offMs) => steps.push(offMs),
  });
  return {
    now,
    steps,
    begin: wall,
    pass(ms: number) {
      wall += ms;
      monotonic += ms;
    },
    set(byMs: number) {
      wall += byMs;
    },
  };
}

test("time passes as it does", () => {
  const machine = createMachine();
  machine.pass(1_234.5);
  assert.equal(machine.now(), machine.begin + 1_234);
  machine.pass(0.5);
  assert.equal(machine.now(), machine.begin + 1_235);
  assert.deepEqual(machine.steps, []);
});

for (const step of [3_600_000, -3_600_000]) {
  test(`a machine set by ${step} ms neither jumps nor goes back; the clock comes near it slowly, and that is told once`, () => {
    const machine = createMachine();
    machine.set(step);
    assert.equal(machine.now(), machine.begin);
    machine.pass(1_000);
    const after = machine.now() - machine.begin;
    assert.equal(after, step > 0 ? 1_050 : 950);
    assert.deepEqual(machine.steps, [step]);
    let last = machine.now();
    for (let hour = 0; hour < 24; hour++) {
      machine.pass(3_600_000);
      assert.ok(machine.now() >= last);
      last = machine.now();
    }
    assert.equal(last, machine.begin + step + 1_000 + 24 * 3_600_000);
    assert.equal(machine.steps.length, 1);
  });
}

test("small corrections are followed at once enough, and not told", () => {
  const machine = createMachine();
  machine.set(40);
  machine.pass(1_000);
  assert.equal(machine.now(), machine.begin + 1_040);
  assert.deepEqual(machine.steps, []);
});
