import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { GenerationService } from "../gen/turntable/v1/generation_service_pb.ts";
import { type CallContext, type Handlers, RpcError, type ServerInterceptor } from "../rpc.ts";
import {
  createServiceClient,
  descriptorPackage,
  implement,
  messageLimits,
  serviceDefinition,
} from "./index.ts";

type Generation = typeof GenerationService;

/** Handlers that refuse everything; each test replaces what it needs. */
const unimplemented: Handlers<Generation> = {
  createTask: refuse,
  getTask: refuse,
  listTasks: refuse,
  getReport: refuse,
  cancelTask: refuse,
  watchTask: refuseStream,
  downloadAsset: refuseStream,
};

async function refuse(): Promise<never> {
  throw new RpcError(status.UNIMPLEMENTED, "not in this test");
}

// biome-ignore lint/correctness/useYield: it only throws
async function* refuseStream(): AsyncGenerator<never> {
  throw new RpcError(status.UNIMPLEMENTED, "not in this test");
}

/** A server on a free port with these handlers, and a client of it. */
async function start(t: TestContext, handlers: Partial<Handlers<Generation>>) {
  return serve(t, implement(GenerationService, { ...unimplemented, ...handlers }));
}

async function serve(t: TestContext, implementation: UntypedServiceImplementation) {
  const server = new Server(messageLimits(1024 * 1024));
  server.addService(serviceDefinition(GenerationService), implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const channel = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), messageLimits());
  t.after(() => {
    channel.close();
    server.forceShutdown();
  });
  return { client: createServiceClient(GenerationService, channel), channel, server };
}

const metadata = new Metadata();

describe("unary calls", () => {
  it("carry typed messages, metadata and deadline", async (t) => {
    let seen: CallContext | undefined;
    const { client } = await start(t, {
      async createTask(request, context) {
        seen = context;
        return { task: { id: "7", prompt: request.prompt } };
      },
    });
    const sent = new Metadata();
    sent.set("x-note", "kept");
    const answer = await client.createTask({ prompt: "a räd cube" }, { metadata: sent });
    assert.equal(answer.task?.prompt, "a räd cube");
    assert.equal(answer.$typeName, "turntable.v1.CreateTaskResponse");
    assert.ok(seen);
    assert.equal(seen.path, "/turntable.v1.GenerationService/CreateTask");
    assert.equal(seen.headers.get("x-note"), "kept");
    assert.equal(seen.signal.aborted, false, "an answered call is not a cancelled one");
  });

  it("answer an RpcError as it is and hide every other error", async (t) => {
    const { client } = await start(t, {
      async getTask() {
        throw new RpcError(status.NOT_FOUND, "no task 7: half a pair \ud83d", {
          trailers: { "retry-after": "3", "more-bin": Uint8Array.of(1, 255) },
        });
      },
      async listTasks() {
        throw new Error("password=hunter2");
      },
    });
    await assert.rejects(client.getTask({ taskId: "7" }, { metadata }), (error) => {
      assert.ok(isServiceError(error));
      assert.equal(error.code, status.NOT_FOUND);
      assert.equal(error.details, "no task 7: half a pair \ufffd");
      assert.deepEqual(error.metadata.get("retry-after"), ["3"]);
      assert.deepEqual(error.metadata.get("more-bin"), [Buffer.of(1, 255)]);
      return true;
    });
    await assert.rejects(client.listTasks({}, { metadata }), (error) => {
      assert.ok(isServiceError(error));
      assert.equal(error.code, status.INTERNAL);
      assert.equal(error.details, "internal error");
      return true;
    });
  });

  it("abort the handler's signal when the caller cancels, and reject with the caller's reason", async (t) => {
    const entered = Promise.withResolvers<AbortSignal>();
    const { client } = await start(t, {
      async getTask(_request, { signal }) {
        entered.resolve(signal);
        await once(signal, "abort");
        return {};
      },
    });
    const stop = new AbortController();
    const call = client.getTask({ taskId: "7" }, { metadata, signal: stop.signal });
    const handlerSignal = await entered.promise;
    const aborted = once(handlerSignal, "abort");
    const reason = new Error("changed my mind");
    stop.abort(reason);
    await assert.rejects(call, reason);
    await aborted;
    await assert.rejects(client.getTask({}, { metadata, signal: stop.signal }), reason);
  });

  it("abort the handler's signal when the deadline passes", async (t) => {
    const aborted = Promise.withResolvers<void>();
    const { client } = await start(t, {
      async getTask(_request, { signal }) {
        await once(signal, "abort");
        aborted.resolve();
        return {};
      },
      listTasks: async () => ({}),
    });
    // A call whose deadline passes on its way is never handled: the connection is there first, and there is time.
    await client.listTasks({}, { metadata });
    const deadline = new Date(Date.now() + 1_000);
    await assert.rejects(
      client.getTask({}, { metadata, deadline }),
      hasCode(status.DEADLINE_EXCEEDED),
    );
    await aborted.promise;
  });

  it("fail with INTERNAL for an answer that cannot be read, and say what it should have been", async (t) => {
    const { client } = await serve(t, {
      ...implement(GenerationService, unimplemented),
      getTask: (_call: unknown, respond: (error: null, answer: Buffer) => void) =>
        respond(null, Buffer.from([0x0a, 0x64])),
    });
    await assert.rejects(client.getTask({}, { metadata }), (error) => {
      assert.ok(isServiceError(error) && error.code === status.INTERNAL, String(error));
      assert.match(error.details, /read as a turntable\.v1\.GetTaskResponse/);
      return true;
    });
  });

  it("refuse messages over the limit", async (t) => {
    const { client } = await start(t, {});
    const prompt = "x".repeat(1024 * 1024);
    await assert.rejects(
      client.createTask({ prompt }, { metadata }),
      hasCode(status.RESOURCE_EXHAUSTED),
    );
  });
});

