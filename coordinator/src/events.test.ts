import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createLogger, createMetrics, type Metrics, startStatusServer } from "@turntable/process";
import { ScoreReportSchema } from "@turntable/proto";
import { createEvents } from "./events.ts";
import type { Scoring } from "./scorings/index.ts";

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
  const text = await read(metrics);
  assert.match(text, /^turntable_refused_total\{.*reason="address-rate".*\} 1000$/m);
  assert.match(text, /^turntable_refused_total\{.*reason="slow-body".*\} 1$/m);
});

/** A logger, and what it wrote. */
function recorded() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line));
  return { lines, logger: createLogger("test", "info", { write }) };
}

async function read(metrics: Metrics): Promise<string> {
  const http = { host: "127.0.0.1", port: 0, metrics, notReady: () => undefined };
  await using server = await startStatusServer(http);
  return await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
}

test("calls are a line and a count each, by method and code", async () => {
  const { lines, logger } = recorded();
  const metrics = createMetrics("test");
  const events = createEvents(logger, metrics);
  const call = { client: "ann", durationMs: 12.4, fault: undefined };
  for (const [method, code] of [
    ["GetTask", "OK"],
    ["GetTask", "NOT_FOUND"],
    ["GetTask", "OK"],
  ] as const) {
    events.apiCall({ ...call, method: `/turntable.v1.GenerationService/${method}`, code });
  }
  const fault = { id: "f-1", cause: new Error("a bug") };
  events.apiCall({ ...call, method: "/x/ListTasks", code: "INTERNAL", fault });
  assert.deepEqual(
    lines.map(({ level, method, code, client, duration_ms, error_id, msg }) =>
      [level, method, code, client, duration_ms, error_id, msg].join(" "),
    ),
    [
      "info GetTask OK ann 12  api call",
      "info GetTask NOT_FOUND ann 12  api call",
      "info GetTask OK ann 12  api call",
      "error ListTasks INTERNAL ann 12 f-1 api call failed",
    ],
  );
  const text = await read(metrics);
  for (const [labels, count] of [
    ['method="GetTask",code="OK"', 2],
    ['method="GetTask",code="NOT_FOUND"', 1],
    ['method="ListTasks",code="INTERNAL"', 1],
  ] as const) {
    assert.match(text, new RegExp(`^turntable_api_calls_total{${labels},.*} ${count}$`, "m"));
    assert.match(
      text,
      new RegExp(`^turntable_api_call_seconds_bucket{${labels},.*le="0.025"} ${count}$`, "m"),
    );
  }
});

test("the end of a scoring is a line and a count; a fault of ours is for somebody to look at", async () => {
  const { lines, logger } = recorded();
  const metrics = createMetrics("test");
  const events = createEvents(logger, metrics);
  const at = new Date(0);
  const scoring: Scoring = {
    ...{ id: "s-1", client: "ann", prompt: "a cup", state: "failed", sizeBytes: 1, sha256: "" },
    ...{ createdAt: at, updatedAt: at, expiresAt: at, cameraSeed: 0n },
    encoding: { format: "ply", version: 0, compression: 0 },
    ...{ failure: { code: "system-fault", message: "scoring failed" }, report: undefined },
  };
  events.scoringEnded({ scoring, waitedMs: 900, by: { workerId: "w-1", attempt: 5 } });
  const report = create(ScoreReportSchema, { score: 0.75 });
  events.scoringEnded({
    scoring: { ...scoring, state: "scored", failure: undefined, report },
    ...{ waitedMs: 100, by: { workerId: "w-2", attempt: 1 } },
  });
  assert.deepEqual(
    lines.map(({ time, name, pid, hostname, ...fields }) => fields),
    [
      {
        ...{ level: "error", job_id: "s-1", client: "ann", outcome: "system-fault" },
        ...{ reason: "scoring failed", worker_id: "w-1", attempt: 5, duration_ms: 900 },
        msg: "scoring ended",
      },
      {
        ...{ level: "info", job_id: "s-1", client: "ann", outcome: "scored", score: 0.75 },
        ...{ worker_id: "w-2", attempt: 1, duration_ms: 100, msg: "scoring ended" },
      },
    ],
  );
  const text = await read(metrics);
  assert.match(text, /^turntable_scorings_total\{outcome="system-fault",.*\} 1$/m);
  assert.match(text, /^turntable_scorings_total\{outcome="scored",.*\} 1$/m);
  assert.match(text, /^turntable_scoring_seconds_sum\{.*\} 1$/m);
});

