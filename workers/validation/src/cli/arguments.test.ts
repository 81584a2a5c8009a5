import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments, UsageError } from "./arguments.ts";

const options = { elevation: { type: "string" }, json: { type: "boolean" } } as const;

test("a negative number is a value, with and without an equals sign", () => {
  for (const [argv, elevation] of [
    [["a.ply", "--elevation=-15"], "-15"],
    [["a.ply", "--elevation", "-15"], "-15"],
    [["--elevation", "-.5", "a.ply"], "-.5"],
    [["--elevation", "15", "a.ply"], "15"],
  ] as const) {
    const { values, positionals } = parseArguments(argv, options, ["ASSET"]);
    assert.deepEqual([values.elevation, [...positionals]], [elevation, ["a.ply"]]);
  }
});

test("what only looks like a negative value is none", () => {
  for (const argv of [
    ["a.ply", "--elevation", "--json"],
    ["a.ply", "--elevation", "-json"],
    ["a.ply", "--elevation"],
    ["a.ply", "--json", "-15"],
    ["a.ply", "--azimuth", "-15"],
  ]) {
    assert.throws(() => parseArguments(argv, options, ["ASSET"]), UsageError, argv.join(" "));
  }
  const { positionals } = parseArguments(["--", "--elevation", "-15"], options, ["ASSET", "OUT"]);
  assert.deepEqual([...positionals], ["--elevation", "-15"]);
});
