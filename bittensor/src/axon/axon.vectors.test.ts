/**
 * Every recorded request of the real SDKs, sent to our axon byte for byte at its own time, and the requests derived
 * from the specification. The recorded answer's status is what we answer too, but where Python is unsafe.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { header, type RawAnswer, sendRaw } from "../../test/raw-http.ts";
import {
  bodyBytes,
  captures,
  type Exchange,
  headersOf,
  type NamedCapture,
  statusOf,
} from "../../test/recorder.ts";
import { readVectors, skip } from "../../test/vectors.ts";
import { keypairFromUri, ready, verifySignature } from "../keys/index.ts";
import {
  anyJson,
  defineSynapse,
  type Field,
  generate,
  getVersion,
  type Json,
  model,
  pullTask,
  required,
  retrieveUser,
  statusCheck,
  storeUser,
  str,
  submitResults,
} from "../synapse/index.ts";
import { type AxonRoute, createNonceMemory, route, startAxon, startAxonThreads } from "./index.ts";

const threads = startAxonThreads();
before(ready);
after(() => threads[Symbol.asyncDispose]());

const known = [pullTask, submitResults, generate, statusCheck, getVersion, storeUser, retrieveUser];

/** Answers with what it got. Scenarios that are about a handler's behaviour behave like theirs. */
function routesFor({ capture }: NamedCapture): AxonRoute[] {
  const blacklist =
    capture.scenario === "blacklisted" ? (): string => "Unrecognized hotkey" : undefined;
  const handle = (): Record<string, never> => {
    if (capture.scenario === "handler-raises") {
      throw new Error("as recorded");
    }
    return {};
  };
  const handlers = { handle, ...(blacklist === undefined ? {} : { blacklist }) };
  return [
    ...known.map((synapse) => route(synapse, handlers)),
    // A class of the recordings' own, whose nested model has required fields
    route(
      defineSynapse("NeedsTask", { task: required(model({ prompt: required(str) })) }),
      handlers,
    ),
  ];
}

/** Where we must differ from what was recorded. */
function expectedStatus(exchange: Exchange): number {
  const { request, response } = exchange;
  assert.ok(request !== null);
  const headers = headersOf(request);
  const named = /"dendrite": ?\{[^}]*"hotkey": ?"([^"]*)"/.exec(request.body)?.[1];
  const unsigned = (headers.bt_header_dendrite_signature ?? "") === "";
  const impostor = named !== undefined && named !== headers.bt_header_dendrite_hotkey;
  const recorded = response === null ? 500 : statusOf(response);
  // SDKs 9.3 to 10.4.1 take a request without signature; all of them take the body's word for who calls, and for the
  // status of the answer.
  if (recorded < 400 && (unsigned || impostor)) {
    return 401;
  }
  // Which of the two says no to another type depends on the axon's SDK version; ours goes by the caller's.
  if (/text\/plain/.test(headers["content-type"] ?? "") && recorded === 422) {
    return 500;
  }
  return recorded === 418 ? 200 : recorded;
}

async function replay(port: number, exchange: Exchange): Promise<RawAnswer> {
  const { request } = exchange;
  assert.ok(request !== null);
  return sendRaw(port, request.head, bodyBytes(request));
}

describe("captures: requests to an axon", { skip }, () => {
  for (const named of captures()) {
    const { name, capture } = named;
    const sent = capture.exchanges.filter(
      (exchange) => exchange.request !== null && exchange.response_by !== "recorder",
    );
    if (capture.kind === "dendrite-recorder" || sent.length === 0) {
      continue;
    }
    it(`${name}: ${sent.length} requests get the recorded statuses`, async () => {
      let nowMs = 0;
      const now = (): number => nowMs;
      await using axon = await startAxon({
        hotkey: keypairFromUri(capture.keys.axon.uri),
        host: "127.0.0.1",
        port: 0,
        threads,
        now,
        nonces: createNonceMemory({ now }),
        routes: routesFor(named),
      });
      for (const exchange of sent) {
        nowMs = Number(BigInt(exchange.received_at_ns) / 1_000_000n);
        const answer = await replay(axon.port, exchange);
        const what = `${name} ${exchange.note}: ${answer.body.slice(0, 300)}`;
        assert.equal(answer.status, expectedStatus(exchange), what);
        if (answer.status !== 307) {
          assertLikeRecorded(answer, exchange, what);
        }
      }
    });
  }
});

/** Fields that a caller who did not send them does not miss; their classes have defaults for them. */
const dispensable: ReadonlySet<string> = new Set([
  "required_hash_fields",
  ...known.flatMap(({ fields }) =>
    Object.entries(fields)
      .filter(([, field]) => (field as Field<Json>).presence.kind === "optional")
      .map(([name]) => name),
  ),
]);

