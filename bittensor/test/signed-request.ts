/** Requests made step by step as the wire specification says, so that tests can break any part of them. */
import type { Keypair } from "../src/keys/index.ts";

/** SHA3-256 of nothing. */
export const emptyHash = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a";

export interface RequestParts {
  readonly caller: Keypair;
  readonly axonHotkey: string;
  readonly synapse: string;
  readonly nonce: bigint;
  readonly uuid?: string;
  readonly version?: string;
  readonly hash?: string;
  /** Replaces headers; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Fields of the body beside name, dendrite and axon. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Required fields: their zero values as JSON. */
  readonly zeros?: Readonly<Record<string, string>>;
  /** Instead of the body that belongs to the parts. */
  readonly body?: string | Buffer;
  readonly method?: string;
  readonly path?: string;
}

export interface BuiltRequest {
  readonly head: string;
  readonly body: Buffer;
}

export function buildRequest(parts: RequestParts): BuiltRequest {
  const { caller, axonHotkey, nonce, uuid = "5ecbd69c-1cec-11ee-b0dc-e29ce36fec1a" } = parts;
  const hash = parts.hash ?? emptyHash;
  const message = `${nonce}.${caller.ss58}.${axonHotkey}.${uuid}.${hash}`;
  const signature = `0x${Buffer.from(caller.sign(message)).toString("hex")}`;
  const dendrite =
    `{"ip":"198.51.100.9","version":${parts.version ?? "9009000"},"nonce":${nonce},` +
    `"uuid":"${uuid}","hotkey":"${caller.ss58}","signature":"${signature}"}`;
  const fields = JSON.stringify(parts.fields ?? {}).slice(1, -1);
  const body = Buffer.from(
    parts.body ??
      `{"name":"${parts.synapse}","timeout":12.0,"dendrite":${dendrite},"axon":{"hotkey":"${axonHotkey}"}` +
        `${fields === "" ? "" : `,${fields}`}}`,
  );
  const headers: Record<string, string | undefined> = {
    Host: "example.org",
    name: parts.synapse,
    timeout: "12.0",
    bt_header_axon_ip: "203.0.113.7",
    bt_header_axon_port: "8091",
    bt_header_axon_hotkey: axonHotkey,
    bt_header_dendrite_ip: "198.51.100.9",
    bt_header_dendrite_version: parts.version ?? "9009000",
    bt_header_dendrite_nonce: String(nonce),
    bt_header_dendrite_uuid: uuid,
    bt_header_dendrite_hotkey: caller.ss58,
    bt_header_dendrite_signature: signature,
    ...Object.fromEntries(
      Object.entries(parts.zeros ?? {}).map(([name, zero]) => [
        `bt_header_input_obj_${name}`,
        Buffer.from(zero).toString("base64"),
      ]),
    ),
    computed_body_hash: hash,
    "Content-Length": String(body.length),
    "Content-Type": "application/json",
    ...parts.headers,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  const start = `${parts.method ?? "POST"} ${parts.path ?? `/${parts.synapse}`} HTTP/1.1`;
  return { head: `${[start, ...lines].join("\r\n")}\r\n\r\n`, body };
}
