import assert from "node:assert/strict";
import { test } from "node:test";
import { AxonError } from "@turntable/bittensor/axon";
import { generationStatus } from "@turntable/bittensor/synapse";
import { openRules } from "../../test/rules.ts";
import { createPublicApi } from "./public-api.ts";

async function open(maxOpenTasks = 100) {
  let now = 1_000_000;
  const opened = await openRules({ maxOpenTasks });
  const api = createPublicApi({
    clients: ["5A", "5B"],
    tasks: opened.tasks,
    loadResult: async ({ bestAssignment = "" }) => Buffer.from(`the asset of ${bestAssignment}`),
    maxPromptChars: 10,
    now: () => now,
  });
  return {
    ...{ api, opened },
    at: (ms: number) => {
      now = 1_000_000 + ms;
    },
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  };
}

test("a client asks, looks every 30 seconds, and gets its asset", async () => {
  using subnet = await open();
  const { api, opened } = subnet;
  const { task_id, polling_interval } = api.generate("5A", "a red cube");
  assert.equal(polling_interval, 30);
  const look = async (hotkey = "5A", id = task_id) => (await api.status(hotkey, id)).status;
  assert.equal(await look(), generationStatus.inQueue);
  subnet.at(29_999);
  assert.equal(await look(), generationStatus.rateLimited);
  subnet.at(30_000);
  const submission = await opened.submit(task_id, "M", 1_020_000);
  assert.equal(await look(), generationStatus.inProgress);
  opened.submissions.applyResult(opened.scored(submission.id, 0.9), 1_040_000);
  assert.equal(await look("5B"), generationStatus.notFound, "another's");
  assert.equal(await look("5A", "none"), generationStatus.notFound);
  subnet.at(60_000);
  const done = await api.status("5A", task_id);
  assert.equal(done.status, generationStatus.done);
  assert.equal(
    Buffer.from(done.results ?? "", "base64").toString(),
    `the asset of ${submission.id}`,
  );
});

test("of many results a client gets one in ten seconds, so that few are in memory", async () => {
  using subnet = await open();
  const { api, opened } = subnet;
  const ids: string[] = [];
  for (const hotkey of ["M", "N"]) {
    const { task_id } = api.generate("5A", "a cube");
    const { id } = await opened.submit(task_id, hotkey, 1_000_000);
    opened.submissions.applyResult(opened.scored(id, 0.9), 1_000_000);
    opened.tasks.expire(1_000_000 + 600_000);
    ids.push(task_id);
  }
  const [first = "", second = ""] = ids;
  const look = async (id: string) => (await api.status("5A", id)).status;
  assert.equal(await look(first), generationStatus.done);
  assert.equal(await look(second), generationStatus.rateLimited);
  subnet.at(30_000);
  assert.equal(await look(second), generationStatus.done);
});

test("a task that failed says so", async () => {
  using subnet = await open();
  const { task_id } = subnet.api.generate("5A", "a cube");
  subnet.opened.tasks.expire(1_000_000 + 600_000);
  subnet.at(600_000);
  assert.deepEqual(await subnet.api.status("5A", task_id), {
    status: generationStatus.failed,
    results: null,
  });
});

test("ten requests in two minutes, each client's own; only those on the list call at all", async () => {
  using subnet = await open();
  const { api } = subnet;
  for (let i = 0; i < 10; i++) {
    assert.equal(api.limited("5A"), undefined);
  }
  assert.equal(api.limited("5A"), "Rate limit");
  assert.equal(api.limited("5B"), undefined);
  subnet.at(119_999);
  assert.equal(api.limited("5A"), "Rate limit");
  subnet.at(120_000);
  assert.equal(api.limited("5A"), undefined);
  assert.deepEqual([api.stranger("5A"), api.stranger("5C")], [undefined, "Not whitelisted"]);
});

test("prompts that are none, too long ones, and one task too many are refused", async () => {
  using subnet = await open(1);
  const { api } = subnet;
  const refuses = (prompt: string, status: number) =>
    assert.throws(
      () => api.generate("5A", prompt),
      (error) => error instanceof AxonError && error.status === status,
    );
  refuses(" ", 400);
  refuses("x".repeat(11), 400);
  for (const hidden of ["a\ncube", "a \u202ecube", "\u200b", "a\u{e0041}"]) {
    refuses(hidden, 400);
  }
  api.generate("5A", "x".repeat(10));
  refuses("a cube", 503);
});
