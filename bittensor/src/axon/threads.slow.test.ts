import assert from "node:assert/strict";
import { test } from "node:test";
import { startThreads, ThreadError } from "./threads.ts";

function start({ queue = 10, ahead = 1, aheadOthers = 1 } = {}) {
  return startThreads<string, string>({
    module: new URL("../../test/echo-thread.ts", import.meta.url),
    threads: 1,
    eager: false,
    ...{ queue, ahead, aheadOthers },
  });
}

test("jobs are done in the order of coming, urgent ones first", async () => {
  await using threads = start();
  const done: string[] = [];
  const run = async (job: string, urgent: boolean): Promise<void> => {
    done.push((await threads.run(job, { urgent })) ?? "refused");
  };
  const jobs = [
    run("1", false),
    run("2", false),
    run("3", false),
    run("urgent 1", true),
    run("urgent 2", true),
  ];
  await Promise.all(jobs);
  assert.deepEqual(done, ["echo 1", "echo urgent 1", "echo urgent 2", "echo 2", "echo 3"]);
});

test("what finds no place is refused at once, urgent ones and others each", async () => {
  await using threads = start({ queue: 2 });
  const others = Array.from({ length: 4 }, (_, index) => threads.run(`${index}`));
  assert.deepEqual(
    others.map((one) => one !== undefined),
    [true, true, true, false],
    "one in the thread, two in the queue",
  );
  const urgent = Array.from({ length: 3 }, (_, index) => threads.run(`${index}`, { urgent: true }));
  assert.deepEqual(
    urgent.map((one) => one !== undefined),
    [true, true, false],
  );
  const admitted = threads.run("admitted", { urgent: true, admitted: true });
  assert.equal(await admitted, "echo admitted", "whoever is bounded otherwise finds a place");
  await Promise.all([...others, ...urgent]);
});

test("a thread that ends fails the jobs that it had; those that wait get another thread", async () => {
  await using threads = start();
  const ended = threads.run("end");
  const after = threads.run("after");
  assert.ok(ended !== undefined);
  await assert.rejects(ended, ThreadError);
  assert.equal(await after, "echo after");
  const thrown = threads.run("throw");
  assert.ok(thrown !== undefined);
  await assert.rejects(thrown, ThreadError);
  assert.equal(await threads.run("still there"), "echo still there");
});

test("a stop fails what waits, and what comes later", async () => {
  const threads = start();
  const jobs = [threads.run("1"), threads.run("2")];
  const settled = Promise.allSettled(jobs);
  await threads[Symbol.asyncDispose]();
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ["rejected", "rejected"],
  );
  const late = threads.run("late");
  assert.ok(late !== undefined);
  await assert.rejects(late, ThreadError);
});
