import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ScoreReportSchema } from "@turntable/proto";
import { describeReport } from "./report.ts";

test("a score that was replaced is told, with whose it was", () => {
  const report = create(ScoreReportSchema, {
    score: 0.3,
    replacedScores: [{ score: 0.9, fidelity: 1, workerId: "w-3" }],
  });
  assert.match(
    describeReport(report, { kind: "unsigned" }),
    /^replaced +0\.9000 \(fidelity 1\.00\) of worker w-3, which others found wrong$/m,
  );
});

test("the score's line names the threshold that low views are counted by", () => {
  const lineOf = (acceptance: number) => {
    const report = create(ScoreReportSchema, { score: 0.7, lowViewShare: 0.25, acceptance });
    return describeReport(report, { kind: "unsigned" })
      .split("\n")
      .find((line) => line.includes("score"));
  };
  assert.match(lineOf(0.75) ?? "", /25 % of them below 0\.75\)/);
  assert.match(lineOf(0) ?? "", /25 % of them below 0\.6\)/, "a report from before it said so");
});
