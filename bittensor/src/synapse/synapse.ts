/**
 * A synapse: one message class of a subnet, its fields in the order of declaration, and which of them its body hash
 * covers. One definition serves callers and servers, and all protocol years of a class where they can be united.
 */
import { sha3_256 } from "@noble/hashes/sha3.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { type Fields, pythonStr, readFields, type Values } from "./field.ts";
import type { Json } from "./json.ts";

export interface Synapse<F extends Fields = Fields> {
  /** The Python class name: the path, and the header `name`. */
  readonly name: string;
  readonly fields: F;
  /** Names of the fields that the body hash covers, in its order. */
  readonly hashed: readonly string[];
  /** Seconds a caller allows, when it says nothing else. */
  readonly timeoutS: number;
  /** The longest request or answer body, in bytes. */
  readonly maxBodyBytes: number;
  /** Fields that a server sends back as their zero value, because the caller knows them and they are large. */
  readonly blanked: readonly string[];
  /**
   * Name of a field of base64 that a server takes out of the body as bytes, instead of having it as text; it can't be a
   * hashed one. Undefined when there is none.
   */
  readonly payload: string | undefined;
}

/** The parsed fields of a message. */
export type ValuesOf<S> = S extends Synapse<infer F> ? Values<F> : never;
/** What an author of a message gives: required fields, and of the others those that differ from their defaults. */
export type InputOf<S> = S extends Synapse<infer F> ? Input<F> : never;
export type Input<F extends Fields> = Partial<Values<F>>;

/** 1 MiB: every class that carries no asset stays far below. */
const defaultBodyBytes = 1 << 20;

/** Callers of the Python SDK wait this long by default. */
const defaultTimeoutS = 12;

export function defineSynapse<F extends Fields>(
  name: string,
  fields: F,
  options: Partial<Pick<Synapse<F>, "hashed" | "timeoutS" | "maxBodyBytes" | "blanked">> = {},
): Synapse<F> {
  return {
    name,
    fields,
    hashed: options.hashed ?? [],
    timeoutS: options.timeoutS ?? defaultTimeoutS,
    maxBodyBytes: options.maxBodyBytes ?? defaultBodyBytes,
    blanked: options.blanked ?? [],
    payload: undefined,
  };
}

/** @throws FieldError naming the first field that is missing or does not fit. */
export function parseSynapse<F extends Fields>(
  synapse: Synapse<F>,
  body: { readonly [key: string]: Json },
): Values<F> {
  return readFields(synapse.fields, body);
}

/** The fields of a message with defaults filled in. @throws FieldError when a required one is missing. */
export function completeFields<F extends Fields>(synapse: Synapse<F>, input: Input<F>): Values<F> {
  return readFields(synapse.fields, input as { readonly [key: string]: Json });
}

/**
 * `computed_body_hash`: SHA3-256 over the concatenated hex hashes of the hashed fields, each as Python's `str()` shows
 * it; of nothing when there are none, so most bodies are not covered by any signature.
 */
export function bodyHash<F extends Fields>(synapse: Synapse<F>, values: Values<F>): string {
  if (synapse.hashed.length === 0) {
    return emptyBodyHash;
  }
  const parts = synapse.hashed.map((name) => {
    const field = synapse.fields[name];
    return hashText(field === undefined ? "None" : pythonStr(field.type, values[name]));
  });
  return hashText(parts.join(""));
}

/** The values of the `bt_header_input_obj_<field>` headers: zero values of the required fields, in base64. */
export function zeroHeaders<F extends Fields>(
  synapse: Synapse<F>,
  values: Values<F>,
): readonly (readonly [field: string, value: string])[] {
  return Object.entries(synapse.fields).flatMap(([name, field]) => {
    if (field.presence.kind !== "required") {
      return [];
    }
    const zero = field.type.zeroText(values[name]);
    return zero === undefined ? [] : [[name, Buffer.from(zero).toString("base64")] as const];
  });
}

/** SHA3-256 of nothing: the body hash of classes without hashed fields. */
export const emptyBodyHash = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a";

function hashText(text: string): string {
  return bytesToHex(sha3_256(Buffer.from(text, "utf8")));
}
