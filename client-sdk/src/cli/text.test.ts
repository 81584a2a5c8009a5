import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TaskState } from "@turntable/proto";
import {
  bar,
  formatBytes,
  formatDuration,
  printable,
  shorten,
  shortHotkey,
  table,
  taskStateName,
} from "./text.ts";

describe("text for people", () => {
  it("shows control characters instead of obeying them", () => {
    assert.equal(printable("a\u001b[2J\nb\u202e"), "a\\u{1b}[2J\\u{a}b\\u{202e}");
    assert.equal(printable("rød kube 红色 🧊"), "rød kube 红色 🧊");
  });

  it("shortens by characters, not by halves of them", () => {
    assert.equal(shorten("🧊🧊🧊", 3), "🧊🧊🧊");
    assert.equal(shorten("🧊🧊🧊🧊", 3), "🧊🧊…");
    assert.equal(shortHotkey("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"), "5Grwva…utQY");
    assert.equal(shortHotkey("short"), "short");
  });

  it("gives sizes and times a fitting unit", () => {
    assert.deepEqual([999, 1_500, 8_000_000n, 2.5e9].map(formatBytes), [
      "999 bytes",
      "1.5 kB",
      "8.0 MB",
      "2.5 GB",
    ]);
    assert.deepEqual([12, 8_500, 240_000, 9_000_000, 400_000_000].map(formatDuration), [
      "12 ms",
      "8.5 s",
      "4 min",
      "3 h",
      "5 d",
    ]);
  });

  it("draws a probability as a bar", () => {
    assert.equal([0, 0.49, 0.5, 1, 2, -1].map(bar).join(""), "▁▄▅██▁");
  });

  it("aligns columns and numbers", () => {
    assert.equal(
      table(
        ["NAME", "N"],
        [
          ["a", "1"],
          ["longer", "100"],
        ],
        ["N"],
      ),
      "NAME      N\na         1\nlonger  100\n",
    );
  });

  it("names states, also those of newer servers", () => {
    assert.equal(taskStateName(TaskState.SUCCEEDED), "succeeded");
    assert.equal(taskStateName(99), "state 99");
  });
});
