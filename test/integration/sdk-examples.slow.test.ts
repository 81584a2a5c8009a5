/** The SDK's examples as they stand in its folder, one after the other against a real coordinator. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ruleSets } from "@turntable/coordinator/rules";
import { answerTasks } from "../harness/answer-tasks.ts";
import { startTestSubnet } from "../harness/coordinator.ts";

const run = promisify(execFile);
const folder = join(import.meta.dirname, "../../client-sdk/examples");

/** What each prints. */
const printed: Readonly<Record<string, RegExp>> = {
  "01_generate.ts":
    /^created\n.*succeeded\ntask \S+: 1000 bytes, score 0\.9, signature verified\n$/s,
  "02_watch.ts": /^1 created\n2 assigned\n3 submitted \n4 accepted 0\.9\n5 succeeded 0\.9\n$/,
  "03_report.ts": /^"a blue sphere": 0\.9 by \S+, verified\n {2}0\.800 at 10°, -20°\n/,
  "04_errors.ts": /^$/,
  "05_score.ts": /^0 of 1000\n1000 of 1000\n.*0\.9 by a-model, verified\n$/s,
};

test("every example does what it says", async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), "turntable-examples-"));
  t.after(() => rmSync(cwd, { recursive: true }));
  await using subnet = await startTestSubnet({ rules: { ...ruleSets.local, cooldownMs: 0 } });
  await using _answers = answerTasks(subnet, () => randomBytes(1_000));
  const address = `127.0.0.1:${subnet.coordinator.grpcPort}`;
  const examples = globSync("*.ts", { cwd: folder })
    .map((file) => basename(file))
    .toSorted();
  assert.deepEqual(examples, Object.keys(printed));
  for (const example of examples) {
    const { stdout } = await run(process.execPath, [join(folder, example), address], {
      cwd,
      timeout: 30_000,
    });
    assert.match(stdout, printed[example] ?? assert.fail(), example);
  }
});
