/** JSON inside assets: read as `unknown`, with an AssetError for whatever is not as it should be. */
import { AssetError } from "./splat.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws AssetError `malformed` */
export function parseJson(bytes: Uint8Array, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AssetError("malformed", `${what} is not JSON`, { cause });
  }
  return object(value, what);
}

export function object(value: unknown, what: string): JsonObject {
  if (isObject(value)) {
    return value;
  }
  throw new AssetError("malformed", `${what} is no object`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Empty when it is absent. */
export function list(value: unknown, what: string): readonly unknown[] {
  if (value === undefined) {
    return [];
  }
  if (Array.isArray(value)) {
    return value;
  }
  throw new AssetError("malformed", `${what} is no list`);
}

/** A count, a place or an index. */
export function whole(value: unknown, what: string, fallback?: number): number {
  const number = value === undefined ? fallback : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) {
    return number;
  }
  throw new AssetError("malformed", `${what} is no whole number`);
}

/** Finite ones. */
export function numbers(value: unknown, length: number, what: string): readonly number[] {
  const values = list(value, what);
  const areNumbers = values.every((one) => typeof one === "number" && Number.isFinite(one));
  if (values.length !== length || !areNumbers) {
    throw new AssetError("malformed", `${what} is no list of ${length} numbers`);
  }
  return values.map(Number);
}

export function text(value: unknown, what: string): string {
  if (typeof value === "string") {
    return value;
  }
  throw new AssetError("malformed", `${what} is no text`);
}
