import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatBytes,
  formatDuration,
  formatPercent,
  formatRelative,
  formatReward,
  plural,
  shorten,
} from "./format.ts";

test("durations have the two units that matter", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 ms"],
    [0.4, "< 1 ms"],
    [340.4, "340 ms"],
    [1_000, "1.0 s"],
    [9_940, "9.9 s"],
    [9_960, "10 s"],
    [59_960, "1 min"],
    [200_000, "3 min 20 s"],
    [3_600_000, "1 h"],
    [7_500_000, "2 h 5 min"],
    [100 * 3_600_000, "4 d 4 h"],
  ];
  for (const [ms, text] of cases) {
    assert.equal(formatDuration(ms), text);
  }
});

test("relative times look both ways", () => {
  assert.equal(formatRelative(-12_300), "12 s ago");
  assert.equal(formatRelative(3 * 60_000 + 5), "in 3 min");
  assert.equal(formatRelative(-400), "now");
  assert.equal(formatRelative(-50 * 3_600_000), "2 d ago");
});

test("sizes never read as a thousand of a unit", () => {
  assert.equal(formatBytes(999), "999 B");
  assert.equal(formatBytes(1_500), "1.5 kB");
  assert.equal(formatBytes(999_970), "1.0 MB");
  assert.equal(formatBytes(13_107_200n), "13 MB");
});

test("small shares keep a digit, and rewards are readable at every size", () => {
  assert.equal(formatPercent(0), "0 %");
  assert.equal(formatPercent(0.004), "0.4 %");
  assert.equal(formatPercent(0.97), "97 %");
  assert.equal(formatReward(7.249), "7.25");
  assert.equal(formatReward(1_234.5), "1,235");
});

test("long names are shortened, and short ones are left alone", () => {
  assert.equal(shorten("5CJaow9dMmzjahoenFJiWTT8LkAfxz4qqYaMQkS7DMFxfxv4"), "5CJaow…fxv4");
  assert.equal(shorten("local"), "local");
  assert.equal(plural(1, "miner"), "1 miner");
  assert.equal(plural(2n, "copy", "copies"), "2 copies");
});
