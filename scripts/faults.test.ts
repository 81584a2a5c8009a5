/** Each known fault of the subnet's validators has a test that names its number, and each known cheat one, too. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./workspaces.ts";

const faults = [
  "the first of several copies won, whatever the others scored",
  "a failed copy kept its slot, and four of them starved the task",
  "one result could be rewarded twice while its validation ran",
  "a uid with another hotkey inherited the old one's window",
  "a dead validation service paid everybody 0.75",
  "a crash while scoring was answered with score 0",
  "a wrong task or signature cost nothing",
  "rejected work left the average as it was",
  "cameras were random without a seed",
  "state was written every ten minutes or not at all",
  "the hotkey in the body was trusted",
  "an empty signature was accepted",
  "the prompt service did not check the nonce",
  "nonces were in memory only",
  "with nobody rewarded everybody got the same weight",
];
const cheats = [
  "white geometry on the white ground",
  "one flat card",
  "right from the front only",
  "splats that nobody sees",
  "the same asset again",
  "text written on the object",
];
const files = ["{process,bus,bittensor,coordinator,workers/*,test}/**/*.test.ts"];
const sources = globSync(files, { cwd: root, exclude: ["**/node_modules/**"] })
  .map((file) => readFileSync(join(root, file), "utf8"))
  .join("\n");

for (const [index, fault] of faults.entries()) {
  test(`a test is named after fault ${index + 1}: ${fault}`, () => {
    assert.match(sources, new RegExp(`"fault ${index + 1}: `));
  });
}

for (const cheat of cheats) {
  test(`a test shows what comes of the cheat: ${cheat}`, () => {
    assert.ok(sources.includes(`"cheat: ${cheat}`));
  });
}
