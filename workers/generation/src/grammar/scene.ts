import type { Colour, Count, Material, Noun, Pattern, Relation, Size } from "./vocabulary.ts";

/** One thing of a prompt. What is left out is up to the engine: a tree is green, a cube is gray. */
export interface Thing {
  readonly noun: Noun;
  readonly colour?: Colour;
  readonly material?: Material;
  /** Beside `colour`, in a pattern. */
  readonly secondColour?: Colour;
  readonly size?: Size;
}

/** What a prompt asks for. */
export type Scene =
  | { readonly kind: "single"; readonly thing: Thing }
  | {
      readonly kind: "relation";
      readonly relation: Relation;
      readonly first: Thing;
      readonly second: Thing;
    }
  | { readonly kind: "stack"; readonly count: Count; readonly thing: Thing };

export function thingsOf(scene: Scene): readonly Thing[] {
  return scene.kind === "relation" ? [scene.first, scene.second] : [scene.thing];
}

export function isPattern(material: Material | undefined): material is Pattern {
  return material === "striped" || material === "dotted" || material === "checkered";
}
