/**
 * JSON without loss of integers: `dendrite.nonce` and `submit_time` have 19 digits, which JSON.parse alone would
 * round. Integers above 2^53 become bigint; a bigint is written as a plain integer token.
 */

/** What `parseJson` gives and `stringifyJson` takes. */
export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

declare global {
  // In Node 24 (ECMAScript's "JSON.parse source text access"), not yet in TypeScript's lib.
  interface JSON {
    rawJSON(text: string): unknown;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/** @throws SyntaxError as JSON.parse. `NaN` and `Infinity`, which Python writes and reads, are refused. */
export function parseJson(text: string): Json {
  const value = JSON.parse(text, (_key, value: unknown, { source }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined
      ? exactInteger(source, value)
      : value,
  );
  return value as Json; // JSON.parse makes nothing else, and the reviver adds bigint only
}

/** Compact, raw UTF-8; object entries that are undefined are left out. */
export function stringifyJson(value: Json | { readonly [key: string]: Json | undefined }): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    typeof entry === "bigint" ? JSON.rawJSON(entry.toString()) : entry,
  );
}

export function isJsonObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function exactInteger(source: string, value: number): number | bigint {
  // 40 digits: far above any 64-bit field; longer ones stay rounded instead of costing quadratic time
  return /^-?\d{1,40}$/.test(source) ? BigInt(source) : value;
}
