/** One end of a call, as headers (`bt_header_axon_*`, `bt_header_dendrite_*`) and bodies describe it. */
import {
  bigint,
  type Field,
  FieldError,
  float,
  int,
  nullable,
  pythonStr,
  readFields,
  str,
  type Values,
  withDefault,
} from "./field.ts";
import { isJsonObject, type Json } from "./json.ts";

const nothing = <T>(type: Parameters<typeof nullable<T>>[0]): Field<T | null> =>
  withDefault(nullable(type), null);

/** In the order of the SDK, which is the order of the headers. */
export const terminalFields = {
  status_code: nothing(int),
  status_message: nothing(str),
  /** Seconds. */
  process_time: nothing(float),
  ip: nothing(str),
  port: nothing(int),
  version: nothing(int),
  nonce: nothing(bigint),
  uuid: nothing(str),
  hotkey: nothing(str),
  /** 0x and 128 hex digits. */
  signature: nothing(str),
};

export type Terminal = Values<typeof terminalFields>;

export function terminal(known: Partial<Terminal>): Terminal {
  return { ...emptyTerminal, ...known };
}

const emptyTerminal: Terminal = {
  status_code: null,
  status_message: null,
  process_time: null,
  ip: null,
  port: null,
  version: null,
  nonce: null,
  uuid: null,
  hotkey: null,
  signature: null,
};

/** The entries that are not null, as header names and values. */
export function terminalHeaders(
  side: "axon" | "dendrite",
  end: Terminal,
): readonly (readonly [name: string, value: string])[] {
  return Object.entries(terminalFields).flatMap(([name, field]) => {
    const value: Json = end[name as keyof Terminal]; // the keys of terminalFields are Terminal's
    if (value === null) {
      return [];
    }
    const text = pythonStr((field as Field<Json>).type, value);
    return [[`bt_header_${side}_${name}`, text] as const];
  });
}

/** A header that does not fit its type, e.g. a nonce that is no integer. */
export class HeaderError extends Error {
  override name = "HeaderError";
  readonly header: string;
  constructor(header: string, options?: ErrorOptions) {
    super(`header ${header} is malformed`, options);
    this.header = header;
  }
}

/** Reads one end from headers with lower-case names. @throws HeaderError */
export function parseTerminal(
  side: "axon" | "dendrite",
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Terminal {
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(terminalFields)) {
    const header = `bt_header_${side}_${name}`;
    const value = headers[header];
    if (value === undefined) {
      values[name] = null;
    } else {
      try {
        values[name] = field.type.read(String(value), header);
      } catch (cause) {
        throw new HeaderError(header, { cause });
      }
    }
  }
  return values as Terminal; // each entry was read by its own field
}

/** Reads one end from a body; nothing there, or null, says nothing. @throws FieldError */
export function readTerminal(value: Json | undefined, side: "axon" | "dendrite"): Terminal {
  if (value === undefined || value === null) {
    return emptyTerminal;
  }
  if (!isJsonObject(value)) {
    throw new FieldError(side, "must be an object");
  }
  return readFields(terminalFields, value, side);
}
