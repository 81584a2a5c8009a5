/**
 * Reads a body without building it: finds the fields that somebody asked for and skips the rest, within limits of depth
 * and number that are kept while reading. So a hostile body costs the time of looking at its bytes, and no memory.
 *
 * Everything that JSON.parse refuses is refused here too; what is found is JSON of the asked fields alone, which is
 * small enough to be parsed. One field may be a payload: base64 that is taken out as bytes.
 */
import { isUtf8 } from "node:buffer";

export interface ScanRules {
  /** Names of the top-level fields that are kept. */
  readonly fields: readonly string[];
  /** The one among them that carries base64; a text in it is taken out, and "" left in its place. */
  readonly payload: string | undefined;
  /** Levels of objects and lists. */
  readonly maxDepth: number;
  /** Values, those that are skipped included. */
  readonly maxValues: number;
  /** Bytes beside the payload. */
  readonly maxRestBytes: number;
}

export type Scan =
  | {
      readonly kind: "object";
      /** JSON of the object with the kept fields alone. */
      readonly text: string;
      /** Where the payload's text lies, without its quotes; undefined when there is none. */
      readonly payload: { readonly start: number; readonly end: number } | undefined;
    }
  | { readonly kind: "notJson" }
  /** JSON, but no object at its top. */
  | { readonly kind: "notObject" }
  /** Beyond one of the limits; says which. */
  | { readonly kind: "beyond"; readonly limit: string };

export function scanBody(bytes: Buffer, rules: ScanRules): Scan {
  if (!isUtf8(bytes)) {
    return { kind: "notJson" };
  }
  try {
    return scan(bytes, rules);
  } catch (error) {
    if (!(error instanceof ScanFault)) {
      throw error;
    }
    return error.limit === undefined ? { kind: "notJson" } : { kind: "beyond", limit: error.limit };
  }
}

/**
 * Decodes standard base64 with padding, as it stands in JSON; undefined when it is anything else.
 * @param text from a scan: the text between the quotes
 */
export function decodePayload(
  bytes: Buffer,
  text: { start: number; end: number },
): Buffer | undefined {
  const raw = bytes.toString("latin1", text.start, text.end);
  if (!raw.includes("\\")) {
    return decodeBase64(raw);
  }
  const unescaped: unknown = JSON.parse(`"${bytes.toString("utf8", text.start, text.end)}"`);
  return typeof unescaped === "string" ? decodeBase64(unescaped) : undefined;
}

function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || text.includes("-") || text.includes("_")) {
    return undefined;
  }
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  // Node leaves out what is not base64, so anything else makes it shorter. A copy of its own can be handed to others.
  const decoded = Buffer.from(text, "base64");
  return decoded.length === (text.length / 4) * 3 - padding ? decoded : undefined;
}

