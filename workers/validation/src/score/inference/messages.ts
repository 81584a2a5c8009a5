/** What the caller's thread and the inference thread say to each other. */
import type { RgbImage } from "../../render/index.ts";
import type { ModelErrorCode } from "../errors.ts";

/** One piece of work; each is answered once, in order. */
export type InferenceRequest =
  | { readonly kind: "embedTexts"; readonly texts: readonly (readonly number[])[] }
  | { readonly kind: "embedImages"; readonly images: readonly RgbImage[] }
  | {
      readonly kind: "compare";
      readonly images: readonly RgbImage[];
      readonly texts: readonly (readonly number[])[];
    };

/** Sent instead of a request to end the thread. */
export const closeRequest = "close";

export type InferenceMessage =
  | {
      readonly kind: "ready";
      readonly layout: "split" | "combined";
      readonly executionProvider: string;
    }
  | { readonly kind: "rows"; readonly rows: readonly Float32Array[] }
  /** The code is that of a ModelError, if it was one: classes do not cross threads. */
  | {
      readonly kind: "failed";
      readonly message: string;
      readonly code: ModelErrorCode | undefined;
    };