describe("server streams", () => {
  it("arrive in order and end", async (t) => {
    const { client } = await start(t, {
      async *watchTask(request) {
        for (let i = 1n; i <= 100n; i++) {
          yield { sequence: request.afterSequence + i };
        }
      },
    });
    const got: bigint[] = [];
    for await (const event of client.watchTask({ afterSequence: 5n }, { metadata })) {
      got.push(event.sequence);
    }
    assert.deepEqual(
      got,
      Array.from({ length: 100 }, (_, i) => BigInt(i + 6)),
    );
  });

  it("report an error after what was sent before it", async (t) => {
    const { client } = await start(t, {
      async *watchTask() {
        yield { sequence: 1n };
        throw new RpcError(status.FAILED_PRECONDITION, "it has no asset");
      },
    });
    const got: bigint[] = [];
    await assert.rejects(async () => {
      for await (const event of client.watchTask({}, { metadata })) {
        got.push(event.sequence);
      }
    }, hasCode(status.FAILED_PRECONDITION));
    assert.deepEqual(got, [1n]);
  });

  it("hold the handler back when the reader stops reading", async (t) => {
    let produced = 0;
    const chunk = new Uint8Array(512 * 1024);
    const total = 400;
    const { client } = await start(t, {
      async *downloadAsset() {
        for (; produced < total; produced++) {
          yield { part: { case: "chunk", value: chunk } };
        }
      },
    });
    const stream = client.downloadAsset({}, { metadata })[Symbol.asyncIterator]();
    await stream.next();
    // Another call on the same connection goes through many times: the stream had its chance to run ahead.
    for (let i = 0; i < 200; i++) {
      await assert.rejects(client.getTask({}, { metadata }), hasCode(status.UNIMPLEMENTED));
    }
    assert.ok(produced < total / 2, `${produced} of ${total} chunks were produced unread`);
    let received = 1;
    while (!(await stream.next()).done) {
      received++;
    }
    assert.equal(received, total);
  });

  it("end the handler's iterator when the reader leaves early", async (t) => {
    const returned = Promise.withResolvers<boolean>();
    const { client } = await start(t, {
      async *watchTask(_request, { signal }) {
        try {
          yield { sequence: 1n };
          await once(signal, "abort");
        } finally {
          returned.resolve(signal.aborted);
        }
      },
    });
    for await (const event of client.watchTask({}, { metadata })) {
      assert.equal(event.sequence, 1n);
      break;
    }
    assert.equal(await returned.promise, true);
  });

  it("end with the reason of the reader's signal", async (t) => {
    const { client } = await start(t, {
      async *watchTask(_request, { signal }) {
        yield { sequence: 1n };
        await once(signal, "abort");
      },
    });
    const stop = new AbortController();
    const reason = new Error("enough");
    await assert.rejects(async () => {
      for await (const _event of client.watchTask({}, { metadata, signal: stop.signal })) {
        stop.abort(reason);
      }
    }, reason);
  });

  it("tell the handler when the connection breaks", async (t) => {
    const broken = Promise.withResolvers<void>();
    const { client, server } = await start(t, {
      async *watchTask(_request, { signal }) {
        yield { sequence: 1n };
        await once(signal, "abort");
        broken.resolve();
      },
    });
    await assert.rejects(
      async () => {
        for await (const _event of client.watchTask({}, { metadata })) {
          server.forceShutdown();
        }
      },
      (error) =>
        isServiceError(error) && [status.UNAVAILABLE, status.CANCELLED].includes(error.code),
    );
    await broken.promise;
  });
});

