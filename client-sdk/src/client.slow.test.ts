import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { equals } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { ScoreReportSchema, TaskState } from "@turntable/proto";
import {
  type ErrorDetails,
  encodeErrorDetails,
  errorDetailsTrailer,
} from "@turntable/proto/error-details";
import { type CallContext, RpcError } from "@turntable/proto/rpc";
import {
  assetOf,
  callerGone,
  connect,
  downloadOf,
  type EventInit,
  eventsAfter,
  instantTiming,
  signedReportOf,
  startService,
  succeedingService,
  successfulEvents,
  taskOf,
} from "../test/service.ts";
import type { TaskEvent } from "./client.ts";
import {
  AssetTooLargeError,
  CallFailedError,
  ClientClosedError,
  CorruptDownloadError,
  InvalidOptionError,
  TaskFailedError,
} from "./errors.ts";
import { systemTiming } from "./retry.ts";

const bytes = randomBytes(5_500);

function unavailable(): RpcError {
  return new RpcError(status.UNAVAILABLE, "the store is away");
}

function refusal(code: number, details: Partial<ErrorDetails>): RpcError {
  const trailers = { [errorDetailsTrailer]: encodeErrorDetails(code, "no", details) };
  return new RpcError(code, "no", { trailers });
}

function failsWith(code: string, details?: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof CallFailedError, `${error}`);
    assert.equal(error.code, code);
    if (details !== undefined) {
      assert.equal(error.details, details);
    }
    return true;
  };
}

const traceparentOf = (call: CallContext | undefined): string =>
  String(call?.headers.get("traceparent"));

