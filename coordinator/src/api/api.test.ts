/** The API on loopback: a real client, the coordinator's rules, workers in the test's hands. */
import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { errorDetailsTrailer, parseErrorDetails } from "@turntable/proto/error-details";
import { anonymous, openApi as open } from "../../test/api.ts";
import { rules } from "../../test/rules.ts";

function failsWith(code: number, message: RegExp) {
  return (error: ServiceError) => {
    assert.deepEqual([status[error.code], error.code], [status[code], code], error.details);
    assert.match(error.details, message);
    return true;
  };
}

function withKey(key: string) {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${key}`);
  return { metadata };
}

test("a call is told of once, with who called and how it ended", async () => {
  await using opened = await open();
  await opened.ask();
  await assert.rejects(
    opened.client.getTask({ taskId: "x" }, anonymous),
    failsWith(status.NOT_FOUND, /no task "x"/),
  );
  assert.deepEqual(
    opened.events.map(({ method, client, code, fault }) => [method, client, code, fault]),
    [
      ["/turntable.v1.GenerationService/CreateTask", "anonymous", "OK", undefined],
      ["/turntable.v1.GenerationService/GetTask", "anonymous", "NOT_FOUND", undefined],
    ],
  );
});

test("where there are keys, nobody calls without one, and each sees its own tasks", async () => {
  const keyFile = "ann 0123456789abcdef\nbob fedcba9876543210";
  await using opened = await open({ keyFile });
  const { client, events } = opened;
  await assert.rejects(
    client.listTasks({}, anonymous),
    failsWith(status.UNAUTHENTICATED, /API key is needed/),
  );
  await assert.rejects(
    client.listTasks({}, withKey("0123456789abcdeX")),
    failsWith(status.UNAUTHENTICATED, /not known/),
  );
  const ann = withKey("0123456789abcdef");
  const { task } = await client.createTask({ prompt: "a cup" }, ann);
  const bob = withKey("fedcba9876543210");
  const taskId = task?.id ?? "";
  for (const call of [client.getTask, client.getReport]) {
    await assert.rejects(call({ taskId }, bob), failsWith(status.NOT_FOUND, /no task/));
  }
  assert.deepEqual((await client.listTasks({}, bob)).tasks, []);
  assert.deepEqual(
    events.map(({ client: name }) => name),
    ["", "", "ann", "bob", "bob", "bob"],
  );
});

test("a prompt is checked before anything is stored", async () => {
  await using opened = await open();
  const { client, subnet } = opened;
  for (const [prompt, code, message] of [
    ["", status.INVALID_ARGUMENT, /^prompt is empty/],
    [" \t ", status.INVALID_ARGUMENT, /^prompt is empty/],
    ["a\nb", status.INVALID_ARGUMENT, /^prompt has control characters/],
    ["a".repeat(11), status.RESOURCE_EXHAUSTED, /^prompt has 11 characters; at most 10/],
  ] as const) {
    await assert.rejects(client.createTask({ prompt }, anonymous), failsWith(code, message));
  }
  await assert.rejects(
    client.createTask({ prompt: "a", idempotencyKey: "k".repeat(129) }, anonymous),
    failsWith(status.RESOURCE_EXHAUSTED, /^idempotency_key has 129 characters; at most 128/),
  );
  assert.deepEqual(subnet.tasks.list("anonymous", 10), []);
  // Characters, not UTF-16 units: ten of them are twenty units.
  assert.ok(await opened.ask("🧊".repeat(10)));
});

test("an idempotency key gives the same task, and no other; more than the limit find no room", async () => {
  await using opened = await open({ maxOpenTasks: 1 });
  const { client } = opened;
  const request = { prompt: "a cup", idempotencyKey: "k" };
  const first = await client.createTask(request, anonymous);
  const again = await client.createTask(request, anonymous);
  assert.equal(again.task?.id, first.task?.id);
  await assert.rejects(
    client.createTask({ ...request, prompt: "a cat" }, anonymous),
    failsWith(status.ALREADY_EXISTS, /another prompt/),
  );
  await assert.rejects(opened.ask(), (error: ServiceError) => {
    failsWith(status.RESOURCE_EXHAUSTED, /^1 tasks are open/)(error);
    const [trailer] = error.metadata.get(errorDetailsTrailer);
    assert.equal(parseErrorDetails(Buffer.from(trailer ?? "")).retryAfterMs, 5_000);
    return true;
  });
});

test("tasks are listed by pages, newest first, and a token that is none of ours is refused", async () => {
  await using opened = await open();
  const { client } = opened;
  const ids = new Set([await opened.ask(), await opened.ask(), await opened.ask()]);
  const first = await client.listTasks({ pageSize: 2 }, anonymous);
  assert.equal(first.tasks.length, 2);
  const rest = await client.listTasks({ pageSize: 2, pageToken: first.nextPageToken }, anonymous);
  assert.deepEqual([rest.tasks.length, rest.nextPageToken], [1, ""]);
  assert.deepEqual(new Set([...first.tasks, ...rest.tasks].map(({ id }) => id)), ids);
  await assert.rejects(
    client.listTasks({ pageToken: "x" }, anonymous),
    failsWith(status.INVALID_ARGUMENT, /^page_token/),
  );
});

test("a watch goes on from where it was, to the task's end", async () => {
  await using opened = await open();
  const { client } = opened;
  const taskId = await opened.ask();
  const kinds: string[] = [];
  const watching = (async () => {
    for await (const event of client.watchTask({ taskId, afterSequence: 1n }, anonymous)) {
      kinds.push(`${event.sequence} ${event.kind}`);
    }
  })();
  await opened.score(taskId, "A", 0.9);
  await watching;
  assert.deepEqual(kinds, ["2 assigned", "3 submitted", "4 accepted", "5 succeeded"]);
});

test("a watch that a shutdown cuts short says so, and when to come back", async () => {
  await using opened = await open();
  const taskId = await opened.ask();
  const seen = Promise.withResolvers<void>();
  const watching = (async () => {
    for await (const _ of opened.client.watchTask({ taskId }, anonymous)) {
      seen.resolve();
    }
  })();
  await seen.promise;
  const cut = assert.rejects(watching, (error: ServiceError) => {
    failsWith(status.UNAVAILABLE, /shutting down/)(error);
    const [trailer] = error.metadata.get(errorDetailsTrailer);
    assert.equal(parseErrorDetails(Buffer.from(trailer ?? "")).retryAfterMs, 1_000);
    return true;
  });
  await opened.api[Symbol.asyncDispose]();
  await cut;
});

test("the best asset is streamed in chunks, after what is known of it", async () => {
  await using opened = await open();
  const { client } = opened;
  const taskId = await opened.ask();
  const download = async () => {
    const parts = [];
    for await (const { part } of client.downloadAsset({ taskId }, anonymous)) {
      parts.push(part);
    }
    return parts;
  };
  await assert.rejects(download(), failsWith(status.FAILED_PRECONDITION, /is queued and has no/));
  const bytes = Buffer.alloc((1 << 18) + 5, "splat");
  await opened.score(taskId, "A", 0.9, bytes);
  const [head, ...chunks] = await download();
  assert.equal(head?.case === "asset" && head.value.minerHotkey, "A");
  const sizes = chunks.map((chunk) => chunk.case === "chunk" && chunk.value.length);
  assert.deepEqual(sizes, [1 << 18, 5]);
  assert.ok(
    Buffer.concat(chunks.map((c) => (c.case === "chunk" ? c.value : Buffer.alloc(0)))).equals(
      bytes,
    ),
  );

  for (const file of readdirSync(opened.subnet.assetsDir)) {
    rmSync(join(opened.subnet.assetsDir, file));
  }
  await assert.rejects(download(), failsWith(status.INTERNAL, /^internal error [0-9a-f-]{36}$/));
  const { fault } = opened.events.at(-1) ?? assert.fail();
  assert.match(String(fault?.cause), /the asset [0-9a-f]{64} is gone/);
});

test("a task that failed says why there is nothing to download", async () => {
  await using opened = await open();
  const taskId = await opened.ask();
  opened.subnet.tasks.expire(1_000 + rules.taskTimeoutMs);
  const download = async () => {
    for await (const _ of opened.client.downloadAsset({ taskId }, anonymous)) {
      assert.fail();
    }
  };
  await assert.rejects(
    download(),
    failsWith(status.FAILED_PRECONDITION, /failed: no miner took the task in time/),
  );
});

test("a report is published when nobody works on its task any more: the result's, else the best one's", async () => {
  await using opened = await open();
  const { client, subnet } = opened;
  const scoreOf = async (taskId: string) =>
    (await client.getReport({ taskId }, anonymous)).report?.score;
  const solved = await opened.ask();
  await opened.score(solved, "A", 0.7);
  assert.equal(await scoreOf(solved), 0.7);

  const raced = await opened.ask();
  const slow = subnet.tasks.assign(raced, "E", 1_000);
  await opened.score(raced, "A", 0.8);
  subnet.tasks.expire(1_000 + rules.organicFinishMs);
  assert.equal(subnet.tasks.get(raced)?.state, "succeeded");
  await assert.rejects(
    scoreOf(raced),
    failsWith(status.FAILED_PRECONDITION, /is succeeded; .* no miner works on it/),
  );
  subnet.tasks.abandon(slow.id, "given back", 1_000);
  assert.equal(await scoreOf(raced), 0.8);

  const missed = await opened.ask();
  await opened.score(missed, "B", 0.3);
  await opened.score(missed, "C", 0.5);
  const working = subnet.tasks.assign(missed, "D", 1_000);
  await assert.rejects(scoreOf(missed), failsWith(status.FAILED_PRECONDITION, /has ended/));
  subnet.tasks.abandon(working.id, "given back", 1_000);
  subnet.tasks.expire(1_000 + rules.taskTimeoutMs);
  assert.equal(await scoreOf(missed), 0.5);

  const untouched = await opened.ask();
  subnet.tasks.expire(1_000 + rules.taskTimeoutMs);
  await assert.rejects(scoreOf(untouched), failsWith(status.NOT_FOUND, /nothing of task/));
});

test("an asset that retention has removed is a state of its task, with the reason", async () => {
  await using opened = await open();
  const taskId = await opened.ask();
  const id = await opened.score(taskId, "A", 0.9);
  opened.subnet.tasks.expire(1_000 + rules.organicFinishMs);
  opened.subnet.store.run("UPDATE submissions SET keep = NULL WHERE id = ?", id);
  const download = async () => {
    for await (const _ of opened.client.downloadAsset({ taskId }, anonymous)) {
    }
  };
  await assert.rejects(download, failsWith(status.FAILED_PRECONDITION, /was removed: assets are/));
  assert.ok(
    (await opened.client.getTask({ taskId }, anonymous)).task?.asset,
    "what it was is known",
  );
});