test("late weights are an error, but a warning while there is nothing to set", () => {
  const { lines, logger } = recorded();
  const events = createEvents(logger, createMetrics("test"));
  const late = { kind: "late", netuid: 17, validator: "5A", blocks: 300 } as const;
  events.weights({ ...late, reason: "nobody has a reward yet", isIdle: true });
  events.weights({ ...late, reason: "the last attempt failed", isIdle: false });
  assert.deepEqual(
    lines.map(({ level, msg, reason }) => [level, msg, reason]),
    [
      ["warn", "no weights for long: there is nothing to set", "nobody has a reward yet"],
      ["error", "weights are late: somebody has to look", "the last attempt failed"],
    ],
  );
});

test("the age of weights is that of the oldest, where a subnet has several validators of ours", async () => {
  const metrics = createMetrics("test");
  const events = createEvents(createLogger("test", "silent"), metrics);
  for (const [netuid, validator, blocks] of [
    [17, "5A", 300],
    [17, "5B", 20],
    [18, "5A", 7],
  ] as const) {
    events.weights({
      ...{ kind: "age", netuid, validator, blocks },
      ...{ block: 1_000, intervalBlocks: 100 },
    });
  }
  const text = await read(metrics);
  assert.match(text, /^turntable_weights_blocks_since_success\{.*netuid="17".*\} 300$/m);
  assert.match(text, /^turntable_weights_blocks_since_success\{.*netuid="18".*\} 7$/m);
});

test("audits are counted by reason and outcome, their differences measured, and a quarantine is an error", async () => {
  const { lines, logger } = recorded();
  const metrics = createMetrics("test");
  const { audit } = createEvents(logger, metrics);
  const ended = {
    ...({ kind: "ended", reason: "sample", submissionId: "s-1", drifted: undefined } as const),
    opinions: [
      { worker: "w-1", score: 0.9, model: "" },
      { worker: "w-2", score: 0.4, model: "" },
    ],
  };
  audit({ ...ended, outcome: "agreed", difference: 0.004 });
  audit({ ...ended, outcome: "drifted", difference: 0.5, drifted: "w-1" });
  audit({ ...ended, outcome: "other-model", difference: 0.5 });
  audit({ ...ended, outcome: "no-second-worker", difference: undefined });
  audit({
    kind: "replaced",
    worker: "w-1",
    replaced: {
      ...({
        submissionId: "s-1",
        hotkey: "5Miner",
        verdict: "accepted",
        isRewarded: true,
      } as const),
      ...{ before: { score: 0.9, fidelity: 1 }, after: { score: 0.4, fidelity: 0 } },
    },
  });
  audit({ kind: "quarantined", worker: "w-1", at: 0, reason: "it drifts", redone: 3 });
  audit({ kind: "discarded", worker: "w-1", jobId: "s-2" });
  audit({ kind: "released", worker: "w-1" });
  assert.deepEqual(
    lines.map(({ level, outcome, drifted, worker_id, score_before, redone }) =>
      [level, outcome, drifted, worker_id, score_before, redone].join(" "),
    ),
    [
      "info agreed    ",
      "warn drifted w-1   ",
      "warn other-model    ",
      "info no-second-worker    ",
      "warn   w-1 0.9 ",
      "error   w-1  3",
      "warn   w-1  ",
      "info   w-1  ",
    ],
  );
  const text = await read(metrics);
  for (const line of [
    /^turntable_audits_total\{reason="sample",outcome="drifted".*\} 1$/m,
    /^turntable_audit_difference_bucket\{.*le="0.005"\} 1$/m,
    /^turntable_audit_difference_count(\{.*\})? 2$/m,
    /^turntable_scores_replaced_total\{rewarded="true".*\} 1$/m,
    /^turntable_results_discarded_total(\{.*\})? 1$/m,
    /^turntable_quarantines_total(\{.*\})? 1$/m,
  ]) {
    assert.match(text, line);
  }
});
