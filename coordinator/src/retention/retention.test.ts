import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, dayMs, hourMs, openRetention as open } from "../../test/retention.ts";
import { rules } from "../../test/rules.ts";

const none = { assets: 0, tasks: 0, orphans: 0 };

test("a result is kept long, everything else shortly, and what waits for its verdict always", async () => {
  using opened = await open();
  const { subnet, retention } = opened;
  const result = await opened.score(0.9, 0, "organic", bytesOf("result"));
  const rejected = await opened.score(0.1, 0, "organic", bytesOf("rejected"));
  const synthetic = await opened.score(0.9, 0, "synthetic", bytesOf("synthetic"));
  const waiting = await subnet.submit(subnet.ask("a cup", 0), "B", 0, bytesOf("waiting"));
  retention.added(waiting.assetSizeBytes);
  assert.deepEqual(await retention.step(dayMs - 1), none);
  assert.deepEqual(await retention.step(dayMs), { ...none, assets: 2 });
  assert.equal(retention.assetBytes(), 20);
  const kept = (id: string) => subnet.submissions.get(id)?.assetKept;
  assert.deepEqual(
    [result, rejected, synthetic, waiting].map(({ id }) => kept(id)),
    [...[true, false, false, true]],
  );
  assert.deepEqual(opened.files().toSorted(), [result.assetSha256, waiting.assetSha256].toSorted());
  await retention.step(30 * dayMs);
  assert.deepEqual(opened.files(), [waiting.assetSha256]);
  assert.equal(retention.assetBytes(), 10);
});

test("bytes that two submitted stay until neither needs them", async () => {
  using opened = await open();
  await opened.score(0.1, 0, "organic", bytesOf("same"));
  const later = await opened.score(0.1, hourMs, "organic", bytesOf("same"));
  await opened.retention.step(dayMs);
  assert.deepEqual(opened.files(), [later.assetSha256]);
  await opened.retention.step(dayMs + hourMs);
  assert.deepEqual(opened.files(), []);
});

test("above the bound the oldest go first, results after all others", async () => {
  using opened = await open({ assetBytes: 25 });
  const { retention } = opened;
  const old = await opened.score(0.9, 0, "organic", bytesOf("a"));
  const young = await opened.score(0.9, 1, "organic", bytesOf("b"));
  await opened.score(0.1, 2, "organic", bytesOf("c"));
  assert.deepEqual(await retention.step(3), { ...none, assets: 1 });
  assert.deepEqual(opened.files().toSorted(), [old.assetSha256, young.assetSha256].toSorted());
  const third = await opened.score(0.9, 3, "organic", bytesOf("d"));
  await retention.step(4);
  assert.deepEqual(opened.files().toSorted(), [young.assetSha256, third.assetSha256].toSorted());
  assert.equal(retention.assetBytes(), 20);
});

test("a task leaves with all that belongs to it; what the window counts stays", async () => {
  using opened = await open({ syntheticTaskMs: 0 });
  const { subnet, retention } = opened;
  const { taskId, id } = await opened.score(0.9, 0, "synthetic");
  assert.deepEqual(await retention.step(rules.windowMs - 1), none, "within the window");
  const before = subnet.miners.get("A", rules.windowMs - 1);
  assert.deepEqual(await retention.step(rules.windowMs), { ...none, tasks: 1 });
  assert.equal(subnet.tasks.get(taskId), undefined);
  assert.deepEqual(subnet.tasks.events(taskId, 0), []);
  assert.deepEqual([subnet.submissions.get(id), subnet.reports.get(id)], [undefined, undefined]);
  assert.deepEqual(opened.files(), [], "its asset, too, which was due by itself only later");
  assert.equal(retention.assetBytes(), 0);
  assert.deepEqual(subnet.miners.get("A", rules.windowMs - 1), before);
  assert.equal(subnet.submissions.applyResult(subnet.scored(id, 0.9), dayMs).kind, "unknown");
  await retention.step(rules.windowMs + dayMs);
  assert.equal(subnet.store.get("SELECT * FROM observations"), undefined);
});

