import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, fromJsonString, toBinary } from "@bufbuild/protobuf";
import { ScoreReportSchema } from "./index.ts";
import { canonicalReport } from "./report.ts";

const report = create(ScoreReportSchema, {
  taskId: "t",
  cameraSeed: 2n ** 64n - 1n,
  views: [{ azimuthDeg: 10, elevationDeg: -3, probability: 0.1 }],
  score: 0.1,
  signature: new Uint8Array(64).fill(1),
});

test("the canonical JSON has sorted keys, no white space and no signature", () => {
  assert.equal(
    canonicalReport(report),
    '{"cameraSeed":"18446744073709551615","score":0.1,"taskId":"t",' +
      '"views":[{"azimuthDeg":10,"elevationDeg":-3,"probability":0.1}]}',
  );
});

test("it is the same after a way through bytes or through itself", () => {
  const text = canonicalReport(report);
  const overWire = fromBinary(ScoreReportSchema, toBinary(ScoreReportSchema, report));
  assert.equal(canonicalReport(overWire), text);
  assert.equal(canonicalReport(fromJsonString(ScoreReportSchema, text)), text);
});
