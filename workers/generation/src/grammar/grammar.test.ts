import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  categories,
  colours,
  createRandom,
  formatScene,
  materials,
  objects,
  parsePrompt,
  primitives,
  type Scene,
  samplePrompt,
  sizes,
} from "./index.ts";

const thing = fc.record(
  {
    noun: fc.constantFrom(...primitives, ...objects),
    colour: fc.constantFrom(...colours),
    material: fc.constantFrom(...materials),
    size: fc.constantFrom(...sizes),
  },
  { requiredKeys: ["noun"], noNullPrototype: true },
);
const scene: fc.Arbitrary<Scene> = fc.oneof(
  fc.record({ kind: fc.constant("single" as const), thing }, { noNullPrototype: true }),
  fc.record(
    {
      kind: fc.constant("relation" as const),
      relation: fc.constantFrom("on top of" as const, "next to" as const, "inside" as const),
      first: thing,
      second: thing,
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      kind: fc.constant("stack" as const),
      count: fc.constantFrom(2 as const, 3 as const, 4 as const),
      thing,
    },
    { noNullPrototype: true },
  ),
);

test("every sampled prompt parses to the scene it came from, with no word left over", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), fc.constantFrom(...categories), (seed, category) => {
      const sampled = samplePrompt(createRandom(seed), category);
      assert.equal(sampled.category, category);
      assert.deepEqual(parsePrompt(sampled.prompt), { scene: sampled.scene, unknownWords: [] });
    }),
    { numRuns: 3000 },
  );
});

test("any scene at all survives the way through words", () => {
  fc.assert(
    fc.property(scene, (value) => {
      assert.deepEqual(parsePrompt(formatScene(value)), { scene: value, unknownWords: [] });
    }),
    { numRuns: 2000 },
  );
});

test("two colours of a pattern survive the way through words", () => {
  for (const material of ["striped", "dotted", "checkered"] as const) {
    for (const colour of colours) {
      for (const secondColour of colours.filter((other) => other !== colour)) {
        const value: Scene = {
          kind: "single",
          thing: { noun: "mug", colour, secondColour, material },
        };
        assert.deepEqual(parsePrompt(formatScene(value)), { scene: value, unknownWords: [] });
      }
    }
  }
});

test("sampled prompts keep the subnet's bounds: 5 to 100 characters", () => {
  const random = createRandom(1);
  for (let i = 0; i < 2000; i++) {
    const { prompt } = samplePrompt(random);
    assert.ok(prompt.length >= 5 && prompt.length <= 100, prompt);
  }
});

test("all nouns are sampled", () => {
  const random = createRandom(7);
  const seen = new Set<string>();
  for (let i = 0; i < 4000; i++) {
    const { scene: sampled } = samplePrompt(random);
    seen.add(sampled.kind === "relation" ? sampled.first.noun : sampled.thing.noun);
  }
  assert.deepEqual([...seen].toSorted(), [...primitives, ...objects].toSorted());
});

const single = (value: Extract<Scene, { kind: "single" }>["thing"]): Scene => ({
  kind: "single",
  thing: value,
});
const readings: readonly (readonly [string, Scene, readonly string[]])[] = [
  ["A shiny crimson Ball!", single({ noun: "sphere", colour: "red", material: "glossy" }), []],
  ["golden crown", single({ noun: "crown", colour: "yellow", material: "metal" }), []],
  ["polka-dot mug", single({ noun: "mug", material: "dotted" }), []],
  [
    "a blue and white striped cup",
    single({ noun: "mug", colour: "blue", secondColour: "white", material: "striped" }),
    [],
  ],
  ["a red wooden chair", single({ noun: "chair", colour: "red" }), ["wooden"]],
  ["a red and blue cube", single({ noun: "cube", colour: "red" }), ["blue"]],
  ["a snowman with a hat", single({ noun: "snowman" }), ["hat"]],
  ["quantum flux capacitor", single({ noun: "sphere" }), ["quantum", "flux", "capacitor"]],
  ["a cube on", single({ noun: "cube" }), ["on top of"]],
  ["", single({ noun: "sphere" }), []],
  ["hot air balloon", single({ noun: "balloon" }), []],
  ["three red cubes", { kind: "stack", count: 3, thing: { noun: "cube", colour: "red" } }, []],
  [
    "a kitten in a pail",
    { kind: "relation", relation: "inside", first: { noun: "cat" }, second: { noun: "bucket" } },
    [],
  ],
  [
    "a cube on a table next to a tree",
    { kind: "relation", relation: "on top of", first: { noun: "cube" }, second: { noun: "table" } },
    ["next to", "tree"],
  ],
];
for (const [prompt, expected, unknownWords] of readings) {
  test(`reads "${prompt}"`, () => {
    assert.deepEqual(parsePrompt(prompt), { scene: expected, unknownWords });
  });
}

test("any text at all is read without a throw, and what it says is reported or understood", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      parsePrompt(text);
    }),
  );
  assert.deepEqual(parsePrompt("__proto__ constructor").unknownWords, ["proto", "constructor"]);
});
