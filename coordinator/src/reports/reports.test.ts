import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { keypairFromUri, verifySignature } from "@turntable/bittensor/keys";
import { canonicalReport, ScoreReportSchema } from "@turntable/proto";
import { openRules, validator } from "../../test/rules.ts";
import { createReports } from "./index.ts";

const report = create(ScoreReportSchema, {
  score: 0.9,
  cameraSeed: 2n ** 63n + 1n,
  views: [{ azimuthDeg: 10, elevationDeg: -3, probability: 0.9 }],
});

test("a report comes back as it was, with who vouches for it", async () => {
  using subnet = await openRules();
  const { id } = await subnet.submit(subnet.ask());
  const reports = createReports(subnet.store, validator);
  assert.equal(reports.get(id), undefined);
  reports.save({ id, validator: "" }, report);
  const stored = reports.get(id) ?? assert.fail();
  const { signature } = stored;
  assert.deepEqual(stored, { ...report, validatorHotkey: validator.ss58, signature });
  assert.ok(verifySignature(canonicalReport(stored), signature, validator.ss58));
});

test("the hotkey of the axon that took the submission vouches, the first one for all others", async () => {
  using subnet = await openRules();
  const other = keypairFromUri("//Other");
  const reports = createReports(subnet.store, validator, new Map([[other.ss58, other]]));
  const signers: string[] = [];
  for (const [hotkey, axon] of [
    ["A", other.ss58],
    ["B", validator.ss58],
    ["C", "an axon that is no more"],
  ] as const) {
    const { id } = await subnet.submit(subnet.ask(), hotkey);
    reports.save({ id, validator: axon }, report);
    const stored = reports.get(id) ?? assert.fail();
    assert.ok(verifySignature(canonicalReport(stored), stored.signature, stored.validatorHotkey));
    signers.push(stored.validatorHotkey);
  }
  assert.deepEqual(signers, [other.ss58, validator.ss58, validator.ss58]);
});

test("a verdict that overrules another replaces its report", async () => {
  using subnet = await openRules();
  const { id } = await subnet.submit(subnet.ask());
  const reports = createReports(subnet.store, validator);
  reports.save({ id, validator: "" }, report);
  reports.save({ id, validator: "" }, { ...report, score: 0.7 });
  assert.equal(reports.get(id)?.score, 0.7);
});

test("there is no report of what is no submission", async () => {
  using subnet = await openRules();
  const reports = createReports(subnet.store, validator);
  assert.throws(() => reports.save({ id: "nobody's", validator: "" }, report), /FOREIGN KEY/);
});
