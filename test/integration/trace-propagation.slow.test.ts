/** Each transport continues the trace that it is given, and drops what is no trace context. The queues: test/contract. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, describe, it } from "node:test";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { context } from "@opentelemetry/api";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { type GenerationEngine, startGenerationEndpoint } from "@turntable/generation";
import { createLogger, registerTracing } from "@turntable/process";
import { GenerationService, TaskState } from "@turntable/proto";
import { createServiceClient } from "@turntable/proto/grpc";
import { signedResults, startTestSubnet } from "../harness/coordinator.ts";
import { inTestTrace, testTraceId, traceIdOf } from "../harness/tracing.ts";

const tracing = registerTracing();
after(() => tracing[Symbol.dispose]());

/** Longer than any trace context, shorter than the headers that servers take. */
const tooLong = `01-${testTraceId}-b7ad6b7169203331-01-${"x".repeat(7_000)}`;
const traceparent = `00-${testTraceId}-b7ad6b7169203331-01`;

/** The coordinator's log lines, and a way to wait for one. */
function openLog() {
  const lines: Record<string, unknown>[] = [];
  let changed = Promise.withResolvers<void>();
  const logger = createLogger("test", "info", {
    write(line) {
      lines.push(JSON.parse(line));
      changed.resolve();
      changed = Promise.withResolvers();
    },
  });
  const logged = async (msg: string, count = 1): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = lines.filter((line) => line.msg === msg)[count - 1];
      if (found !== undefined) {
        return found;
      }
      await changed.promise;
    }
  };
  return { logger, logged };
}

describe("gRPC", () => {
  it("continues the client's trace, whose ids are in the log", async () => {
    const { logger, logged } = openLog();
    await using subnet = await startTestSubnet({ logger });
    await inTestTrace(() => subnet.client.create("a red cube"));
    assert.equal((await logged("api call")).trace_id, testTraceId);
  });

  it("begins a trace of its own when what was sent is none", async () => {
    const { logger, logged } = openLog();
    await using subnet = await startTestSubnet({ logger });
    using channel = closing(
      new Client(`127.0.0.1:${subnet.coordinator.grpcPort}`, credentials.createInsecure()),
    );
    const client = createServiceClient(GenerationService, channel.client);
    const metadata = new Metadata();
    // As a foreign client would: ours never sends such a thing.
    const send = metadata.set.bind(metadata);
    metadata.set = () => undefined;
    send("traceparent", tooLong);
    await client.listTasks({}, { metadata });
    const { trace_id: id } = await logged("api call");
    assert.match(String(id), /^[0-9a-f]{32}$/);
    assert.notEqual(id, testTraceId);
  });
});

describe("the axon", () => {
  it("continues the trace of the miner's dendrite", async () => {
    const { logger, logged } = openLog();
    await using subnet = await startTestSubnet({ logger });
    const pulled = await inTestTrace(() =>
      subnet.miner.call(pullTask, { target: subnet.target, body: {} }),
    );
    assert.equal(pulled.kind, "ok");
    assert.equal((await logged("axon request")).trace_id, testTraceId);
  });

  it("looks at no trace context that is too long", async () => {
    const { logger, logged } = openLog();
    await using subnet = await startTestSubnet({ logger });
    const { axonPort: port } = subnet.coordinator;
    for (const sent of [tooLong.padEnd(20_000, "x"), traceparent]) {
      await new Promise((resolve, reject) => {
        request(
          { port, path: "/PullTask", method: "POST", headers: { traceparent: sent } },
          resolve,
        )
          .on("error", reject)
          .end();
      });
    }
    assert.equal((await logged("axon request")).trace_id, undefined);
    assert.equal((await logged("axon request", 2)).trace_id, testTraceId, "also when refused");
  });
});

describe("a submission", () => {
  it("continues the trace of its task, also when it is queued again after a restart", async () => {
    await using subnet = await startTestSubnet();
    const task = await inTestTrace(() => subnet.client.create("a red cube"));
    const pulled = await subnet.miner.call(pullTask, { target: subnet.target, body: {} });
    assert.equal(pulled.kind === "ok" && pulled.fields.task?.id, task.id);
    const body = signedResults(subnet, task, Buffer.from("an asset"));
    const leaving = new AbortController();
    const submitting = subnet.miner
      .call(submitResults, { target: subnet.target, body, signal: leaving.signal })
      .catch(() => undefined);
    const lost = await subnet.source.take(AbortSignal.timeout(20_000));
    assert.equal(traceIdOf(lost?.trace), testTraceId);
    leaving.abort();
    await submitting;
    await lost?.handBack(60_000);
    await subnet.coordinator[Symbol.asyncDispose]();

    await using again = await subnet.restart();
    const taken = await again.source.take(AbortSignal.timeout(20_000));
    assert.ok(taken);
    assert.equal(taken.job.taskId, task.id);
    assert.equal(traceIdOf(taken.trace), testTraceId);
    await taken.terminate("the test is over");
    assert.equal((await again.client.get(task.id)).state, TaskState.QUEUED);
  });
});

describe("the generation endpoint", () => {
  it("continues the trace of the miner's request", async () => {
    const seen: (string | undefined)[] = [];
    const engine: GenerationEngine = {
      name: "procedural",
      concurrency: 1,
      async generate() {
        seen.push(traceIdOf(context.active()));
        return { bytes: new Uint8Array(1), format: "ply", splats: 1, unknownWords: [] };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    await using endpoint = await startGenerationEndpoint({ host: "127.0.0.1", port: 0, engine });
    for (const sent of [traceparent, tooLong]) {
      const body = new URLSearchParams({ prompt: "a red cube" });
      const headers = { traceparent: sent };
      await fetch(`${endpoint.url}/generate/`, { method: "POST", body, headers });
    }
    assert.equal(seen[0], testTraceId);
    assert.match(seen[1] ?? "", /^[0-9a-f]{32}$/);
    assert.notEqual(seen[1], testTraceId);
  });
});

function closing(client: Client) {
  return { client, [Symbol.dispose]: () => client.close() };
}
