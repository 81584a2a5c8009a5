import assert from "node:assert/strict";
import { test } from "node:test";
import { createFeed } from "./feed.ts";

/** A feed of what the test says; by itself it looks once an hour. */
function open({
  maxWatchers = 9,
  take,
}: {
  maxWatchers?: number;
  take?: () => Promise<Parts>;
} = {}) {
  let parts: Parts = { a: 1, b: 1 };
  let looks = 0;
  const feed = createFeed<Parts>({
    async take() {
      looks += 1;
      return take === undefined ? parts : await take();
    },
    isSame: (before, now) => before === now,
    everyMs: 3_600_000,
    maxWatchers,
    onTrouble: (error) => assert.fail(String(error)),
  });
  return {
    feed,
    looks: () => looks,
    async change(more: Partial<Parts>): Promise<void> {
      parts = { ...parts, ...more };
      await feed.look();
    },
  };
}

interface Parts {
  readonly a: number;
  readonly b: number;
}

test("a watcher gets everything, then what has changed; nothing when nothing has", async () => {
  const { feed, change } = open();
  const leaving = new AbortController();
  const watch = feed.watch(leaving.signal)[Symbol.asyncIterator]();
  assert.deepEqual((await watch.next()).value, { a: 1, b: 1 });
  const next = watch.next();
  await change({});
  await change({ b: 2 });
  assert.deepEqual((await next).value, { b: 2 });
  const last = watch.next();
  leaving.abort();
  assert.equal((await last).done, true);
});

test("W1: what a slow watcher has missed comes with its next message, each part once", async () => {
  const { feed, change } = open();
  const watch = feed.watch(new AbortController().signal)[Symbol.asyncIterator]();
  await watch.next();
  await change({ a: 2 });
  await change({ b: 3 });
  await change({ a: 4 });
  assert.deepEqual((await watch.next()).value, { a: 4, b: 3 });
  await watch.return?.(undefined);
});

test("W2: watchers that have seen the same get the same message, and one look is for all", async () => {
  const { feed, change, looks } = open();
  const watches = Array.from({ length: 5 }, () =>
    feed.watch(new AbortController().signal)[Symbol.asyncIterator](),
  );
  const first = await Promise.all(watches.map((watch) => watch.next()));
  assert.equal(new Set(first.map(({ value }) => value)).size, 1);
  const news = Promise.all(watches.map((watch) => watch.next()));
  await change({ b: 2 });
  assert.equal(new Set((await news).map(({ value }) => value)).size, 1);
  assert.equal(looks(), 2);
  await Promise.all(watches.map((watch) => watch.return?.(undefined)));
});

test("nobody looks while nobody watches, and a picture that is young enough is given again", async () => {
  const { feed, looks } = open();
  assert.equal(looks(), 0);
  assert.deepEqual(await feed.current(), { a: 1, b: 1 });
  assert.deepEqual(await feed.current(), { a: 1, b: 1 });
  assert.equal(looks(), 1);
});

test("watchers are bounded, and one that has left makes room", async () => {
  const { feed } = open({ maxWatchers: 1 });
  const begin = async () => {
    const watch = feed.watch(new AbortController().signal)[Symbol.asyncIterator]();
    await watch.next();
    return watch;
  };
  const one = await begin();
  await assert.rejects(begin(), /1 streams of this kind are open, which is the limit/);
  await one.return?.(undefined);
  await (await begin()).return?.(undefined);
});

test("a first look that fails is its caller's failure, and leaves no watcher behind", async () => {
  let fails = true;
  const { feed } = open({
    maxWatchers: 1,
    async take() {
      if (fails) {
        throw new Error("away");
      }
      return { a: 1, b: 1 };
    },
  });
  const begin = () => feed.watch(new AbortController().signal)[Symbol.asyncIterator]();
  await assert.rejects(begin().next(), /away/);
  fails = false;
  const watch = begin();
  assert.equal((await watch.next()).done, false);
  await watch.return?.(undefined);
});
