/** The recorded exchanges of the real SDKs, in the form that their README gives. */
import { globSync } from "node:fs";
import { basename, dirname } from "node:path";
import { readVectors, skip, vectorPath } from "./vectors.ts";

export interface Capture {
  readonly scenario: string;
  readonly kind: "dendrite-axon" | "dendrite-recorder" | "recorder-axon";
  readonly sdk: { readonly bittensor: string; readonly version_int: number };
  readonly generation: "2024" | "2025";
  readonly consent_text: string;
  readonly keys: Readonly<
    Record<"axon" | "dendrite", { readonly uri: string; readonly ss58: string }>
  >;
  readonly exchanges: readonly Exchange[];
}

export interface Exchange {
  readonly note: string;
  readonly request: Message | null;
  readonly response: Message | null;
  readonly request_changed_on_the_way?: boolean;
  readonly response_by?: string;
  readonly received_at_ns: string;
  readonly caller?: {
    readonly dendrite_status_code: number | null;
    readonly dendrite_status_message: string | null;
    readonly synapse_json?: string;
  } | null;
}

export interface Message {
  /** Latin-1, with the empty line. */
  readonly head: string;
  readonly body: string;
  readonly body_encoding: "utf-8" | "base64";
}

export interface NamedCapture {
  readonly name: string;
  readonly capture: Capture;
}

/** Every capture there is that has exchanges. */
export function captures(): readonly NamedCapture[] {
  if (skip) {
    return [];
  }
  return globSync(vectorPath("captures", "*", "*.json"))
    .toSorted()
    .map((path) => {
      const version = basename(dirname(path));
      const file = basename(path);
      return {
        name: `${version}/${file}`,
        capture: readVectors<Capture>("captures", version, file),
      };
    })
    .filter(({ capture }) => Array.isArray(capture.exchanges));
}

export function bodyBytes(message: Message): Buffer {
  return Buffer.from(message.body, message.body_encoding === "base64" ? "base64" : "utf8");
}

export function statusOf(message: Message): number {
  return Number(message.head.split(" ")[1]);
}

/** Headers of a recorded head, names in lower case. */
export function headersOf(message: Message): Readonly<Record<string, string>> {
  const [, ...lines] = message.head.split("\r\n");
  return Object.fromEntries(
    lines.flatMap((line) => {
      const colon = line.indexOf(":");
      return colon === -1
        ? []
        : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]];
    }),
  );
}
