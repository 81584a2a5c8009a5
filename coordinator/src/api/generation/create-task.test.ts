import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { CreateTaskRequestSchema, TaskState } from "@turntable/proto";
import { errorDetailsTrailer, parseErrorDetails } from "@turntable/proto/error-details";
import { RpcError, statusCodes } from "@turntable/proto/rpc";
import { callBy, openGeneration, refusedWith } from "../../../test/generation.ts";
import { createTask } from "./create-task.ts";

const alice = callBy("alice");
const request = (prompt: string, idempotencyKey = "") =>
  create(CreateTaskRequestSchema, { prompt, idempotencyKey });

function detailsOf(error: unknown) {
  assert.ok(error instanceof RpcError, String(error));
  const trailer = error.trailers[errorDetailsTrailer];
  return trailer instanceof Uint8Array ? parseErrorDetails(trailer) : assert.fail("no details");
}

test("a prompt becomes a queued task of its caller's", async () => {
  using opened = openGeneration();
  const { task } = await createTask(opened.options)(request("a red cube"), alice);
  assert.equal(task?.prompt, "a red cube");
  assert.equal(task?.state, TaskState.QUEUED);
  assert.equal(opened.tasks.get(task?.id ?? "")?.client, "alice");
});

const badPrompts = [
  ["nothing", "", statusCodes.INVALID_ARGUMENT, /is empty/],
  ["blanks", " \u3000 ", statusCodes.INVALID_ARGUMENT, /is empty/],
  [
    "zero-width characters",
    "\u200b\u2060\ufeff",
    statusCodes.INVALID_ARGUMENT,
    /nothing that can be seen/,
  ],
  [
    "fillers that show nothing",
    "\u3164\u115f",
    statusCodes.INVALID_ARGUMENT,
    /nothing that can be seen/,
  ],
  ["a line separator", "a\u2028cube", statusCodes.INVALID_ARGUMENT, /a line break/],
  ["a paragraph separator", "a\u2029cube", statusCodes.INVALID_ARGUMENT, /a line break/],
  ["a turned direction", "a \u202eebuc", statusCodes.INVALID_ARGUMENT, /direction/],
  ["an isolate", "a \u2066cube\u2069", statusCodes.INVALID_ARGUMENT, /direction/],
  ["tag characters", "a cube\u{e0041}", statusCodes.INVALID_ARGUMENT, /tag characters/],
  ["two lines", "a\ncube", statusCodes.INVALID_ARGUMENT, /control characters/],
  ["21 characters", "x".repeat(21), statusCodes.RESOURCE_EXHAUSTED, /21 characters; at most 20/],
] as const;
for (const [what, prompt, code, text] of badPrompts) {
  test(`a prompt of ${what} is refused, the field named`, async () => {
    using opened = openGeneration();
    const error = await createTask(opened.options)(request(prompt), alice).catch((e: unknown) => e);
    refusedWith(code, text)(error);
    const { fields, limits } = detailsOf(error);
    assert.deepEqual(
      [...fields.map(({ field }) => field), ...limits.map(({ subject }) => subject)],
      ["prompt"],
    );
    assert.deepEqual(opened.tasks.list("alice", 9), []);
  });
}

for (const prompt of ["a 👩‍🚀 cube", "مكعب أحمر", "e\u0301clair", "赤い立方体"]) {
  test(`a prompt such as "${prompt}" is taken as it is`, async () => {
    using opened = openGeneration();
    const { task } = await createTask(opened.options)(request(prompt), alice);
    assert.equal(task?.prompt, prompt);
  });
}

test("bytes that are no UTF-8 are no request", () => {
  const bytes = Uint8Array.of(0x0a, 0x01, 0xff); // field 1, the prompt, of one byte
  assert.throws(() => fromBinary(CreateTaskRequestSchema, bytes));
});

test("characters are counted as people do: twenty of two UTF-16 units each are twenty", async () => {
  using opened = openGeneration();
  const handle = createTask(opened.options);
  assert.ok((await handle(request("🎲".repeat(20)), alice)).task);
  await assert.rejects(
    async () => handle(request("🎲".repeat(21)), alice),
    refusedWith(statusCodes.RESOURCE_EXHAUSTED, /21 characters/),
  );
});

test("an idempotency key gives its task again, to its client only, and never with another prompt", async () => {
  using opened = openGeneration();
  const handle = createTask(opened.options);
  const first = await handle(request("a cube", "k"), alice);
  assert.equal((await handle(request("a cube", "k"), alice)).task?.id, first.task?.id);
  const bobs = await handle(request("a ball", "k"), callBy("bob"));
  assert.notEqual(bobs.task?.id, first.task?.id);
  await assert.rejects(
    async () => handle(request("a ball", "k"), alice),
    refusedWith(statusCodes.ALREADY_EXISTS),
  );
  await assert.rejects(
    async () => handle(request("a cube", "k".repeat(129)), alice),
    refusedWith(statusCodes.RESOURCE_EXHAUSTED, /^idempotency_key has 129 characters; at most 128/),
  );
});

test("with as many open tasks as may be, one more is told when to come back", async () => {
  using opened = openGeneration();
  const handle = createTask(opened.options);
  for (let i = 0; i < 3; i++) {
    await handle(request("a cube"), alice);
  }
  const error = await handle(request("a cube"), alice).catch((thrown: unknown) => thrown);
  refusedWith(statusCodes.RESOURCE_EXHAUSTED, /3 tasks are open/)(error);
  assert.equal(detailsOf(error).retryAfterMs, 5_000);
});

test("a client has its own places; another's are free still", async () => {
  using opened = openGeneration();
  const full = { kind: "full", of: "client", limit: 2, retryAfterMs: 7_001 } as const;
  const tasks = { ...opened.tasks, create: () => full };
  const handle = createTask({ ...opened.options, tasks });
  const error = await handle(request("a cube"), alice).catch((thrown: unknown) => thrown);
  refusedWith(statusCodes.RESOURCE_EXHAUSTED, /2 tasks of yours are open/)(error);
  assert.equal(detailsOf(error).retryAfterMs, 7_001);
});
