import { isPattern, type Scene, type Thing } from "./scene.ts";
import { type Count, counts, pluralOf } from "./vocabulary.ts";

/** The scene in words; `parsePrompt` gives the same scene back. */
export function formatScene(scene: Scene): string {
  switch (scene.kind) {
    case "single":
      return withArticle(describe(scene.thing, scene.thing.noun));
    case "relation":
      return [
        withArticle(describe(scene.first, scene.first.noun)),
        scene.relation,
        withArticle(describe(scene.second, scene.second.noun)),
      ].join(" ");
    case "stack":
      return `a stack of ${countWord(scene.count)} ${describe(scene.thing, pluralOf(scene.thing.noun))}`;
  }
}

function describe({ size, colour, secondColour, material }: Thing, noun: string): string {
  const colourWords =
    isPattern(material) && secondColour !== undefined ? `${colour} and ${secondColour}` : colour;
  // As one says it: "a glossy red mug", but "a red metal mug".
  const before = material === "glossy" || material === "matte";
  return [size, before && material, colourWords, !before && material, noun]
    .filter((word) => word !== undefined && word !== false)
    .join(" ");
}

function withArticle(words: string): string {
  return `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;
}

function countWord(count: Count): string {
  return counts[count - 2] ?? "two";
}
