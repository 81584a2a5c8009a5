/** An axon of Bob on loopback, and what its tests ask and expect. */
import assert from "node:assert/strict";
import {
  type Axon,
  type AxonEvent,
  type AxonOptions,
  createNonceMemory,
  type Refusal,
  route,
  startAxon,
} from "../src/axon/index.ts";
import { keypairFromUri } from "../src/keys/index.ts";
import { pullTask, storeUser, submitResults } from "../src/synapse/index.ts";
import { header, type RawAnswer, sendRaw } from "./raw-http.ts";
import { type BuiltRequest, buildRequest, type RequestParts } from "./signed-request.ts";

/** A Tuesday in 2026. */
export const nowMs = 1_795_500_000_000;
export const freshNonce = BigInt(nowMs) * 1_000_000n;

export interface Rig extends AsyncDisposable {
  readonly axon: Axon;
  readonly events: AxonEvent[];
  readonly refusals: Refusal[];
  /** A request of Alice to Bob's axon; what is not said is right. */
  request(parts?: Partial<RequestParts>): BuiltRequest;
  /** Sends one. @param from another address of loopback than 127.0.0.1, e.g. 127.0.0.2 */
  ask(parts?: Partial<RequestParts>, from?: string): Promise<RawAnswer>;
}

export async function startRig(options: Partial<AxonOptions> = {}): Promise<Rig> {
  const bob = keypairFromUri("//Bob");
  const events: AxonEvent[] = [];
  const refusals: Refusal[] = [];
  const axon = await startAxon({
    hotkey: bob,
    host: "127.0.0.1",
    port: 0,
    nonces: createNonceMemory({ now: () => nowMs }),
    now: () => nowMs,
    routes: [
      route(pullTask, {
        handle: ({ hotkey }) => ({ task: { type: "text", id: "1", prompt: `for ${hotkey}` } }),
      }),
      route(submitResults, { handle: () => ({ cooldown_until: 5 }) }),
      route(storeUser, { handle: () => ({ data_hash: "cid" }) }),
    ],
    onRequest: (event) => events.push(event),
    onRefused: (refusal) => refusals.push(refusal),
    ...options,
  });
  let nonce = freshNonce;
  const request = (parts: Partial<RequestParts> = {}): BuiltRequest => {
    nonce += 1n;
    return buildRequest({
      caller: keypairFromUri("//Alice"),
      axonHotkey: bob.ss58,
      synapse: "PullTask",
      nonce,
      ...parts,
    });
  };
  return {
    axon,
    events,
    refusals,
    request,
    ask(parts = {}, from = "127.0.0.1") {
      const { head, body } = request(parts);
      return sendRaw(axon.port, head, body, from);
    },
    [Symbol.asyncDispose]: () => axon[Symbol.asyncDispose](),
  };
}

/** Every answer must be one that all SDK versions understand. */
export function assertRefused(answer: RawAnswer, status: number, message: RegExp | string): void {
  const body: unknown = JSON.parse(answer.body);
  assert.ok(typeof body === "object" && body !== null && "message" in body);
  if (typeof message === "string") {
    assert.equal(body.message, message);
  } else {
    assert.match(String(body.message), message);
  }
  assert.equal(answer.status, status);
  assert.equal(header(answer, "content-type"), "application/json");
  assert.equal(header(answer, "bt_header_axon_status_code"), String(status));
  const shown = header(answer, "bt_header_axon_status_message") ?? "";
  assert.match(shown, /^[\x20-\x7e]{0,1000}$/);
  assert.notEqual(header(answer, "timeout"), undefined);
}

export const submission = {
  synapse: "SubmitResults",
  zeros: { results: '""', submit_time: "0", signature: '""' },
  fields: { results: "AAAA", submit_time: 1, signature: "c2ln" },
};
