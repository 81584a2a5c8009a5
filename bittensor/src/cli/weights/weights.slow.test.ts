import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const bin = new URL("../../../bin/bittensor-weights", import.meta.url).pathname;

function run(input: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(bin, args, { input, encoding: "utf8" });
  return { status, stdout, stderr };
}

test("shows each step from rewards to what would be sent", () => {
  const { status, stdout } = run('{"0": 0, "7": 12.5, "9": 3}', "-", "--neurons", "16");
  assert.equal(status, 0);
  assert.match(stdout, /2 rewards above zero/);
  assert.match(stdout, /^ +7 +12\.5000 +0\.806452 +65535$/m);
  assert.match(stdout, /^ +9 +3\.0000 +0\.193548 +15728$/m);
});

test("pads by uid where too few have rewards, as validators do", () => {
  const args = ["-", "--neurons", "10", "--min-allowed", "3"];
  const { status, stdout } = run('{"7": 12.5, "9": 3}', ...args);
  assert.equal(status, 0);
  assert.match(stdout, /every neuron gets a trace/);
  assert.match(stdout, /^ +7 +12\.5000 +\S+ +65535$/m);
  assert.match(stdout, /^ +9 +3\.0000 +\S+ +15728$/m);
});

test("refuses what it cannot read, each with one line", () => {
  for (const [input, args, status, message] of [
    ['{"7": "much"}', ["-"], 2, /uid 7 is no number/],
    ["{", ["-"], 1, /JSON/],
    ["7", ["-"], 2, /no JSON object/],
    ['{"7": 1}', ["-", "--neurons", "7"], 2, /uid 7 is beyond the 7 neurons/],
    ["{}", [], 2, /one FILE/],
    ["{}", ["-", "--neurons", "x"], 2, /"x" is no whole number/],
    ["{}", ["-", "--max-limit", "65536"], 2, /max-limit: "65536" is no whole number up to 65535/],
    ["", ["/no/such/file"], 1, /no such file/],
  ] as const) {
    const result = run(input, ...args);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, message);
    assert.equal(result.stderr.trim().split("\n").length, 1);
  }
});