/** Header names of the recording are there in their order, and a recorded message is ours too, ids and clocks aside. */
function assertLikeRecorded(answer: RawAnswer, { response }: Exchange, what: string): void {
  const body: unknown = JSON.parse(answer.body);
  assert.ok(typeof body === "object" && body !== null, what);
  assert.equal(header(answer, "bt_header_axon_status_code"), String(answer.status), what);
  if (response === null || statusOf(response) !== answer.status) {
    return;
  }
  // nobody reads the axon's signature in a refusal, so ours has none
  const theirs = Object.keys(headersOf(response)).filter(
    (name) =>
      name.startsWith("bt_") &&
      name !== "bt_header_axon_signature" &&
      !/dendrite_(ip|port)$/.test(name),
  );
  const ours = answer.headers.map(([name]) => name);
  if ([200, 401, 403].includes(answer.status)) {
    assert.deepEqual(
      theirs.filter((name) => !ours.includes(name)),
      [],
      what,
    );
  }
  const fields = Object.keys(JSON.parse(response.body === "" ? "{}" : response.body));
  if (answer.status === 200) {
    for (const field of fields.filter((name) => !dispensable.has(name))) {
      assert.ok(field in body, `${what}: ${field} is missing`);
    }
  }
}

function promptsIn(body: string): readonly string[] {
  return Array.from(body.matchAll(/"prompt": ?("(?:[^"\\]|\\.)*")/g), ([, text = '""']) =>
    JSON.parse(text),
  );
}

describe("captures: what the SDKs' miners signed", { skip }, () => {
  it("verifies with the protocol year's text", () => {
    let checked = 0;
    // A miner of 2025 sends its task's id alone, so the prompt is one of those that the recordings show elsewhere
    const prompts = new Set(
      captures().flatMap(({ capture }) =>
        capture.exchanges.flatMap(({ request, response }) =>
          [request, response].flatMap((message) => promptsIn(message?.body ?? "")),
        ),
      ),
    );
    for (const { name, capture } of captures()) {
      for (const { request, note } of capture.exchanges) {
        if (request === null || capture.scenario !== "submit-results") {
          continue;
        }
        const body = JSON.parse(request.body);
        const [, submitTime = ""] = /"submit_time": ?(\d+)/.exec(request.body) ?? [];
        const signature = Buffer.from(String(body.signature), "base64");
        const isSigned = (prompt: string): boolean =>
          verifySignature(
            `${capture.consent_text}${submitTime}${prompt}${capture.keys.axon.ss58}${capture.keys.dendrite.ss58}`,
            signature,
            capture.keys.dendrite.ss58,
          );
        const named = body.task?.prompt;
        assert.ok(
          typeof named === "string" ? isSigned(named) : Array.from(prompts).some(isSigned),
          `${name} ${note}`,
        );
        checked += 1;
      }
    }
    assert.ok(checked > 0);
  });
});

describe("header-sets.json: derived requests", { skip }, () => {
  interface HeaderSets {
    requests: {
      sdk: string;
      synapse: string;
      method: string;
      path: string;
      headers: Record<string, string>;
      body_text: string;
    }[];
  }
  it("are accepted at their own time", async () => {
    for (const request of skip ? [] : readVectors<HeaderSets>("header-sets.json").requests) {
      const nonce = BigInt(request.headers.bt_header_dendrite_nonce ?? 0);
      await using axon = await startAxon({
        hotkey: keypairFromUri("//Bob"),
        host: "127.0.0.1",
        port: 0,
        threads,
        now: () => Number(nonce / 1_000_000n),
        nonces: createNonceMemory({ now: () => 0 }),
        routes: known.map((synapse) => route(synapse, { handle: () => ({}) })),
      });
      const lines = Object.entries({
        Host: "x",
        ...request.headers,
        "Content-Length": String(Buffer.byteLength(request.body_text)),
      }).map(([name, value]) => `${name}: ${value}`);
      const head = `${request.method} ${request.path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
      const answer = await sendRaw(axon.port, head, request.body_text);
      assert.equal(answer.status, 200, `${request.sdk} ${request.synapse}: ${answer.body}`);
    }
  });

  it("have the input_obj headers that our definitions give", () => {
    for (const { synapse, headers } of skip
      ? []
      : readVectors<HeaderSets>("header-sets.json").requests) {
      const definition = known.find(({ name }) => name === synapse);
      const ours = Object.entries(definition?.fields ?? {})
        .filter(([, field]) => (field as Field<Json>).presence.kind === "required")
        .map(([name]) => `bt_header_input_obj_${name}`);
      const theirs = Object.keys(headers).filter((name) => name.startsWith("bt_header_input_obj_"));
      assert.deepEqual(ours, theirs, synapse);
    }
    assert.equal(anyJson.zeroText({}), "{}");
  });
});
