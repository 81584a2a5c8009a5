import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultFilterLimits } from "./filters/index.ts";
import type { PromptSource } from "./generators/index.ts";
import { JudgeError } from "./judge.ts";
import { createPipeline, type PipelineOptions } from "./pipeline.ts";

const never = new AbortController().signal;
const limits = { ...defaultFilterLimits, remembered: 1_000 };

/** Numbers of [0, 1) in turn, the same each time. */
function createTurns(): () => number {
  let turn = 0;
  return () => (turn++ * 0.618_033_988_7) % 1;
}

/** New prompts for ever in `good`, the same one for ever in `bad`. */
function createSource(): PromptSource {
  let count = 0;
  return {
    name: "test",
    categories: ["good", "bad"],
    draw: async (category) => [
      { text: category === "good" ? `a chair${++count} of oak${count}` : "a red cup", category },
    ],
  };
}

const options = (changes: Partial<PipelineOptions> = {}): PipelineOptions => ({
  ...{ sources: [createSource()], limits, random: createTurns() },
  onTrouble: (error) => assert.fail(String(error)),
  ...changes,
});

test("a category that gives nothing new is asked less and less", async () => {
  const pipeline = createPipeline(options());
  for (let draw = 0; draw < 400; draw++) {
    await pipeline.next(never);
  }
  const { good, bad } = Object.fromEntries(pipeline.statistics.byCategory());
  assert.ok(good !== undefined && bad !== undefined);
  assert.equal(bad.kept, 1);
  assert.equal(good.kept, good.drafted);
  assert.ok(good.drafted > 3 * bad.drafted, `${good.drafted} ${bad.drafted}`);
});

test("what is judged too low is dropped, and a judge in trouble says nothing of the prompt", async () => {
  const troubles: unknown[] = [];
  const scores = [0.9, 0.59, 0.6];
  const judge = {
    async score() {
      const score = scores.shift();
      if (score === undefined) {
        throw new JudgeError("no model");
      }
      return score;
    },
  };
  const source = { ...createSource(), categories: ["good"] };
  const onTrouble = (error: unknown) => void troubles.push(error);
  const pipeline = createPipeline(options({ sources: [source], judge, onTrouble }));
  const kept = [];
  for (let draw = 0; draw < 4; draw++) {
    kept.push(...(await pipeline.next(never)));
  }
  assert.deepEqual(
    kept.map(({ prompt, score }) => [prompt, score]),
    [
      ["a chair1 of oak1", 0.9],
      ["a chair3 of oak3", 0.6],
    ],
  );
  assert.equal(troubles.length, 1);
  const { judged, accepted } = pipeline.statistics.byCategory().get("good") ?? {};
  assert.deepEqual([judged, accepted], [3, 2]);
});

test("each prompt comes in several styles where that is wanted, and none that is known already", async () => {
  const source = { ...createSource(), categories: ["good"] };
  const known = ["a chair1 of oak1"];
  const pipeline = createPipeline(options({ sources: [source], styles: 2, known }));
  const kept = (await pipeline.next(never)).map(({ prompt }) => prompt);
  assert.equal(kept.length, 2);
  for (const prompt of kept) {
    assert.match(prompt, /^a chair1 of oak1 (?:in|as|made|carved|knitted|cast) /);
  }
});
