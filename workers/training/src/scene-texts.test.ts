import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  createRandom,
  formatScene,
  parsePrompt,
  samplePrompt,
} from "@turntable/generation/grammar";
import { isHeldOut } from "./held-out.ts";
import { sceneTexts } from "./scene-texts.ts";

test("a prompt is held out when its hash, as a big-endian integer, is divisible by 10", () => {
  const random = createRandom(3);
  let heldOut = 0;
  for (let i = 0; i < 2000; i++) {
    const { prompt } = samplePrompt(random);
    const hash = BigInt(`0x${createHash("sha256").update(prompt).digest("hex")}`);
    assert.equal(isHeldOut(prompt), hash % 10n === 0n, prompt);
    if (isHeldOut(prompt)) {
      heldOut++;
    }
  }
  assert.ok(heldOut > 120 && heldOut < 280, `${heldOut} of 2000`);
});

test("no text that is trained with is a held-out prompt; right texts say the scene, wrong ones do not", () => {
  const random = createRandom(11);
  for (let i = 0; i < 3000; i++) {
    const { scene, prompt } = samplePrompt(random);
    const { right, wrong } = sceneTexts(scene, random);
    for (const text of [...right.map((each) => each.text), ...wrong]) {
      assert.ok(!isHeldOut(text), text);
    }
    for (const { text } of right) {
      const { scene: read } = parsePrompt(text);
      const exact = formatScene(read) === prompt;
      // A text about a single thing may say less of it, as long as it names the thing.
      const less = read.kind === "single" && scene.kind === "single";
      assert.ok(exact || (less && read.thing.noun === scene.thing.noun), `${text} of ${prompt}`);
    }
    for (const text of wrong) {
      const { scene: read, unknownWords } = parsePrompt(text);
      // The engine makes a sphere of a prompt that names nothing.
      const unnamed = /sphere/.test(prompt) && !/sphere|ball|orb|globe/.test(text);
      const same = formatScene(read) === prompt && unknownWords.length === 0;
      assert.ok(!same || unnamed, `${text} of ${prompt}`);
    }
  }
});

test("a picture of nothing has no right text", () => {
  const { right, wrong, shows } = sceneTexts(null, createRandom(1));
  assert.deepEqual([right, new Set(shows)], [[], new Set([0])]);
  assert.ok(wrong.length >= 5);
});
