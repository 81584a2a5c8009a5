import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import type { TakenJob } from "@turntable/bus";
import { createLogger } from "@turntable/process";
import { RenderScoreJobSchema } from "@turntable/proto";
import { createEvents } from "./events.ts";
import type { JobOutcome } from "./job.ts";

const invalid: JobOutcome = { kind: "invalidAsset", code: "truncated", message: "ends early" };

function logged(
  deadlineMs: number | undefined,
  outcome: JobOutcome = invalid,
): Record<string, unknown> {
  const lines: string[] = [];
  const logger = createLogger("test", "debug", { write: (line) => lines.push(line) });
  const job = create(RenderScoreJobSchema, {
    jobId: "a",
    encoding: { format: "spz", version: 1, compression: 2 },
    ...(deadlineMs === undefined ? {} : { deadline: timestampFromMs(deadlineMs) }),
  });
  const taken = { job, attempt: 1, trace: ROOT_CONTEXT } as TakenJob; // nothing else is read
  createEvents(logger, undefined).jobDone({ taken, outcome, durationMs: 5, waitMs: 0, heldMs: 0 });
  return JSON.parse(lines[0] ?? "{}");
}

test("a job's log line says how its miner declared the bytes, and whether it was late", () => {
  const late = logged(1_000);
  assert.deepEqual(
    [late.declared_format, late.declared_compression, late.late, late.code],
    ["spz", 2, true, "truncated"],
  );
  assert.equal(logged(Date.now() + 60_000).late, undefined);
  assert.equal(logged(undefined).late, undefined);
});

test("a job that nobody wants any more is no news", () => {
  const { level, outcome } = logged(undefined, { kind: "withdrawn" });
  assert.deepEqual([level, outcome], ["debug", "withdrawn"]);
  assert.equal(logged(undefined).level, "info");
});
