/** One task from client to score through separate processes and a real nats-server. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { verifyAssetOrigin, verifyReport } from "@turntable/client";
import { generate } from "@turntable/generation";
import { writePly } from "@turntable/splat";
import { mine } from "./mine.ts";
import { startSubnet } from "./subnet.ts";

const root = new URL("../..", import.meta.url).pathname;

test("a client's prompt becomes an asset with a score that anyone can compute again", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "turntable-e2e-out-"));
  t.after(() => rmSync(directory, { recursive: true }));
  await using subnet = await startSubnet();
  await Promise.all([subnet.startWorker(), subnet.startWorker(), subnet.startMiner()]);

  const out = join(directory, "cube.ply");
  const cli = (...args: string[]) =>
    spawnSync(`${root}node_modules/.bin/turntable`, [...args, "--server", subnet.grpcAddress], {
      encoding: "utf8",
    });
  const generated = cli("generate", "a red cube", "--out", out);
  assert.equal(generated.status, 0, generated.stderr + generated.stdout);

  const { tasks } = await subnet.client.list();
  const task = tasks[0] ?? assert.fail("no task");
  const asset = task.asset ?? assert.fail("no asset");
  const bytes = readFileSync(out);
  const sha256 = createHash("sha256").update(bytes).digest();
  assert.deepEqual(sha256, Buffer.from(asset.sha256), "what was downloaded");
  const stored = readFileSync(join(subnet.dataDir, "assets", sha256.toString("hex")));
  assert.deepEqual(bytes, stored, "what was submitted");
  assert.equal(asset.minerHotkey, subnet.minerKey.ss58);
  assert.deepEqual(await verifyAssetOrigin(asset), { kind: "verified", form: "2024" });

  const report = await subnet.client.report(task.id);
  assert.equal(report.views.length, 36);
  assert.ok(report.views.every((view) => Number.isInteger(view.elevationDeg)));
  assert.ok(new Set(report.views.map((view) => view.elevationDeg)).size > 1);
  assert.ok(report.score >= 0.6, `a red cube scored ${report.score}`);
  const { validatorHotkey } = asset;
  assert.deepEqual(await verifyReport(report, { validatorHotkey }), { kind: "verified" });

  const seed = report.cameraSeed.toString();
  const again = spawnSync(
    `${root}node_modules/.bin/turntable-worker`,
    ["score", out, "--prompt", "a red cube", "--seed", seed, "--json"],
    { encoding: "utf8" },
  );
  assert.equal(again.status, 0, again.stderr);
  assert.ok(Math.abs(JSON.parse(again.stdout).score - report.score) < 1e-9);

  const table = cli("tasks");
  assert.match(table.stdout, /a red cube/);
  const told = cli("report", task.id, "--validator", validatorHotkey);
  assert.equal(told.status, 0, told.stderr);
  assert.match(told.stdout, /sn17-seed/);
});

test("an asset for another prompt is rejected, and one that is none is refused with its code", async () => {
  await using subnet = await startSubnet();
  await subnet.startWorker();
  const cube = Buffer.from(writePly(generate({ prompt: "a red cube" }).splat));
  const wrong = await mine(subnet, "a blue cube", cube);
  assert.equal(wrong.feedback?.verdict, "rejected");
  const cut = await mine(subnet, "a red cube", cube.subarray(0, cube.length / 2));
  assert.match(cut.feedback?.reason ?? "", /^truncated: /);
  const text = await mine(subnet, "a red cube", Buffer.from("a red cube, I promise"));
  assert.match(text.feedback?.reason ?? "", /^unknown-format: /);
});
