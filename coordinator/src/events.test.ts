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
