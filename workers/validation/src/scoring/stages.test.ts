import assert from "node:assert/strict";
import { test } from "node:test";
import { type SpanOptions, type TimeInput, trace } from "@opentelemetry/api";
import { stageSpans, startStages } from "./stages.ts";

test("stages follow each other without a gap, none before the span that they are parts of", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
  const times: TimeInput[] = [];
  t.mock.method(trace, "getTracer", () => ({
    startSpan: (_name: string, { startTime }: SpanOptions) => {
      times.push(startTime ?? assert.fail("without a start"));
      return { end: (endTime: TimeInput) => times.push(endTime) };
    },
  }));
  const endStage = startStages(stageSpans());
  const fetchMs = endStage("fetch");
  // The wall clock's whole milliseconds, as they fall between two stages.
  t.mock.timers.setTime(1_800_000_000_001);
  const decodeMs = endStage("decode");
  const [fetchStart = 0, fetchEnd, decodeStart, decodeEnd] = times.map(Number);
  assert.ok(fetchStart >= 1_800_000_000_000);
  assert.equal(decodeStart, fetchEnd);
  assert.ok(Math.abs((decodeEnd ?? 0) - fetchStart - fetchMs - decodeMs) < 0.01);
});
