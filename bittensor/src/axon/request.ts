/** What the head of a request says, before anything of it is believed. */
import type { IncomingMessage } from "node:http";
import {
  type FieldType,
  float,
  HeaderError,
  parseJson,
  parseTerminal,
  type Synapse,
  type Terminal,
  terminal,
} from "../synapse/index.ts";
import { firstClockVersion } from "./nonces.ts";

export interface RequestHead {
  readonly dendrite: Terminal;
  /** Ourselves, as the caller knows us. */
  readonly axon: Terminal;
  /** Seconds; undefined when the caller did not say. */
  readonly timeoutS: number | undefined;
  readonly computedBodyHash: string | undefined;
}

/**
 * How a caller's SDK talks. Those before 7.2 (`legacy`) count nonces from their machine's start, expect failures in
 * other words and successful answers signed; those from 7.2 on (`nanosecond`) send nanoseconds since 1970 as nonces.
 */
export type WireFamily = "legacy" | "nanosecond";

/** The family of the caller's SDK, by the version that it claims; callers that claim none are taken for later ones. */
export function wireFamilyOf(req: IncomingMessage): WireFamily {
  const version = Number(req.headers.bt_header_dendrite_version ?? firstClockVersion);
  return version < firstClockVersion ? "legacy" : "nanosecond";
}

/** Where a request goes. */
export type RequestTarget =
  | { readonly kind: "class"; readonly name: string }
  /** One slash too many; the answer says where to go. */
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "nowhere" }
  | { readonly kind: "wrongMethod" };

export function targetOf(req: IncomingMessage): RequestTarget {
  const [path = ""] = (req.url ?? "").split("?");
  const [, name = "", ...rest] = path.split("/");
  if (rest.length > 1 || (rest.length === 1 && (rest[0] !== "" || name === ""))) {
    return { kind: "nowhere" };
  }
  if (req.method !== "POST" && req.method !== "GET") {
    return { kind: "wrongMethod" };
  }
  return rest.length === 1
    ? { kind: "redirect", location: `/${name}` }
    : { kind: "class", name: decoded(name) };
}

/** Reads both ends from the headers, as the Python axon does. @throws HeaderError */
export function parseHead({ headers }: IncomingMessage): RequestHead {
  return {
    dendrite: parseTerminal("dendrite", headers),
    axon: parseTerminal("axon", headers),
    timeoutS: headers.timeout === undefined ? undefined : readTimeout(String(headers.timeout)),
    computedBodyHash: headerText(headers.computed_body_hash),
  };
}

/** Reads the zero values of required fields, without which Python can't build the synapse. @throws HeaderError */
export function checkZeros({ headers }: IncomingMessage, synapse: Synapse): void {
  for (const [name, field] of Object.entries(synapse.fields)) {
    if (field.presence.kind !== "required") {
      continue;
    }
    const header = `bt_header_input_obj_${name}`;
    readZero(field.type, headers[header], header);
  }
}

/** The head that answers have when the request's could not be read. */
export const emptyHead: RequestHead = {
  dendrite: terminal({}),
  axon: terminal({}),
  timeoutS: undefined,
  computedBodyHash: undefined,
};

export function headerText(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.join(", ");
}

function readTimeout(text: string): number {
  try {
    return float.read(text, "timeout");
  } catch (cause) {
    throw new HeaderError("timeout", { cause });
  }
}

/** Python builds a synapse from these, so what does not fit the field fails there; the value itself is not used. */
function readZero(
  type: FieldType<unknown>,
  value: string | string[] | undefined,
  header: string,
): void {
  if (typeof value !== "string" || value.length > maxZeroLength) {
    throw new HeaderError(header);
  }
  try {
    type.read(parseJson(Buffer.from(value, "base64").toString("utf8")), header);
  } catch (cause) {
    throw new HeaderError(header, { cause });
  }
}

/** Zero values are `""`, `0`, `{}` and their like. */
const maxZeroLength = 1024;

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
