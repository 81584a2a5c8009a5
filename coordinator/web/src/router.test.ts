import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRoute, pathOf, type Route } from "./router.ts";

const routes: readonly Exclude<Route, { readonly page: "missing" }>[] = [
  { page: "overview" },
  { page: "tasks" },
  { page: "task", id: "63351bf4-3f89-439f-8a6c-096e5d5b7f82" },
  { page: "task", id: "of a stranger/../?x#y%" },
  { page: "miner", hotkey: "5CJaow9dMmzjahoenFJiWTT8LkAfxz4qqYaMQkS7DMFxfxv4" },
  { page: "try" },
  { page: "viewer" },
  { page: "operator" },
];

test("each page has an address that leads back to it", () => {
  for (const route of routes) {
    assert.deepEqual(parseRoute(pathOf(route).replace("./", "")), route);
  }
});

test("a slash at the end changes nothing", () => {
  assert.deepEqual(parseRoute("tasks/"), { page: "tasks" });
  assert.deepEqual(parseRoute("miners/5C/"), { page: "miner", hotkey: "5C" });
});

test("addresses that mean no page are told apart", () => {
  for (const path of ["nothing", "tasks/a/b", "miners", "try/x", "miners/%zz"]) {
    assert.deepEqual(parseRoute(path), { page: "missing", path });
  }
});