describe("interceptors", () => {
  interface Known extends CallContext {
    readonly caller: string;
  }

  it("add to the context, refuse calls and see how each ended", async (t) => {
    const log: string[] = [];
    const authenticated: ServerInterceptor<Known> = (next) => async (context) => {
      const caller = context.headers.get("authorization");
      if (caller === undefined) {
        throw new RpcError(status.UNAUTHENTICATED, "no API key");
      }
      return await next(Object.assign(context, { caller }));
    };
    const logged: ServerInterceptor<CallContext> = (next) => async (context) => {
      try {
        const answer = await next(context);
        log.push(`${context.path} ok`);
        return answer;
      } catch (error) {
        log.push(`${context.path} ${error instanceof RpcError ? error.code : "bug"}`);
        throw error;
      }
    };
    const handlers: Handlers<Generation, Known> = {
      ...unimplemented,
      getTask: async (_request, { caller }) => ({ task: { id: caller } }),
      async *watchTask(_request, { caller }) {
        yield { message: caller };
      },
    };
    const { client } = await serve(
      t,
      implement(GenerationService, handlers, (next) => logged(authenticated(next))),
    );
    await assert.rejects(client.getTask({}, { metadata }), hasCode(status.UNAUTHENTICATED));
    const withKey = new Metadata();
    withKey.set("authorization", "Bearer k");
    assert.equal((await client.getTask({}, { metadata: withKey })).task?.id, "Bearer k");
    for await (const event of client.watchTask({}, { metadata: withKey })) {
      assert.equal(event.message, "Bearer k");
    }
    await assert.rejects(
      client.listTasks({}, { metadata: withKey }),
      hasCode(status.UNIMPLEMENTED),
    );
    assert.deepEqual(log, [
      "/turntable.v1.GenerationService/GetTask 16",
      "/turntable.v1.GenerationService/GetTask ok",
      "/turntable.v1.GenerationService/WatchTask ok",
      "/turntable.v1.GenerationService/ListTasks 12",
    ]);
  });
});

