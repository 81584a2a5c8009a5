/**
 * What is in a body: the JSON of the class's own fields, and the payload decoded and hashed. Small bodies are opened on
 * the spot, large ones in a thread.
 */
import { hash } from "node:crypto";
import type { Transferable } from "node:worker_threads";
import { decodePayload, type ScanRules, scanBody } from "../synapse/scan.ts";

export type OpenedBody =
  | {
      readonly kind: "object";
      /** JSON of an object with the asked fields alone. */
      readonly text: string;
      readonly payload: OpenedPayload | undefined;
    }
  | { readonly kind: "notJson" }
  | { readonly kind: "notObject" }
  | { readonly kind: "beyond"; readonly limit: string };

export type OpenedPayload =
  | {
      readonly kind: "bytes";
      readonly bytes: Uint8Array<ArrayBuffer>;
      /** Hex */
      readonly sha256: string;
    }
  /** Not base64. */
  | { readonly kind: "malformed" };

export interface OpenJob {
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
  readonly rules: ScanRules;
}

export function openBody({ pieces, rules }: OpenJob): OpenedBody {
  const bytes = Buffer.concat(pieces);
  const scan = scanBody(bytes, rules);
  if (scan.kind !== "object") {
    return scan;
  }
  const { text, payload } = scan;
  if (payload === undefined) {
    return { kind: "object", text, payload };
  }
  const decoded = decodePayload(bytes, payload);
  return { kind: "object", text, payload: opened(decoded) };
}

function opened(decoded: Uint8Array | undefined): OpenedPayload {
  if (decoded === undefined) {
    return { kind: "malformed" };
  }
  // Small buffers share one of Node's. These bytes get their own, so that a thread can hand it over.
  const bytes = ownBuffer(decoded);
  return { kind: "bytes", bytes, sha256: hash("sha256", bytes, "hex") };
}

function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    ? new Uint8Array(buffer)
    : Uint8Array.from(bytes);
}

/** What of an opened body is handed from thread to thread instead of being copied. */
export function transferOf(body: OpenedBody): readonly Transferable[] {
  return body.kind === "object" && body.payload?.kind === "bytes"
    ? [body.payload.bytes.buffer]
    : [];
}
