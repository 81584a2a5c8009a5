/** The same thing in other styles, as people ask for pictures of it. */
import type { Draft } from "./generators/index.ts";

export const styles = [
  ...["in low poly style", "as voxel art", "carved from wood", "made of clay", "as origami"],
  ...["in cartoon style", "knitted from wool", "in steampunk style", "cast in bronze"],
  ...["made of toy bricks", "in watercolour style", "in pixel art style"],
] as const;

/** The draft and `count` variants of it, each in another style. */
export function withStyles(draft: Draft, count: number, random: () => number): readonly Draft[] {
  const from = Math.floor(random() * styles.length);
  const variants = Array.from({ length: Math.min(count, styles.length) }, (_, index) => ({
    ...draft,
    text: `${draft.text} ${styles[(from + index) % styles.length]}`,
  }));
  return [draft, ...variants];
}
