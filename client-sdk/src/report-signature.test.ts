import assert from "node:assert/strict";
import { it } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ScoreReportSchema } from "@turntable/proto";
import { signedReportOf } from "../test/service.ts";
import { verifyReport } from "./report-signature.ts";

const kindOf = async (...args: Parameters<typeof verifyReport>): Promise<string> =>
  (await verifyReport(...args)).kind;

it("a report is verified as its validator signed it, and as nothing else", async () => {
  const report = await signedReportOf("task-1");
  assert.equal(await kindOf(report), "verified");
  const [view] = report.views;
  assert.ok(view !== undefined);
  const changes = [
    { score: 1 },
    { minerHotkey: "5Else" },
    { views: [{ ...view, probability: 1 }, ...report.views.slice(1)] },
    { findings: [] },
    { cameraSeed: 78n },
    { signature: new Uint8Array(64) },
    { signature: report.signature.slice(1) },
  ];
  for (const change of changes) {
    assert.equal(await kindOf({ ...report, ...change }), "mismatch", Object.keys(change).join());
  }
  assert.equal(await kindOf({ ...report, signature: new Uint8Array() }), "unsigned");
});

it("a report with fields that only a newer version knows is called newer, not forged", async () => {
  const report = await signedReportOf("task-1");
  const [view] = report.views;
  assert.ok(view !== undefined);
  const field = { no: 9_999, wireType: 0, data: Uint8Array.of(1) };
  const unknown = { $unknown: [field] };
  const signed = { ...report, score: 0.1 }; // not what this version would have signed
  assert.equal(await kindOf({ ...signed, ...unknown }), "newer");
  const views = [{ ...view, ...unknown }, ...report.views.slice(1)];
  assert.equal(await kindOf({ ...signed, views }), "newer");
  const received = fromBinary(
    ScoreReportSchema,
    toBinary(ScoreReportSchema, { ...signed, ...unknown }),
  );
  assert.equal(await kindOf(received), "newer", "as it comes over the wire");
});

it("another validator's report is not the trusted one's, however well signed", async () => {
  const ours = await signedReportOf("task-1");
  const theirs = await signedReportOf("task-1", "//Eve");
  const trusted = { validatorHotkey: ours.validatorHotkey };
  assert.equal(await kindOf(ours, trusted), "verified");
  assert.equal(await kindOf(theirs, trusted), "other-validator");
  const claimed = { ...theirs, validatorHotkey: ours.validatorHotkey };
  assert.equal(await kindOf(claimed, trusted), "mismatch");
});