test("a duplicate is told for as long as its window is, whatever was removed of its original", async () => {
  const limits = { databaseBytes: 0, syntheticTaskMs: 0, otherAssetMs: 0 };
  using opened = await open(limits, { duplicateWindowMs: dayMs });
  const { subnet, retention } = opened;
  const bytes = bytesOf("the very bytes");
  await opened.score(0.9, 0, "synthetic", bytes);
  assert.deepEqual(await retention.step(dayMs - 1), { ...none, assets: 1 });
  const again = await subnet.submit(subnet.ask("a cup", 1), "B", dayMs - 1, bytes);
  assert.equal(again.feedback?.verdict, "duplicate");
  assert.deepEqual((await retention.step(dayMs)).tasks, 1);
});

test("a task with an assignment that has not ended stays", async () => {
  using opened = await open({ organicTaskMs: 0 });
  const { subnet, retention } = opened;
  const taskId = subnet.ask("a cup", 0);
  subnet.tasks.assign(taskId, "B", 0);
  const { id } = await subnet.submit(taskId, "A", 0);
  subnet.submissions.applyResult(subnet.scored(id, 0.9), 0);
  const slow = subnet.tasks.latestAssignment("B", taskId) ?? assert.fail();
  subnet.tasks.markSubmitted(slow.id, 1);
  subnet.tasks.expire(rules.taskTimeoutMs);
  assert.ok(subnet.tasks.get(taskId)?.endedAt);
  assert.deepEqual((await retention.step(dayMs)).tasks, 0);
  subnet.tasks.applyVerdict(slow.id, { kind: "system-fault" }, dayMs);
  assert.deepEqual((await retention.step(dayMs + 1)).tasks, 1);
});

test("above its bound the database loses the oldest tasks, synthetic ones first", async () => {
  using opened = await open({ databaseBytes: 0 });
  const organic = await opened.score(0.9, 0, "organic");
  const synthetic = await opened.score(0.9, 1, "synthetic");
  await opened.retention.step(rules.windowMs + 1);
  assert.equal(opened.subnet.tasks.get(synthetic.taskId), undefined);
  assert.ok(opened.subnet.tasks.get(organic.taskId));
  await opened.retention.step(rules.windowMs + 2);
  assert.equal(opened.subnet.tasks.get(organic.taskId), undefined);
});

test("files that belong to nothing are swept, at first and once an hour", async () => {
  using opened = await open();
  const { subnet, retention } = opened;
  const orphan = (text: string) =>
    writeFileSync(join(subnet.assetsDir, text.repeat(64)), "nobody's");
  const { assetSha256 } = await opened.score(0.9, 0, "organic");
  orphan("a");
  assert.deepEqual(await retention.step(0), { ...none, orphans: 1 });
  orphan("b");
  assert.deepEqual(await retention.step(hourMs - 1), none);
  using saved = await subnet.assets.save(bytesOf("its row is still to come"));
  assert.deepEqual(await retention.step(hourMs), { ...none, orphans: 1 });
  assert.deepEqual(opened.files().toSorted(), [assetSha256, saved.sha256].toSorted());
});

test("space that became free is given back to the disk", async () => {
  using opened = await open({ syntheticTaskMs: 0 });
  const { subnet, retention } = opened;
  const file = (): number => {
    subnet.store.get("PRAGMA wal_checkpoint(TRUNCATE)");
    return statSync(join(subnet.directory, "coordinator.sqlite")).size;
  };
  for (let n = 0; n < 60; n++) {
    await opened.score(0.9, n, "synthetic");
  }
  subnet.store.run("UPDATE tasks SET prompt = ?", "x".repeat(100_000));
  const before = file();
  for (let n = 0; n < 10; n++) {
    await retention.step(rules.windowMs + n * 1_000 + 100);
  }
  assert.ok(file() < before / 3, `${before} bytes became ${file()}`);
});

test("which prompts a miner was lent is forgotten after the window", async () => {
  using opened = await open();
  const { tasks } = opened.subnet;
  tasks.assignSynthetic("a red cube", "A", 0);
  tasks.assignSynthetic("a blue ball", "A", hourMs);
  await opened.retention.step(8 * hourMs);
  assert.deepEqual([...tasks.promptsLent("A").keys()], ["a blue ball"]);
  tasks.assignSynthetic("a blue ball", "A", 2 * hourMs);
  await opened.retention.step(9 * hourMs);
  assert.deepEqual([...tasks.promptsLent("A")], [["a blue ball", 2 * hourMs]]);
});
