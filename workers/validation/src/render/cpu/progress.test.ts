import assert from "node:assert/strict";
import { test } from "node:test";
import {
  beginView,
  closeView,
  countTile,
  createProgress,
  endAll,
  openView,
  ownerOfOpen,
  takeNoMore,
  takeTile,
  takeView,
  waitForParts,
} from "./progress.ts";

test("each view and each of its tiles is taken once", () => {
  const progress = createProgress(2);
  assert.deepEqual([takeView(progress), takeView(progress), takeView(progress)], [0, 1, 2]);
  assert.deepEqual(
    [takeTile(progress, 0), takeTile(progress, 1), takeTile(progress, 1)],
    [0, 0, 1],
  );
});

test("only a view whose tiles can be drawn is helped with", () => {
  const progress = createProgress(2);
  assert.equal(ownerOfOpen(progress, 1), undefined);
  beginView(progress, 1, 3);
  openView(progress, 1);
  assert.equal(ownerOfOpen(progress, 1), 3);
  countTile(progress, 1);
  assert.equal(closeView(progress, 1, 1), true);
  assert.equal(ownerOfOpen(progress, 1), undefined);
});

test("a view that is drawn in parts waits for no tiles", () => {
  const progress = createProgress(1);
  beginView(progress, 0, 0);
  assert.equal(closeView(progress, 0, 256), true);
});

test("after a stop no view is left", () => {
  const progress = createProgress(5);
  takeNoMore(progress);
  assert.ok(takeView(progress) >= 5);
});

test("nobody waits for a thread that is gone", () => {
  const progress = createProgress(1);
  beginView(progress, 0, 1);
  endAll(progress);
  assert.equal(waitForParts(progress, 2), false);
  assert.equal(ownerOfOpen(progress, 0), undefined);
  openView(progress, 0);
  assert.equal(closeView(progress, 0, 1), false);
});
