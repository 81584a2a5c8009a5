import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, startStatusServer } from "./status-server.ts";

test("a call of two milliseconds and a generation of a minute are told apart", async () => {
  const metrics = createMetrics("test");
  const seconds = metrics.meter.createHistogram("turntable_test_seconds");
  seconds.record(0.002);
  seconds.record(60);
  await using server = await startStatusServer({
    ...{ host: "127.0.0.1", port: 0, metrics, notReady: () => undefined },
  });
  const text = await (await fetch(new URL("/metrics", server.url))).text();
  const count = (bound: string): string | undefined =>
    new RegExp(
      `^turntable_test_seconds_bucket{.*le="${bound.replace("+", "\\+")}"} (\\d+)$`,
      "m",
    ).exec(text)?.[1];
  assert.deepEqual(["0.001", "0.0025", "30", "60", "+Inf"].map(count), ["0", "1", "1", "2", "2"]);
});