describe("every call", () => {
  it("carries the API key and a trace context", async (t) => {
    const service = await startService(t, succeedingService(bytes));
    const client = connect(t, service, { apiKey: "key-1" });
    await client.get("task-1");
    const context = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: 0,
    });
    await client.get("task-1", { context });
    const [first, second] = service.calls;
    assert.equal(first?.headers.get("authorization"), "Bearer key-1");
    assert.match(traceparentOf(first), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.equal(
      traceparentOf(second),
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
      "without a propagator of the application, too",
    );
  });

  it("sends no key without one", async (t) => {
    const service = await startService(t, succeedingService(bytes));
    await connect(t, service).get("task-1");
    assert.deepEqual(service.calls[0]?.headers.get("authorization"), undefined);
  });

  it("refuses an address or key that cannot work, without showing the key", (t) => {
    assert.throws(() => connect(t, { address: "http://127.0.0.1:1" }), InvalidOptionError);
    const secret = "hunter2\nx";
    assert.throws(
      () => connect(t, { address: "127.0.0.1:1" }, { apiKey: secret }),
      (error) => error instanceof InvalidOptionError && !error.message.includes("hunter2"),
    );
  });

  it("gives the server's refusal as a typed error and does not repeat it", async (t) => {
    const service = await startService(t, {
      async getTask() {
        throw new RpcError(status.NOT_FOUND, "no task task-9");
      },
    });
    await assert.rejects(
      connect(t, service).get("task-9"),
      failsWith("not-found", "no task task-9"),
    );
    assert.equal(service.calls.length, 1);
  });

  it("fails when the client was disposed, before and during the call", async (t) => {
    const service = await startService(t, {
      async *watchTask(_request, context) {
        yield* successfulEvents.slice(0, 1);
        await callerGone(context);
      },
    });
    const client = connect(t, service);
    const events = client.watch("task-1")[Symbol.asyncIterator]();
    await events.next();
    const watch = events.next();
    client[Symbol.dispose]();
    await assert.rejects(client.get("task-1"), ClientClosedError);
    service.stop();
    await assert.rejects(watch, ClientClosedError);
  });

  it("is tried again while the server is unavailable, with growing pauses", async (t) => {
    let failures = 3;
    const service = await startService(t, {
      async getTask(request) {
        if (failures-- > 0) {
          throw unavailable();
        }
        return { task: taskOf(request.taskId) };
      },
    });
    const timing = instantTiming();
    const notices: number[] = [];
    const client = connect(t, service, { onRetry: (n) => notices.push(n.attempt) }, timing);
    assert.equal((await client.get("task-1")).id, "task-1");
    assert.deepEqual(timing.pausesMs, [150, 300, 600]);
    assert.deepEqual(notices, [1, 2, 3]);
  });

  it("gives up when its patience is used up, with the server's words", async (t) => {
    const service = await startService(t, {
      async getTask() {
        throw unavailable();
      },
    });
    const timing = instantTiming();
    const client = connect(t, service, { retry: { patienceMs: 1_000 } }, timing);
    await assert.rejects(client.get("task-1"), failsWith("unavailable", "the store is away"));
    assert.deepEqual(timing.pausesMs, [150, 300]);
  });

  it("has less patience with a server that never answered", async (t) => {
    let known = false;
    const service = await startService(t, {
      async getTask() {
        if (known) {
          throw unavailable();
        }
        return { task: taskOf("task-1") };
      },
      async getReport() {
        throw unavailable();
      },
    });
    const timing = instantTiming();
    const retry = { patienceMs: 1_000, connectPatienceMs: 200 };
    const client = connect(t, service, { retry }, timing);
    await assert.rejects(client.report("task-1"), failsWith("unavailable"));
    assert.deepEqual(timing.pausesMs.splice(0), [150]);
    await client.get("task-1");
    known = true;
    await assert.rejects(client.get("task-1"), failsWith("unavailable"));
    assert.deepEqual(timing.pausesMs, [150, 300]);
  });

  it("says that nobody listens at the address", async (t) => {
    const service = await startService(t, {});
    service.stop();
    const client = connect(t, service, { retry: { patienceMs: 0 } });
    await assert.rejects(client.get("task-1"), failsWith("unavailable"));
  });

  it("is not tried again earlier than the server asks for", async (t) => {
    const service = await startService(t, {
      async getTask() {
        throw refusal(status.UNAVAILABLE, { retryAfterMs: 400 });
      },
    });
    const timing = instantTiming();
    const client = connect(t, service, { retry: { patienceMs: 1_500 } }, timing);
    await assert.rejects(client.get("task-1"), failsWith("unavailable"));
    assert.deepEqual(timing.pausesMs, [400, 400, 600]);
  });

  it("says which field or limit a refusal is about, and when to come back", async (t) => {
    const fields = [{ field: "prompt", description: "is empty" }];
    const limits = [{ subject: "tasks", description: "2 are open" }];
    const unreadable = { [errorDetailsTrailer]: Buffer.from("no details") };
    const refusals = [
      refusal(status.INVALID_ARGUMENT, { fields }),
      refusal(status.RESOURCE_EXHAUSTED, { limits, retryAfterMs: 5_000 }),
      new RpcError(status.NOT_FOUND, "no", { trailers: unreadable }),
    ];
    const service = await startService(t, {
      async createTask() {
        throw refusals.shift() ?? assert.fail();
      },
    });
    const client = connect(t, service);
    const refused = async () => {
      const error: unknown = await client.create("").catch((thrown: unknown) => thrown);
      assert.ok(error instanceof CallFailedError);
      return [error.code, error.details, error.fields, error.limits, error.retryAfterMs];
    };
    assert.deepEqual(await refused(), ["invalid-argument", "no", fields, [], undefined]);
    assert.deepEqual(await refused(), ["resource-exhausted", "no", [], limits, 5_000]);
    assert.deepEqual(await refused(), ["not-found", "no", [], [], undefined]);
  });

  it("ends at its deadline, all tries included", async (t) => {
    const service = await startService(t, {
      async getTask(_request, context) {
        await callerGone(context);
        return {};
      },
    });
    const client = connect(t, service, { timeoutMs: 80 });
    await assert.rejects(client.get("task-1"), failsWith("deadline-exceeded"));
    await assert.rejects(client.get("task-1", { timeoutMs: 20 }), failsWith("deadline-exceeded"));
  });

  it("does not pause beyond its deadline", async (t) => {
    const service = await startService(t, {
      async getTask() {
        throw unavailable();
      },
    });
    const delayMs = 60_000; // jitter leaves half of it, which is still more than a call may take
    const retry = { initialDelayMs: delayMs, maxDelayMs: delayMs };
    const patience = { patienceMs: 90_000, connectPatienceMs: 90_000 };
    const client = connect(t, service, { timeoutMs: 20_000, retry: { ...retry, ...patience } });
    await assert.rejects(client.get("task-1"), failsWith("unavailable"));
    assert.equal(service.calls.length, 1);
  });

  it("ends with the reason of its signal, in a call and in a pause", async (t) => {
    const entered = Promise.withResolvers<void>();
    const service = await startService(t, {
      async getTask(_request, context) {
        entered.resolve();
        await callerGone(context);
        return {};
      },
      async getReport() {
        throw unavailable();
      },
    });
    const stop = new AbortController();
    const reason = new Error("enough");
    const client = connect(t, service);
    const call = client.get("task-1", { signal: stop.signal });
    await entered.promise;
    stop.abort(reason);
    await assert.rejects(call, reason);

    const stopPause = new AbortController();
    const patient = connect(
      t,
      service,
      {
        retry: { initialDelayMs: 1_000, maxDelayMs: 1_000 },
        onRetry: () => stopPause.abort(reason),
      },
      systemTiming,
    );
    await assert.rejects(patient.report("task-1", { signal: stopPause.signal }), reason);
  });
});

