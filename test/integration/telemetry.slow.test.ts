/** Sending spans: to a collector that is there, away, or never answers. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { describe, it } from "node:test";
import { createLogger, inSpan, startTelemetry, type TelemetryOptions } from "@turntable/process";
import { liesWithin, startOtlpReceiver } from "../harness/otlp-receiver.ts";

/** More than the flush may take, less than any grace period; ms. */
const gracePeriodMs = 10_000;

async function start(change: Partial<TelemetryOptions>, onLine = (): void => undefined) {
  const lines: Record<string, unknown>[] = [];
  const telemetry = await startTelemetry({
    serviceName: "test",
    config: {},
    env: {},
    logger: createLogger("test", "info", {
      write(line) {
        lines.push(JSON.parse(line));
        onLine();
      },
    }),
    ...change,
  });
  return { lines, dispose: () => telemetry[Symbol.asyncDispose]() };
}

const work = (name: string) => inSpan(name, {}, async () => undefined);

describe("a process with a collector", () => {
  it("has sent everything when it ends, parents and children", async () => {
    await using receiver = await startOtlpReceiver();
    const { lines, dispose } = await start({ config: { endpoint: `${receiver.url}/` } });
    await inSpan("outer", { attributes: { task_id: "7" } }, () => work("inner"));
    assert.equal(receiver.spans.length, 0, "spans go in batches");
    await dispose();
    const [inner, outer, ...others] = receiver.spans;
    assert.equal(others.length, 0);
    assert.equal(inner?.name, "inner");
    assert.equal(inner.service, "test");
    assert.equal(inner.parentId, outer?.spanId);
    assert.equal(inner.traceId, outer?.traceId);
    assert.equal(outer?.parentId, "");
    assert.equal(outer?.attributes.task_id, "7");
    assert.ok(liesWithin(inner, outer));
    assert.deepEqual(lines, []);
  });

  it("samples as the standard's variables say", async () => {
    await using receiver = await startOtlpReceiver();
    const env = { OTEL_TRACES_SAMPLER: "parentbased_always_off" };
    const { dispose } = await start({ config: { endpoint: receiver.url }, env });
    await work("unseen");
    await dispose();
    assert.deepEqual(receiver.spans, []);
  });

  it("sends nothing where the standard's variables switch it off", async () => {
    await using receiver = await startOtlpReceiver();
    const env = { OTEL_SDK_DISABLED: "true" };
    const { dispose } = await start({ config: { endpoint: receiver.url }, env });
    await work("unseen");
    await dispose();
    assert.deepEqual(receiver.spans, []);
  });
});

it("an endpoint in the standard's variables that is no URL is refused by name", async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" };
  await assert.rejects(start({ env }), /^Error: OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318"/);
});

describe("a process whose collector", () => {
  it("fails says so in one line, says when it is back, and works on", async () => {
    const attempts = createCounter();
    const broken = createServer((socket) => {
      socket.destroy();
      attempts.count();
    });
    const port = await listen(broken);
    const logged = createCounter();
    const { lines, dispose } = await start(
      {
        config: { endpoint: `http://127.0.0.1:${port}` },
        env: {
          OTEL_BSP_SCHEDULE_DELAY: "10",
          OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1",
          OTEL_EXPORTER_OTLP_TIMEOUT: "100",
        },
      },
      logged.count,
    );
    for (let i = 0; i < 4; i++) {
      await work("lost");
    }
    await attempts.reached(4); // one a span: the three before have failed
    await new Promise((resolve) => broken.close(resolve));
    await using receiver = await startOtlpReceiver(port);
    await work("sent");
    await receiver.until((spans) => spans.some(({ name }) => name === "sent"));
    await logged.reached(2);
    await dispose();
    assert.deepEqual(
      lines.map(({ level }) => level),
      ["warn", "info"],
    );
    assert.match(String(lines[0]?.msg), /spans cannot be sent/);
  });

  it("never answers ends within its grace period", async () => {
    const silent = createServer((socket) => void socket.resume().on("error", () => undefined));
    const port = await listen(silent);
    const { dispose } = await start({
      config: { endpoint: `http://127.0.0.1:${port}` },
      env: { OTEL_EXPORTER_OTLP_TIMEOUT: "600000" },
    });
    await work("unheard");
    const startedAt = performance.now();
    await dispose();
    assert.ok(performance.now() - startedAt < gracePeriodMs);
    // This waits for its connections: none is left to keep the process.
    await new Promise((resolve) => silent.close(resolve));
  });
});

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port; // a listening TCP server has one
}

function createCounter() {
  let counted = 0;
  let changed = Promise.withResolvers<void>();
  return {
    count(): void {
      counted++;
      changed.resolve();
      changed = Promise.withResolvers();
    },
    async reached(count: number): Promise<void> {
      while (counted < count) {
        await changed.promise;
      }
    },
  };
}
