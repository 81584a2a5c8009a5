import assert from "node:assert/strict";
import { test } from "node:test";
import { createTurns } from "./turns.ts";

test("who was served goes to the end; who was passed over keeps its place", () => {
  const turns = createTurns();
  assert.deepEqual(turns.order(["a", "b", "c"]), ["a", "b", "c"]);
  turns.served("b"); // nothing of a's fitted
  assert.deepEqual(turns.order(["c", "b", "a"]), ["a", "c", "b"]);
});

test("who is new waits a round, and who has left has no place any more", () => {
  const turns = createTurns();
  turns.order(["a", "b"]);
  turns.served("a");
  assert.deepEqual(turns.order(["a", "b", "new"]), ["b", "a", "new"]);
  assert.deepEqual(turns.order(["a", "new"]), ["a", "new"]);
  assert.deepEqual(turns.order(["a", "b", "new"]), ["a", "new", "b"]);
  turns.served("nobody");
  assert.deepEqual(turns.order(["a", "b", "new"]), ["a", "new", "b"]);
});
