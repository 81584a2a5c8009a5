import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { WatchTaskRequestSchema } from "@turntable/proto";
import { statusCodes } from "@turntable/proto/rpc";
import { callBy, openGeneration, refusedWith } from "../../../test/generation.ts";
import { watchTask } from "./watch-task.ts";

const request = (taskId: string, afterSequence = 0n) =>
  create(WatchTaskRequestSchema, { taskId, afterSequence });

async function kindsOf(events: ReturnType<ReturnType<typeof watchTask>>) {
  const kinds: (string | undefined)[] = [];
  for await (const { kind } of events) {
    kinds.push(kind);
  }
  return kinds;
}

test("every event comes, those before the watch too, and the watch ends with the task", async () => {
  using opened = openGeneration();
  const { id } = opened.create();
  const watched = kindsOf(watchTask(opened.options)(request(id), callBy("alice")));
  opened.judged("accepted", 0.9);
  const kinds = ["created", "assigned", "submitted", "accepted", "succeeded"];
  assert.deepEqual(await watched, kinds);
  const later = watchTask(opened.options)(request(id, 3n), callBy("alice"));
  assert.deepEqual(await kindsOf(later), kinds.slice(3));
  const beyond = watchTask(opened.options)(request(id, 2n ** 64n - 1n), callBy("alice"));
  assert.deepEqual(await kindsOf(beyond), []);
});

test("a stop ends a watch with its reason, not as if the task had ended", async () => {
  using opened = openGeneration();
  const { id } = opened.create();
  const events = watchTask(opened.options)(request(id), callBy("alice"))[Symbol.asyncIterator]();
  assert.equal((await events.next()).value?.kind, "created");
  const next = events.next();
  const reason = new Error("the coordinator stops");
  opened.stop(reason);
  await assert.rejects(async () => next, reason);
});

test("a caller that leaves ends its watch", async () => {
  using opened = openGeneration();
  const { id } = opened.create();
  const leaving = new AbortController();
  const call = callBy("alice", leaving.signal);
  const events = watchTask(opened.options)(request(id), call)[Symbol.asyncIterator]();
  await events.next();
  const next = events.next();
  leaving.abort();
  assert.equal((await next).done, true);
});

test("others' tasks cannot be watched", async () => {
  using opened = openGeneration();
  const { id } = opened.create("bob");
  await assert.rejects(
    kindsOf(watchTask(opened.options)(request(id), callBy("alice"))),
    refusedWith(statusCodes.NOT_FOUND),
  );
});
