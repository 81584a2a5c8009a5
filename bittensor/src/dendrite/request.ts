/** The bytes of one signed call, as the Python dendrite writes them. */
import type { Keypair } from "../keys/index.ts";
import {
  bodyHash,
  type Json,
  type Synapse,
  stringifyJson,
  type Terminal,
  terminal,
  terminalHeaders,
  type ValuesOf,
  zeroHeaders,
} from "../synapse/index.ts";
import { pythonFloat } from "../synapse/python.ts";
import type { AxonTarget } from "./types.ts";

export interface SignedRequest {
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface Caller {
  readonly hotkey: Keypair;
  readonly uuid: string;
  readonly ip: string;
  readonly sdkVersion: number;
}

export function signRequest<S extends Synapse>(
  synapse: S,
  values: ValuesOf<S>,
  caller: Caller,
  target: AxonTarget,
  nonce: bigint,
  timeoutS: number,
): SignedRequest {
  const hash = bodyHash(synapse, values);
  const message = [nonce, caller.hotkey.ss58, target.hotkey, caller.uuid, hash].join(".");
  const dendrite: Terminal = terminal({
    ip: caller.ip,
    version: caller.sdkVersion,
    nonce,
    uuid: caller.uuid,
    hotkey: caller.hotkey.ss58,
    signature: `0x${Buffer.from(caller.hotkey.sign(message)).toString("hex")}`,
  });
  const axon = terminal({ ip: target.ip, port: target.port, hotkey: target.hotkey });
  const body = Buffer.from(
    stringifyJson({
      name: synapse.name,
      timeout: timeoutS,
      total_size: 0,
      header_size: 0,
      // Whole, because Python handlers take the caller's identity from here
      dendrite: { ...dendrite },
      axon: { ...axon },
      computed_body_hash: "",
      ...(values as { readonly [field: string]: Json | undefined }), // read by the fields' own types
    }),
  );
  const headers: (readonly [string, string])[] = [
    ["name", synapse.name],
    ["timeout", pythonFloat(timeoutS)],
    ...terminalHeaders("axon", axon),
    ...terminalHeaders("dendrite", dendrite),
    ...zeroHeaders(synapse, values).map(
      ([field, zero]) => [`bt_header_input_obj_${field}`, zero] as const,
    ),
    ["computed_body_hash", hash],
    ["Accept", "*/*"],
    ["Accept-Encoding", "gzip, deflate"],
    ["Content-Length", String(body.length)],
    ["Content-Type", "application/json"],
  ];
  return { path: `/${synapse.name}`, headers: headers.flat(), body };
}