describe("create", () => {
  it("repeats itself with the same idempotency key", async (t) => {
    const keys: string[] = [];
    const service = await startService(t, {
      async createTask(request) {
        keys.push(request.idempotencyKey);
        if (keys.length === 1) {
          throw unavailable();
        }
        return { task: taskOf("task-1") };
      },
    });
    const client = connect(t, service);
    await client.create("a red cube");
    await client.create("a red cube");
    await client.create("a red cube", { idempotencyKey: "mine" });
    assert.equal(keys[0], keys[1]);
    assert.ok(keys[0] && keys[0] !== keys[2]);
    assert.equal(keys[3], "mine");
  });
});

describe("cancel", () => {
  it("gives the task as it ended, tried again while the server is away", async (t) => {
    let tries = 0;
    const service = await startService(t, {
      async cancelTask({ taskId }) {
        tries += 1;
        if (tries === 1) {
          throw unavailable();
        }
        return { task: taskOf(taskId, { state: TaskState.CANCELLED }) };
      },
    });
    const task = await connect(t, service).cancel("task-1");
    assert.deepEqual([task.id, task.state, tries], ["task-1", TaskState.CANCELLED, 2]);
  });
});

describe("list", () => {
  it("gives page after page", async (t) => {
    const service = await startService(t, {
      async listTasks({ pageSize, pageToken }) {
        assert.equal(pageSize, 2);
        return pageToken === ""
          ? { tasks: [taskOf("3"), taskOf("2")], nextPageToken: "p2" }
          : { tasks: [taskOf("1")] };
      },
    });
    const client = connect(t, service);
    const first = await client.list({ pageSize: 2 });
    assert.deepEqual(
      first.tasks.map((task) => task.id),
      ["3", "2"],
    );
    const second = await client.list({ pageSize: 2, pageToken: first.nextPageToken });
    assert.deepEqual(
      second.tasks.map((task) => task.id),
      ["1"],
    );
    assert.equal(second.nextPageToken, undefined);
  });
});

