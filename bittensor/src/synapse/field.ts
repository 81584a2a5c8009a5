/**
 * Types of synapse fields: how a value is read from JSON (with the leniency of pydantic that callers rely on), how it
 * counts in a body hash, and its zero value, which stands for it in the `bt_header_input_obj_*` headers.
 */
import { isJsonObject, type Json } from "./json.ts";
import { pythonFloat, pythonRepr, pythonStringRepr } from "./python.ts";

/** A value that does not fit its field. `path` names the field, e.g. `feedback.task_fidelity_score`. */
export class FieldError extends Error {
  override name = "FieldError";
  readonly path: string;
  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.path = path;
  }
}

export interface FieldType<T> {
  /** @throws FieldError */
  read(value: Json, path: string): T;
  /** As Python's `repr()` shows a value of this type: only the type tells the float 12.0 from the int 12. */
  pythonRepr(value: T): string;
  /** JSON text of the zero value of Python's runtime type; undefined where the value is null. */
  zeroText(value: T): string | undefined;
}

/** As Python's `str()` shows a value: as `repr()`, but texts as they are. */
export function pythonStr<T>(type: FieldType<T>, value: T): string {
  return typeof value === "string" ? value : type.pythonRepr(value);
}

/** A field: its type, and what it is when the sender leaves it out. */
export interface Field<T> {
  readonly type: FieldType<T>;
  readonly presence:
    | { readonly kind: "required" }
    | { readonly kind: "default"; readonly value: T }
    /** Left out by us as well when we have no value: for fields that only some protocol years have. */
    | { readonly kind: "optional" };
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The values of a set of fields; those of `optional` fields may be undefined. */
export type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

export function required<T>(type: FieldType<T>): Field<T> {
  return { type, presence: { kind: "required" } };
}

export function withDefault<T>(type: FieldType<T>, value: T): Field<T> {
  return { type, presence: { kind: "default", value } };
}

export function optional<T>(type: FieldType<T>): Field<T | undefined> {
  return {
    type: {
      read: (value, path) => type.read(value, path),
      pythonRepr: (value) => (value === undefined ? "None" : type.pythonRepr(value)),
      zeroText: (value) => (value === undefined ? undefined : type.zeroText(value)),
    },
    presence: { kind: "optional" },
  };
}

export const str: FieldType<string> = {
  read(value, path) {
    if (typeof value !== "string") {
      throw new FieldError(path, "must be a string");
    }
    return value;
  },
  pythonRepr: pythonStringRepr,
  zeroText: () => '""',
};

/** An integer within 2^53. */
export const int: FieldType<number> = {
  read(value, path) {
    const integer = readInteger(value, path);
    if (integer > Number.MAX_SAFE_INTEGER || integer < Number.MIN_SAFE_INTEGER) {
      throw new FieldError(path, "must be an integer below 2^53");
    }
    return Number(integer);
  },
  pythonRepr: (value) => String(value),
  zeroText: () => "0",
};

/** An integer of up to 64 bits, such as nanoseconds since 1970. */
export const bigint: FieldType<bigint> = {
  read(value, path) {
    const integer = readInteger(value, path);
    if (BigInt.asIntN(65, integer) !== integer) {
      throw new FieldError(path, "must be an integer of at most 64 bits");
    }
    return integer;
  },
  pythonRepr: (value) => value.toString(),
  zeroText: () => "0",
};

export const float: FieldType<number> = {
  read(value, path) {
    if (typeof value === "number") {
      return value;
    }
    if (typeof value === "bigint") {
      return Number(value);
    }
    if (typeof value === "string" && /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value)) {
      return Number(value);
    }
    throw new FieldError(path, "must be a number");
  },
  pythonRepr: pythonFloat,
  zeroText: () => "0.0",
};

export const bool: FieldType<boolean> = {
  read(value, path) {
    if (typeof value === "boolean") {
      return value;
    }
    if (value === 0 || value === 1) {
      return value === 1;
    }
    const word = typeof value === "string" ? value.toLowerCase() : "";
    if (["1", "t", "true", "y", "yes", "on"].includes(word)) {
      return true;
    }
    if (["0", "f", "false", "n", "no", "off"].includes(word)) {
      return false;
    }
    throw new FieldError(path, "must be true or false");
  },
  pythonRepr: (value) => (value ? "True" : "False"),
  zeroText: () => "false",
};

export function nullable<T>(type: FieldType<T>): FieldType<T | null> {
  return {
    read: (value, path) => (value === null ? null : type.read(value, path)),
    pythonRepr: (value) => (value === null ? "None" : type.pythonRepr(value)),
    zeroText: (value) => (value === null ? undefined : type.zeroText(value)),
  };
}

export function list<T>(type: FieldType<T>): FieldType<readonly T[]> {
  return {
    read(value, path) {
      if (!Array.isArray(value)) {
        throw new FieldError(path, "must be a list");
      }
      return value.map((entry: Json, index) => type.read(entry, `${path}.${index}`));
    },
    pythonRepr: (value) => `[${value.map((entry) => type.pythonRepr(entry)).join(", ")}]`,
    zeroText: () => "[]",
  };
}

/** Any JSON value, for what we hand on without looking inside. */
export const anyJson: FieldType<Json> = {
  read: (value) => value,
  pythonRepr,
  zeroText(value) {
    if (typeof value === "string") {
      return '""';
    }
    if (typeof value === "boolean") {
      return "false";
    }
    if (typeof value === "number" || typeof value === "bigint") {
      return "0";
    }
    if (value === null) {
      return undefined;
    }
    return Array.isArray(value) ? "[]" : "{}";
  },
};

/** A nested model; fields that it does not know are dropped, as pydantic does. */
export function model<F extends Fields>(fields: F): FieldType<Values<F>> {
  return {
    read(value, path) {
      if (!isJsonObject(value)) {
        throw new FieldError(path, "must be an object");
      }
      return readFields(fields, value, path);
    },
    pythonRepr(value) {
      const entries = Object.entries(fields).map(
        ([name, field]) => `${pythonStringRepr(name)}: ${field.type.pythonRepr(value[name])}`,
      );
      return `{${entries.join(", ")}}`;
    },
    zeroText: () => "{}",
  };
}

/** @throws FieldError naming the first field that is missing or does not fit. */
export function readFields<F extends Fields>(
  fields: F,
  object: { readonly [key: string]: Json },
  path = "",
): Values<F> {
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const at = path === "" ? name : `${path}.${name}`;
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    values[name] = value === undefined ? absent(field, at) : readPresent(field, value, at);
  }
  return values as Values<F>; // each entry was read by its own field
}

function readPresent(field: Field<unknown>, value: Json, path: string): unknown {
  // null for a field that only some protocol years have, and that is not nullable itself, counts as left out
  return value === null && field.presence.kind === "optional"
    ? undefined
    : field.type.read(value, path);
}

function absent(field: Field<unknown>, path: string): unknown {
  switch (field.presence.kind) {
    case "required":
      throw new FieldError(path, "is missing");
    case "default":
      return field.presence.value;
    case "optional":
      return undefined;
  }
}

function readInteger(value: Json, path: string): bigint {
  if (typeof value === "bigint") {
    return value;
  }
  if (typeof value === "number" && Number.isInteger(value)) {
    return BigInt(value);
  }
  if (typeof value === "string" && /^\s*[-+]?\d{1,40}(\.0+)?\s*$/.test(value)) {
    return BigInt(value.trim().replace(/\.0+$/, "").replace(/^\+/, ""));
  }
  throw new FieldError(path, "must be an integer");
}