/** Why the scan stopped: a limit, or no JSON. Never leaves this file. */
class ScanFault extends Error {
  readonly limit: string | undefined;
  constructor(limit?: string) {
    super(limit);
    this.limit = limit;
  }
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openObject = 0x7b;
const closeObject = 0x7d;
const openList = 0x5b;
const closeList = 0x5d;
const minus = 0x2d;

/** Longer keys are none of ours; keys are decoded only up to here. */
const maxKeyBytes = 256;

function scan(bytes: Buffer, rules: ScanRules): Scan {
  const kept = new Set(rules.fields);
  const size = bytes.length;
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let values = 0;
  let payload: { readonly start: number; readonly end: number } | undefined;

  const checkRest = (position: number): void => {
    const carried = payload === undefined ? 0 : payload.end - payload.start;
    if (position - carried > rules.maxRestBytes) {
      throw new ScanFault(
        rules.payload === undefined
          ? `at most ${rules.maxRestBytes} bytes are allowed`
          : `at most ${rules.maxRestBytes} bytes are allowed beside ${rules.payload}`,
      );
    }
  };
  const space = (): void => {
    for (; at < size; at += 1) {
      const byte = bytes[at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        return;
      }
    }
  };
  const expect = (byte: number): void => {
    if (bytes[at] !== byte) {
      throw new ScanFault();
    }
    at += 1;
  };
  /** From the opening quote to behind the closing one. */
  const string = (): void => {
    expect(quote);
    for (;;) {
      const byte = bytes[at];
      if (byte === undefined || byte < 0x20) {
        throw new ScanFault();
      }
      at += 1;
      if (byte === quote) {
        return;
      }
      if (byte === backslash) {
        escaped();
      }
    }
  };
  const escaped = (): void => {
    const byte = bytes[at++];
    if (byte === undefined || !escapes.has(byte)) {
      throw new ScanFault();
    }
    if (byte !== 0x75) {
      return;
    }
    for (const end = at + 4; at < end; at += 1) {
      const digit = bytes[at] ?? 0;
      const isHex =
        isDigit(digit) || (digit >= 0x41 && digit <= 0x46) || (digit >= 0x61 && digit <= 0x66);
      if (!isHex) {
        throw new ScanFault();
      }
    }
  };
  const digits = (): void => {
    if (!isDigit(bytes[at])) {
      throw new ScanFault();
    }
    while (isDigit(bytes[at])) {
      at += 1;
    }
  };
  const number = (): void => {
    if (bytes[at] === minus) {
      at += 1;
    }
    if (bytes[at] === 0x30) {
      at += 1;
    } else {
      digits();
    }
    if (bytes[at] === 0x2e) {
      at += 1;
      digits();
    }
    if (bytes[at] === 0x65 || bytes[at] === 0x45) {
      at += 1;
      if (bytes[at] === 0x2b || bytes[at] === minus) {
        at += 1;
      }
      digits();
    }
  };
  const word = (): void => {
    const found = words.find((one) => bytes[at] === one[0]);
    if (found === undefined || !found.equals(bytes.subarray(at, at + found.length))) {
      throw new ScanFault();
    }
    at += found.length;
  };
  /** What stands between an opening and its closing bracket, `entry` for each, commas between them. */
  const sequence = (close: number, entry: () => void): void => {
    at += 1;
    space();
    if (bytes[at] === close) {
      at += 1;
      return;
    }
    for (;;) {
      space();
      entry();
      space();
      if (bytes[at] === close) {
        break;
      }
      expect(comma);
    }
    at += 1;
  };
  const value = (depth: number): void => {
    values += 1;
    if (values > rules.maxValues) {
      throw new ScanFault(`at most ${rules.maxValues} values are allowed`);
    }
    const byte = bytes[at];
    if (byte === openObject || byte === openList) {
      if (depth >= rules.maxDepth) {
        throw new ScanFault(`at most ${rules.maxDepth} levels are allowed`);
      }
      if (byte === openList) {
        sequence(closeList, () => value(depth + 1));
      } else {
        sequence(closeObject, () => {
          string();
          space();
          expect(colon);
          space();
          value(depth + 1);
        });
      }
    } else if (byte === quote) {
      string();
    } else if (byte === minus || isDigit(byte)) {
      number();
    } else {
      word();
    }
    checkRest(at);
  };

  const found: string[] = [];
  const member = (): void => {
    const name = key(bytes, at, string, () => at);
    space();
    expect(colon);
    space();
    const start = at;
    if (name !== undefined && name === rules.payload) {
      payload = undefined; // of two the last counts
      if (bytes[at] === quote) {
        string();
        payload = { start: start + 1, end: at - 1 };
        checkRest(at);
        found.push(`${JSON.stringify(name)}:""`);
        return;
      }
    }
    value(1);
    if (name !== undefined && kept.has(name)) {
      found.push(`${JSON.stringify(name)}:${bytes.toString("utf8", start, at)}`);
    }
  };

  space();
  const isObject = bytes[at] === openObject;
  if (isObject) {
    sequence(closeObject, member);
  } else {
    value(0);
  }
  space();
  if (at < size) {
    throw new ScanFault();
  }
  checkRest(size);
  if (!isObject) {
    return { kind: "notObject" };
  }
  return { kind: "object", text: `{${found.join(",")}}`, payload };
}

/** Reads a key; undefined when it is too long to be one of ours. */
function key(
  bytes: Buffer,
  start: number,
  string: () => void,
  position: () => number,
): string | undefined {
  string();
  const end = position();
  if (end - start > maxKeyBytes) {
    return undefined;
  }
  const name: unknown = JSON.parse(bytes.toString("utf8", start, end));
  return typeof name === "string" ? name : undefined;
}

const escapes: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrtu'));
const words = ["true", "false", "null"].map((text) => Buffer.from(text));

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