describe("watch", () => {
  async function sequences(events: AsyncIterable<TaskEvent>): Promise<number[]> {
    const got: number[] = [];
    for await (const event of events) {
      got.push(Number(event.sequence));
    }
    return got;
  }

  it("gives every change until the task has ended", async (t) => {
    const service = await startService(t, succeedingService(bytes));
    assert.deepEqual(await sequences(connect(t, service).watch("task-1")), [1, 2, 3, 4, 5]);
    const rest = connect(t, service).watch("task-1", { afterSequence: 3n });
    assert.deepEqual(await sequences(rest), [4, 5]);
  });

  it("goes on where it was when the connection is cut", async (t) => {
    const asked: bigint[] = [];
    const service = await startService(t, {
      async *watchTask({ afterSequence }, context) {
        asked.push(afterSequence);
        yield* eventsAfter(successfulEvents.slice(0, Number(afterSequence) + 2), afterSequence);
        if (afterSequence < 3n) {
          await callerGone(context);
        }
      },
    });
    const back = (): Promise<void> => service.restart();
    const client = connect(t, service, {}, { ...instantTiming(), sleep: back });
    const got: number[] = [];
    for await (const event of client.watch("task-1")) {
      got.push(Number(event.sequence));
      if (got.length === 2 || got.length === 4) {
        service.stop();
      }
    }
    assert.deepEqual(got, [1, 2, 3, 4, 5]);
    assert.deepEqual(asked, [0n, 2n, 4n]);
  });

  it("drops changes that a server sends twice", async (t) => {
    const service = await startService(t, {
      async *watchTask({ afterSequence }) {
        yield* successfulEvents.slice(0, 3);
        if (afterSequence === 0n) {
          throw unavailable();
        }
        yield* successfulEvents.slice(1);
      },
    });
    assert.deepEqual(await sequences(connect(t, service).watch("task-1")), [1, 2, 3, 4, 5]);
  });

  it("resumes a stream that ends before the task has", async (t) => {
    const service = await startService(t, {
      watchTask: ({ afterSequence }) =>
        eventsAfter(successfulEvents.slice(0, Number(afterSequence) + 3), afterSequence),
    });
    assert.deepEqual(await sequences(connect(t, service).watch("task-1")), [1, 2, 3, 4, 5]);
    assert.equal(service.calls.length, 2);
  });

  it("gives up when the server stays away, but counts patience anew after each change", async (t) => {
    let streams = 0;
    const service = await startService(t, {
      async *watchTask({ afterSequence }) {
        if (++streams % 3 === 0) {
          yield { sequence: afterSequence + 1n, state: TaskState.QUEUED };
        }
        if (streams > 12) {
          return;
        }
        throw unavailable();
      },
    });
    const timing = instantTiming();
    const patient = connect(t, service, { retry: { patienceMs: 1_200 } }, timing);
    assert.deepEqual(await sequences(patient.watch("task-1")), [1, 2, 3, 4]);
    const impatient = connect(t, service, { retry: { patienceMs: 200 } }, instantTiming());
    streams = 0;
    await assert.rejects(sequences(impatient.watch("task-1")), failsWith("unavailable"));
  });

  it("ends the call when its reader leaves", async (t) => {
    const gone = Promise.withResolvers<void>();
    const service = await startService(t, {
      async *watchTask(_request, context: CallContext) {
        yield* successfulEvents.slice(0, 1);
        await callerGone(context);
        gone.resolve();
      },
    });
    for await (const _event of connect(t, service).watch("task-1")) {
      break;
    }
    await gone.promise;
  });
});

