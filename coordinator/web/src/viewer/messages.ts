/** What the page and the asset's worker say to each other. */
import type { ScoringRule } from "./scoring-rule.ts";

/** A picture to draw with the rasteriser that scores. */
export interface DrawOrder {
  readonly azimuthDeg: number;
  readonly elevationDeg: number;
  readonly radius: number;
  /** What the eye looks at. */
  readonly target: readonly [number, number, number];
  /** In pixels along an edge. */
  readonly size: number;
  /** Red, green, blue, 0 to 1. */
  readonly background: readonly [number, number, number];
  readonly rule: ScoringRule;
}

export type AssetRequest =
  | {
      readonly kind: "open";
      readonly id: number;
      readonly bytes: Uint8Array;
      readonly name: string;
    }
  /** The splats for the GPU, as a PLY. */
  | { readonly kind: "ply"; readonly id: number; readonly rule: ScoringRule }
  | { readonly kind: "draw"; readonly id: number; readonly order: DrawOrder };

export type AssetAnswer =
  | { readonly kind: "opened"; readonly id: number; readonly facts: AssetFacts }
  | { readonly kind: "ply"; readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Four bytes a pixel, as canvases have them. */
  | { readonly kind: "drawn"; readonly id: number; readonly rgba: Uint8ClampedArray<ArrayBuffer> }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };

/** What is said of an asset beside its picture. */
export interface AssetFacts {
  readonly format: string;
  readonly sizeBytes: number;
  readonly count: number;
  readonly shDegree: number;
  /** What was taken for granted or left out, a sentence each. */
  readonly notes: readonly string[];
  readonly findings: readonly AssetFinding[];
  /** Around which nearly all that can be seen lies, and how far; in units. */
  readonly centre: readonly [number, number, number];
  readonly reach: number;
}

export interface AssetFinding {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
}
