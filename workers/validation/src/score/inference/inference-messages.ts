/** What the caller's thread and the inference thread say to each other. */
import type { RgbImage } from "../../render/index.ts";
import type { ModelErrorCode } from "../errors.ts";
import type { Provider } from "./graph.ts";
import type { Placement } from "./placement.ts";

/** One piece of work; each is answered once, in order. */
export type InferenceRequest =
  | { readonly kind: "embedTexts"; readonly texts: readonly (readonly number[])[] }
  | { readonly kind: "embedImages"; readonly images: readonly RgbImage[] }
  | {
      readonly kind: "compare";
      readonly images: readonly RgbImage[];
      readonly texts: readonly (readonly number[])[];
    };

/** What is known of a model once it is loaded. */
export interface ReadyModel {
  readonly layout: "split" | "combined";
  readonly executionProvider: Provider;
  readonly placement: Placement;
}

/** Sent instead of a request to end the thread. */
export const closeRequest = "close";

export type InferenceMessage =
  | { readonly kind: "ready"; readonly ready: ReadyModel }
  | { readonly kind: "rows"; readonly rows: readonly Float32Array[] }
  /** The code is that of a ModelError, if it was one: classes do not cross threads. */
  | {
      readonly kind: "failed";
      readonly message: string;
      readonly code: ModelErrorCode | undefined;
    };