describe("messages that cannot be read or written", () => {
  /** What the interceptors saw of each call. */
  async function startObserved(t: TestContext, handlers: Partial<Handlers<Generation>>) {
    const seen: unknown[] = [];
    const observed: ServerInterceptor<CallContext> = (next) => async (context) => {
      if (context.headers.get("authorization") === "wrong") {
        throw new RpcError(status.UNAUTHENTICATED, "who is that?");
      }
      try {
        return await next(context);
      } catch (error) {
        seen.push(error);
        throw error;
      }
    };
    const { client, channel } = await serve(
      t,
      implement(GenerationService, { ...unimplemented, ...handlers }, observed),
    );
    const send = (rpc: string, bytes: Buffer, metadata = new Metadata()) =>
      new Promise<Buffer>((resolve, reject) => {
        const path = `/turntable.v1.GenerationService/${rpc}`;
        const asIs = (value: Buffer) => value;
        channel.makeUnaryRequest(path, asIs, asIs, bytes, metadata, (error, answer) =>
          answer === undefined ? reject(error) : resolve(answer),
        );
      });
    return { client, seen, send };
  }
  /** A prompt that says it is 100 bytes long, and one that is no UTF-8. */
  const malformed = [Buffer.from([0x0a, 100, 0x61]), Buffer.from([0x0a, 2, 0xc3, 0x28])];

  it("are INVALID_ARGUMENT, unary or streaming, and the interceptors see that", async (t) => {
    const { seen, send } = await startObserved(t, {});
    for (const bytes of malformed) {
      await assert.rejects(send("CreateTask", bytes), hasCode(status.INVALID_ARGUMENT));
      await assert.rejects(send("WatchTask", bytes), (error) => {
        assert.ok(isServiceError(error));
        assert.equal(
          error.details,
          "the request cannot be read as a turntable.v1.WatchTaskRequest",
        );
        return error.code === status.INVALID_ARGUMENT;
      });
    }
    assert.equal(seen.length, 4);
    assert.ok(seen.every((error) => error instanceof RpcError && error.cause instanceof Error));
  });

  it("are not even read when an interceptor refuses the call", async (t) => {
    const { seen, send } = await startObserved(t, {});
    const wrong = new Metadata();
    wrong.set("authorization", "wrong");
    for (const bytes of malformed) {
      await assert.rejects(send("CreateTask", bytes, wrong), hasCode(status.UNAUTHENTICATED));
    }
    assert.deepEqual(seen, []);
  });

  it("are a fault of the handler when they are answers, and the interceptors see what it is", async (t) => {
    const { client, seen } = await startObserved(t, {
      getTask: async () => ({ task: { createTime: { seconds: 1n, nanos: 0.5 } } }),
      async *watchTask() {
        yield { time: { seconds: 1n, nanos: 0.5 } };
      },
    });
    await assert.rejects(client.getTask({}, { metadata }), hasCode(status.INTERNAL));
    await assert.rejects(async () => {
      for await (const _event of client.watchTask({}, { metadata })) {
        assert.fail();
      }
    }, hasCode(status.INTERNAL));
    assert.equal(seen.length, 2);
    assert.ok(
      seen.every((error) => /nanos/.test(String(error))),
      String(seen),
    );
  });
});

describe("descriptors for reflection", () => {
  it("hold the service's file and all that it imports, dependencies first", () => {
    const definition = descriptorPackage(GenerationService)["turntable.v1.GenerationService"];
    assert.ok(definition);
    assert.ok(definition.fileDescriptorProtos.every((bytes) => Buffer.isBuffer(bytes)));
    assert.equal(definition.fileDescriptorProtos.length, 4);
  });
});

function hasCode(code: number) {
  return (error: unknown): boolean => {
    assert.ok(isServiceError(error), String(error));
    assert.equal(error.code, code, error.details);
    return true;
  };
}

function isServiceError(
  error: unknown,
): error is Error & { code: number; details: string; metadata: Metadata } {
  return error instanceof Error && "code" in error && "details" in error;
}
