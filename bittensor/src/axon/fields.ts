/** From an opened body to the fields of its class, with the checks that the Python axon makes. */
import {
  bodyHash,
  FieldError,
  isJsonObject,
  type Json,
  parseJson,
  parseSynapse,
  type Synapse,
} from "../synapse/index.ts";
import { readTerminal } from "../synapse/terminal.ts";
import type { RequestHead } from "./request.ts";

export type ParsedFields =
  | {
      readonly kind: "parsed";
      readonly fields: { readonly [field: string]: unknown };
      readonly totalSize: Json;
    }
  | { readonly kind: "impostor"; readonly message: string }
  /** JSON that is no such synapse, or not the one that was signed. */
  | { readonly kind: "misfit"; readonly message: string };

/** Names that a body is asked for: of the class, and of every synapse. */
export function askedFields(synapse: Synapse): readonly string[] {
  return ["dendrite", "axon", "total_size", ...Object.keys(synapse.fields)];
}

/** @param text JSON of an object */
export function parseFields(
  text: string,
  synapse: Synapse,
  head: RequestHead,
  hotkey: string,
): ParsedFields {
  const json = parseJson(text);
  if (!isJsonObject(json)) {
    return { kind: "misfit", message: "the body is not a JSON object" };
  }
  const named = isJsonObject(json.dendrite) ? json.dendrite.hotkey : undefined;
  if (named !== undefined && named !== null && named !== hotkey) {
    return { kind: "impostor", message: "The body names another hotkey than the headers" };
  }
  try {
    // Nothing of them is used, but a caller who gets them wrong learns it here, as from the Python axon
    readTerminal(json.dendrite, "dendrite");
    readTerminal(json.axon, "axon");
    const fields = parseSynapse(synapse, json);
    const hash = bodyHash(synapse, fields);
    if (hash !== head.computedBodyHash) {
      return {
        kind: "misfit",
        message: `Hash mismatch between header body hash ${head.computedBodyHash} and parsed body hash ${hash}`,
      };
    }
    const size = json.total_size;
    return { kind: "parsed", fields, totalSize: typeof size === "number" ? size : 0 };
  } catch (error) {
    if (error instanceof FieldError) {
      return { kind: "misfit", message: error.message };
    }
    throw error;
  }
}
