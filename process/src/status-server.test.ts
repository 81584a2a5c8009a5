import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, type Metrics } from "./metrics.ts";
import { startStatusServer } from "./status-server.ts";

test("a call of two milliseconds and a generation of a minute are told apart", async () => {
  const metrics = createMetrics("test");
  const seconds = metrics.meter.createHistogram("turntable_test_seconds");
  seconds.record(0.002);
  seconds.record(60);
  const count = bucketsOf(await read(metrics), "turntable_test_seconds");
  assert.deepEqual(["0.001", "0.0025", "30", "60", "+Inf"].map(count), ["0", "1", "1", "2", "2"]);
});

test("call metrics read as the SDK's own instruments do", async () => {
  const [ours, theirs] = [createMetrics("test"), createMetrics("test")];
  const names = {
    count: { name: "turntable_test_calls", description: "calls by method" },
    seconds: { name: "turntable_test_call_seconds", description: "how long they took" },
  };
  const calls = ours.createCallMetrics(names);
  const counter = theirs.meter.createCounter(names.count.name, names.count);
  const histogram = theirs.meter.createHistogram(names.seconds.name, names.seconds);
  for (const labels of [
    { method: "GetTask", code: "OK" },
    { method: "CreateTask", code: "NOT_FOUND" },
  ]) {
    const series = calls.series(labels);
    for (const seconds of [0.0005, 0.001, 0.75, 600, 601]) {
      series.record(seconds);
      counter.add(1, labels);
      histogram.record(seconds, labels);
    }
  }
  // In an order of their own.
  const lines = async (metrics: Metrics) =>
    (await read(metrics))
      .split("\n")
      .filter((line) => line.includes("turntable_test"))
      .toSorted();
  assert.deepEqual(await lines(ours), await lines(theirs));
});

test("a process tells its own processor time, memory, files, start and lag", async () => {
  const text = await read(createMetrics("test"));
  const value = (name: string): number =>
    Number(new RegExp(`^${name}(?:{.*})? (\\S+)$`, "m").exec(text)?.[1]);
  assert.ok(value("process_cpu_seconds_total") > 0);
  assert.ok(value("process_resident_memory_bytes") > value("nodejs_heap_size_used_bytes"));
  assert.ok(value("nodejs_heap_size_used_bytes") > 1e6);
  assert.ok(Math.abs(value("process_start_time_seconds") - performance.timeOrigin / 1000) < 60);
  assert.ok(value("nodejs_eventloop_lag_p99_seconds") >= 0);
  assert.ok(process.platform !== "linux" || value("process_open_fds") > 2);
});

async function read(metrics: Metrics): Promise<string> {
  await using server = await startStatusServer({
    ...{ host: "127.0.0.1", port: 0, metrics, notReady: () => undefined },
  });
  return await (await fetch(new URL("/metrics", server.url))).text();
}

/** How many were at most that long. */
const bucketsOf =
  (text: string, name: string) =>
  (bound: string): string | undefined =>
    new RegExp(`^${name}_bucket{.*le="${bound.replace("+", "\\+")}"} (\\d+)$`, "m").exec(text)?.[1];
