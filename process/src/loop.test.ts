import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { startLoop } from "./loop.ts";

const never = 1_000_000;
const nextTurn = () => new Promise(setImmediate);

/** A loop whose runs end when the test says so. */
function held() {
  const running: { readonly signal: AbortSignal; readonly end: () => void }[] = [];
  const troubles: unknown[] = [];
  const loop = startLoop({
    everyMs: never,
    run: (signal) =>
      new Promise<void>((end) => {
        running.push({ signal, end });
      }),
    onTrouble: (error) => troubles.push(error),
  });
  return { loop, running, troubles };
}

test("runs again and again, also after a run that failed", async () => {
  const troubles: unknown[] = [];
  const three = Promise.withResolvers<void>();
  let runs = 0;
  await using _loop = startLoop({
    everyMs: 1,
    run() {
      if (++runs === 3) {
        three.resolve();
      }
      throw new Error(`run ${runs}`);
    },
    onTrouble: (error) => troubles.push(error),
  });
  await three.promise;
  assert.deepEqual(troubles.slice(0, 2).map(String), ["Error: run 1", "Error: run 2"]);
});

test("never runs beside itself: what is asked for during a run is one run after it", async () => {
  const { loop, running } = held();
  const first = loop.runNow();
  const second = loop.runNow();
  const third = loop.runNow();
  await nextTurn();
  assert.equal(running.length, 1);
  running[0]?.end();
  await first;
  await nextTurn();
  assert.equal(running.length, 2);
  running[1]?.end();
  await Promise.all([second, third]);
  assert.equal(running.length, 2, "one run served both");
  const fourth = loop.runNow();
  await nextTurn();
  assert.equal(running.length, 3);
  running[2]?.end();
  await fourth;
  await loop[Symbol.asyncDispose]();
});

test("a disposed loop aborts the run in work, waits for it, and runs no more", async () => {
  const { loop, running } = held();
  const first = loop.runNow();
  const second = loop.runNow();
  await nextTurn();
  const [run] = running;
  assert.ok(run !== undefined);
  const aborted = once(run.signal, "abort");
  let isDisposed = false;
  const disposed = loop[Symbol.asyncDispose]().then(() => {
    isDisposed = true;
  });
  await aborted;
  await nextTurn();
  assert.equal(isDisposed, false, "a run is in work");
  run.end();
  await Promise.all([first, second, disposed]);
  await loop.runNow();
  assert.equal(running.length, 1);
});

test("a run that fails does not fail who asked for it", async () => {
  const troubles: unknown[] = [];
  await using loop = startLoop({
    everyMs: never,
    run: () => Promise.reject(new Error("away")),
    onTrouble: (error) => troubles.push(error),
  });
  await loop.runNow();
  await loop.runNow();
  assert.deepEqual(troubles.map(String), ["Error: away", "Error: away"]);
});

test("a run may ask for the next one", async () => {
  const seen: number[] = [];
  const done = Promise.withResolvers<void>();
  let running = 0;
  await using loop = startLoop({
    everyMs: never,
    run() {
      seen.push(++running);
      if (seen.length === 3) {
        done.resolve();
      } else {
        void loop.runNow();
      }
      running--;
    },
    onTrouble: done.reject,
  });
  await loop.runNow();
  await done.promise;
  assert.deepEqual(seen, [1, 1, 1], "each after the other");
});

test("a pause that no timer can wait is refused", () => {
  for (const everyMs of [0, -1, Number.NaN, 2 ** 31]) {
    assert.throws(
      () => startLoop({ everyMs, run: () => undefined, onTrouble: () => undefined }),
      RangeError,
    );
  }
});
