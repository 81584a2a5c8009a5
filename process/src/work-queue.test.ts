import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { createWorkQueue, QueueFullError } from "./work-queue.ts";

/** Works that end when the test says so, and the order in which they began. */
function createWorks() {
  const began: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  return {
    began,
    work: (name: string) => () => {
      began.push(name);
      const end = Promise.withResolvers<string>();
      ends.set(name, end);
      return end.promise;
    },
    end: (name: string) => ends.get(name)?.resolve(name),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  };
}
const isRefusal = (code: string) => (error: unknown) =>
  error instanceof QueueFullError && error.code === code;

test("works begin in the order of their coming, as many at a time as are allowed", async () => {
  const { work, began, end } = createWorks();
  const queue = createWorkQueue({ concurrency: 2, capacity: 8 });
  const entered = ["a", "b", "c", "d"].map((name) => queue.enter(work(name)));
  assert.deepEqual(
    entered.map(({ position }) => position),
    [0, 0, 1, 2],
  );
  assert.deepEqual(began, ["a", "b"]);
  end("b");
  assert.equal(await entered[1]?.done, "b");
  assert.deepEqual(began, ["a", "b", "c"]);
  assert.deepEqual([queue.running, queue.waiting], [2, 1]);
  end("a");
  await entered[0]?.done;
  assert.deepEqual(began, ["a", "b", "c", "d"]);
});

test("one more than may wait is refused at once and told when to come again", async () => {
  let nowMs = 0;
  const { work, end } = createWorks();
  const queue = createWorkQueue({ concurrency: 1, capacity: 1, now: () => nowMs });
  const first = queue.run(work("a"));
  const second = queue.run(work("b"));
  await assert.rejects(
    queue.run(work("c")),
    (error) =>
      error instanceof QueueFullError &&
      error.retryAfterS === 2 &&
      /1 requests are at work and 1 requests are waiting.*in 2 s/.test(error.message),
  );
  nowMs = 11_000; // the average of a second's guess and 11 s, three tenths of it new: 4 s
  end("a");
  await first;
  const third = queue.run(work("c"));
  await assert.rejects(
    queue.run(work("d")),
    (error) => error instanceof QueueFullError && error.retryAfterS === 8,
  );
  end("b");
  await second;
  end("c");
  await third;
});

test("a caller that leaves gives its place back and never begins", async () => {
  const { work, began, end } = createWorks();
  const queue = createWorkQueue({ concurrency: 1, capacity: 1 });
  const first = queue.run(work("a"));
  const leaving = new AbortController();
  const second = queue.run(work("b"), leaving.signal);
  const reason = new Error("it left");
  leaving.abort(reason);
  await assert.rejects(second, reason);
  const third = queue.run(work("c"));
  end("a");
  await first;
  assert.deepEqual(began, ["a", "c"]);
  end("c");
  await third;
  await assert.rejects(queue.run(work("d"), leaving.signal), reason);
  assert.deepEqual(began, ["a", "c"]);
});

test("a work that fails, also before its first await, makes room for the next", async () => {
  const { work, fail, end } = createWorks();
  const queue = createWorkQueue({ concurrency: 1, capacity: 2 });
  const first = queue.run(work("a"));
  const second = queue.run(() => {
    throw new TypeError("at once");
  });
  const third = queue.run(work("c"));
  fail("a");
  await assert.rejects(first, /a/);
  await assert.rejects(second, /at once/);
  end("c");
  assert.equal(await third, "c");
  assert.deepEqual([queue.running, queue.waiting], [0, 0]);
});

test("work runs in the async context of who entered it, whoever made room for it", async () => {
  const caller = new AsyncLocalStorage<string>();
  const queue = createWorkQueue({ concurrency: 1, capacity: 2 });
  const end = Promise.withResolvers<void>();
  const seen = ["a", "b", "c"].map((name) =>
    caller.run(name, () =>
      queue.run(async () => {
        await end.promise;
        return caller.getStore();
      }),
    ),
  );
  end.resolve();
  assert.deepEqual(await Promise.all(seen), ["a", "b", "c"]);
});

test("closing turns away who waits and who comes, and disposal waits for what is at work", async () => {
  const { work, began, end } = createWorks();
  const queue = createWorkQueue({ concurrency: 1, capacity: 2 });
  const first = queue.run(work("a"));
  const second = queue.run(work("b"));
  let isStopped = false;
  const stopped = queue[Symbol.asyncDispose]().then(() => {
    isStopped = true;
  });
  await assert.rejects(second, isRefusal("stopping"));
  await assert.rejects(queue.run(work("c")), isRefusal("stopping"));
  assert.equal(isStopped, false);
  end("a");
  assert.equal(await first, "a");
  await stopped;
  assert.deepEqual(began, ["a"]);
});

test("idle resolves when the last has ended, those that wait included, or has left", async () => {
  const { work, end } = createWorks();
  const queue = createWorkQueue({ concurrency: 1, capacity: 2 });
  await queue.idle();
  const first = queue.run(work("a"));
  const second = queue.run(work("b"));
  const idle = queue.idle().then(() => [queue.running, queue.waiting]);
  end("a");
  await first;
  end("b");
  await second;
  assert.deepEqual(await idle, [0, 0]);
});
