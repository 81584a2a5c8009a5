import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, createMetrics, startStatusServer } from "@turntable/process";
import { createEvents } from "./events.ts";

test("each refusal of the axon is counted by reason; a flood of one is a line, and others have their own", async () => {
  const lines: string[] = [];
  const logger = createLogger("test", "info", { write: (line) => lines.push(line) });
  const metrics = createMetrics("test");
  const events = createEvents(logger, metrics);
  for (let count = 0; count < 1_000; count += 1) {
    events.axonRefused({ reason: "address-rate", remoteAddress: "203.0.113.7" });
  }
  events.axonRefused({ reason: "slow-body", remoteAddress: "203.0.113.8" });
  assert.deepEqual(
    lines.map((line) => {
      const { level, reason, remote, count, msg } = JSON.parse(line);
      return { level, reason, remote, count, msg };
    }),
    [
      {
        level: "warn",
        reason: "address-rate",
        remote: "203.0.113.7",
        count: 1,
        msg: "axon refused",
      },
      { level: "warn", reason: "slow-body", remote: "203.0.113.8", count: 1, msg: "axon refused" },
    ],
  );
  const http = { host: "127.0.0.1", port: 0, metrics, notReady: () => undefined };
  await using server = await startStatusServer(http);
  const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  assert.match(text, /^turntable_refused_total\{.*reason="address-rate".*\} 1000$/m);
  assert.match(text, /^turntable_refused_total\{.*reason="slow-body".*\} 1$/m);
});

test("the age of weights is that of the oldest, where a subnet has several validators of ours", async () => {
  const metrics = createMetrics("test");
  const events = createEvents(createLogger("test", "silent"), metrics);
  for (const [netuid, validator, blocks] of [
    [17, "5A", 300],
    [17, "5B", 20],
    [18, "5A", 7],
  ] as const) {
    events.weights({ kind: "age", netuid, validator, blocks });
  }
  const http = { host: "127.0.0.1", port: 0, metrics, notReady: () => undefined };
  await using server = await startStatusServer(http);
  const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  assert.match(text, /^turntable_weights_blocks_since_success\{.*netuid="17".*\} 300$/m);
  assert.match(text, /^turntable_weights_blocks_since_success\{.*netuid="18".*\} 7$/m);
});