describe("download", () => {
  it("gives the asset and its bytes", async (t) => {
    const service = await startService(t, succeedingService(bytes));
    const download = await connect(t, service).download("task-1");
    assert.deepEqual(Buffer.from(download.bytes), bytes);
    assert.equal(download.asset.encoding?.format, "ply");
    assert.equal(download.asset.submitTimeNs, 1_700_000_000_123_456_789n);
  });

  it("starts over when the connection is lost on the way", async (t) => {
    let downloads = 0;
    const service = await startService(t, {
      async *downloadAsset() {
        downloads++;
        for await (const message of downloadOf(assetOf(bytes), bytes)) {
          yield message;
          if (downloads === 1 && message.part?.case === "chunk") {
            throw unavailable();
          }
        }
      },
    });
    const download = await connect(t, service).download("task-1");
    assert.deepEqual(Buffer.from(download.bytes), bytes);
    assert.equal(downloads, 2);
  });

  const flipped = Buffer.from(bytes);
  flipped[4_000] = (flipped[4_000] ?? 0) ^ 1;
  const damages: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["a changed byte", flipped, /SHA-256/],
    ["missing bytes", bytes.subarray(1), /5499 of 5500 bytes/],
    ["additional bytes", Buffer.concat([bytes, bytes]), /more than the announced 5500 bytes/],
  ];
  for (const [what, arrived, message] of damages) {
    it(`finds ${what}`, async (t) => {
      const service = await startService(t, {
        downloadAsset: () => downloadOf(assetOf(bytes), arrived),
      });
      await assert.rejects(connect(t, service).download("task-1"), (error) => {
        assert.ok(error instanceof CorruptDownloadError);
        assert.equal(error.taskId, "task-1");
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it("finds bytes without an announcement, two announcements, and nothing at all", async (t) => {
    const announced = { part: { case: "asset", value: assetOf(bytes) } } as const;
    const streams = [
      [{ part: { case: "chunk", value: bytes } } as const],
      [announced, announced],
      [],
    ];
    for (const messages of streams) {
      const service = await startService(t, {
        async *downloadAsset() {
          yield* messages;
        },
      });
      await assert.rejects(connect(t, service).download("task-1"), CorruptDownloadError);
    }
  });

  it("refuses an asset over its limit before any byte of it", async (t) => {
    const service = await startService(t, {
      async *downloadAsset() {
        yield { part: { case: "asset", value: assetOf(bytes, { sizeBytes: 1n << 60n }) } };
        throw new RpcError(status.INTERNAL, "the client should be gone");
      },
    });
    await assert.rejects(
      connect(t, service, { maxAssetBytes: 10_000 }).download("task-1"),
      AssetTooLargeError,
    );
  });
});

describe("generate", () => {
  it("goes from prompt to checked bytes and tells each step", async (t) => {
    const service = await startService(t, succeedingService(bytes));
    const progress: string[] = [];
    const made = await connect(t, service).generate("a red cube", {
      onProgress: (event, taskId) => progress.push(`${taskId} ${event.kind}`),
    });
    assert.deepEqual(Buffer.from(made.bytes), bytes);
    assert.equal(made.task.prompt, "a red cube");
    assert.deepEqual(progress, [
      "task-1 created",
      "task-1 assigned",
      "task-1 submitted",
      "task-1 accepted",
      "task-1 succeeded",
    ]);
    const traces = new Set(service.calls.map(traceparentOf));
    assert.equal(traces.size, 1, "one trace for all of it");
  });

  it("says why a task failed", async (t) => {
    const events: EventInit[] = [{ sequence: 1n, kind: "failed", state: TaskState.FAILED }];
    const service = await startService(t, {
      createTask: async () => ({ task: taskOf("task-1") }),
      watchTask: ({ afterSequence }) => eventsAfter(events, afterSequence),
      getTask: async () => ({
        task: {
          id: "task-1",
          state: TaskState.FAILED,
          failure: { code: "expired", message: "no accepted result within 600 s" },
        },
      }),
    });
    await assert.rejects(connect(t, service).generate("a red cube"), (error) => {
      assert.ok(error instanceof TaskFailedError);
      assert.equal(error.failureCode, "expired");
      assert.match(error.message, /no accepted result within 600 s/);
      return true;
    });
  });

  it("says that its task was cancelled", async (t) => {
    const events: EventInit[] = [{ sequence: 1n, kind: "cancelled", state: TaskState.CANCELLED }];
    const service = await startService(t, {
      createTask: async () => ({ task: taskOf("task-1") }),
      watchTask: ({ afterSequence }) => eventsAfter(events, afterSequence),
      getTask: async () => ({ task: { id: "task-1", state: TaskState.CANCELLED } }),
    });
    await assert.rejects(connect(t, service).generate("a red cube"), (error) => {
      assert.ok(error instanceof TaskFailedError);
      assert.equal(error.failureCode, "cancelled");
      return true;
    });
  });

  it("survives a server that is killed and comes back", async (t) => {
    const service = await startService(t, {
      ...succeedingService(bytes),
      async *watchTask({ afterSequence }, context) {
        if (afterSequence >= 2n) {
          return yield* eventsAfter(successfulEvents, afterSequence);
        }
        yield* eventsAfter(successfulEvents.slice(0, 2), afterSequence);
        await callerGone(context);
      },
    });
    const client = connect(t, service, {}, { ...instantTiming(), sleep: () => service.restart() });
    const made = await client.generate("a red cube", {
      onProgress(event) {
        if (event.kind === "assigned") {
          service.stop();
        }
      },
    });
    assert.deepEqual(Buffer.from(made.bytes), bytes);
  });

  it("ends at its time limit, wherever it is", async (t) => {
    const service = await startService(t, {
      ...succeedingService(bytes),
      async *watchTask(_request, context) {
        yield* successfulEvents.slice(0, 1);
        await callerGone(context);
      },
    });
    await assert.rejects(
      connect(t, service).generate("a red cube", { timeoutMs: 100 }),
      failsWith("deadline-exceeded"),
    );
  });
});

describe("report", () => {
  it("comes whole", async (t) => {
    const sent = await signedReportOf("task-1");
    const service = await startService(t, { getReport: async () => ({ report: sent }) });
    const report = await connect(t, service).report("task-1");
    assert.equal(report.views.length, 36);
    assert.ok(equals(ScoreReportSchema, report, sent));
  });
});
