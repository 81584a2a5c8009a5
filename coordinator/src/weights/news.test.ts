import assert from "node:assert/strict";
import { test } from "node:test";
import { createWeightsBoard } from "./index.ts";

const place = { netuid: 17, validator: "V" };

test("what stands against weights is known until they are set", () => {
  const board = createWeightsBoard();
  assert.deepEqual(board.of(17, "V").dueBlock, undefined);
  board.seen({ ...place, kind: "barred", reason: "no permit" });
  board.seen({ ...place, kind: "foreign", block: 7 });
  board.seen({ ...place, kind: "age", blocks: 250, block: 1_250, intervalBlocks: 100 });
  const { barred, lateBlocks, dueBlock, foreign } = board.of(17, "V");
  assert.deepEqual([barred, lateBlocks, dueBlock], ["no permit", 150, 1_100]);
  assert.match(foreign ?? "", /in block 7/);
  assert.equal(board.of(18, "V").barred, undefined, "each place has its own");

  board.seen({ ...place, kind: "none", reason: "no reward yet" });
  assert.deepEqual(
    [board.of(17, "V").barred, board.of(17, "V").nothing],
    [undefined, "no reward yet"],
  );
  const failed = { kind: "failed", message: "away" } as const;
  board.seen({ ...place, kind: "attempt", outcome: failed, count: 1, block: 9 });
  assert.ok(board.of(17, "V").foreign !== undefined, "it failed, so nothing is better");
  board.seen({ ...place, kind: "attempt", outcome: { kind: "unchanged" }, count: 1, block: 9 });
  board.seen({ ...place, kind: "age", blocks: 0, block: 1_260, intervalBlocks: 100 });
  assert.deepEqual(board.of(17, "V"), {
    ...{ dueBlock: 1_360, lateBlocks: 0, barred: undefined, nothing: undefined },
    foreign: undefined,
  });
});

test("weights that the chain lost are told with why, late ones as late", () => {
  const board = createWeightsBoard();
  board.seen({ ...place, kind: "missing", block: 5, reason: "they were not revealed" });
  board.seen({ ...place, kind: "late", blocks: 300, reason: "x", isIdle: false });
  assert.match(board.of(17, "V").foreign ?? "", /that it took: they were not revealed/);
  assert.equal(board.of(17, "V").lateBlocks, 300);
});
