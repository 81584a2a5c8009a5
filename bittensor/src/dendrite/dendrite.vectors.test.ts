/** Every recorded answer, given to our dendrite byte for byte: it must tell its caller what Python told its own. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { before, describe, it } from "node:test";
import { bodyBytes, captures, type Exchange, type Message, statusOf } from "../../test/recorder.ts";
import { skip } from "../../test/vectors.ts";
import { keypairFromUri, ready } from "../keys/index.ts";
import {
  generate,
  getVersion,
  type InputOf,
  ping,
  pullTask,
  retrieveUser,
  type Synapse,
  statusCheck,
  storeUser,
  submitResults,
} from "../synapse/index.ts";
import { createDendrite } from "./index.ts";

before(ready);

const synapses: readonly Synapse[] = [
  pullTask,
  submitResults,
  generate,
  statusCheck,
  getVersion,
  storeUser,
  retrieveUser,
  ping,
];

/** Values for whatever is required; the answers do not depend on them. */
const inputs: Readonly<Record<string, InputOf<Synapse>>> = {
  SubmitResults: { results: "AAAA", submit_time: 1n, signature: "c2ln" },
  Generate: { prompt: "a teapot" },
  StatusCheck: { task_id: "1" },
  StoreUser: { encrypted_data: "a", encryption_payload: "b" },
  RetrieveUser: { data_hash: "c" },
};

async function startReplay(answer: Message): Promise<AsyncDisposable & { readonly port: number }> {
  const bytes = Buffer.concat([Buffer.from(answer.head, "latin1"), bodyBytes(answer)]);
  const framed = /^(content-length|transfer-encoding):/im.test(answer.head);
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => (framed ? socket.write(bytes) : socket.end(bytes)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

describe("captures: answers to a dendrite", { skip }, () => {
  for (const { name, capture } of captures()) {
    const told = capture.exchanges.filter(
      (exchange): exchange is Exchange & { request: Message; response: Message } =>
        exchange.response !== null &&
        exchange.request !== null &&
        typeof exchange.caller?.dendrite_status_code !== "undefined" &&
        // What the caller saw was its own impatience, not this answer
        exchange.caller?.dendrite_status_code !== 408,
    );
    if (told.length === 0 || capture.kind === "recorder-axon") {
      continue;
    }
    it(`${name}: ${told.length} answers are told as Python tells them`, async () => {
      const wording = capture.sdk.version_int < 7_004_000 ? "legacy" : "current";
      await using dendrite = createDendrite({ hotkey: keypairFromUri("//Alice"), wording });
      for (const exchange of told) {
        const path = exchange.request.head.split(" ")[1]?.slice(1);
        const synapse = synapses.find((candidate) => candidate.name === path) ?? ping;
        await using replay = await startReplay(exchange.response);
        const outcome = await dendrite.call(synapse, {
          target: { ip: "127.0.0.1", port: replay.port, hotkey: capture.keys.axon.ss58 },
          body: inputs[synapse.name] ?? {},
        });
        const expected = exchange.caller?.dendrite_status_code ?? null;
        const what = `${name} ${exchange.note}: ${outcome.message}`;
        // Where Python's pydantic is strict about one protocol year's schema, ours reads all of them; and headers
        // that aiohttp finds too long are read.
        const readsMore =
          (expected === 422 &&
            statusOf(exchange.response) === 200 &&
            /"task": ?null/.test(exchange.response.body)) ||
          (capture.scenario === "long-header" && expected !== statusOf(exchange.response));
        if (!readsMore) {
          assert.equal(outcome.status, expected, what);
        }
        if (
          !readsMore &&
          outcome.kind === "failure" &&
          outcome.answered &&
          outcome.status !== 422
        ) {
          assert.equal(
            outcome.message,
            // Python keeps bytes that are no UTF-8 as lone surrogates
            exchange.caller?.dendrite_status_message?.toWellFormed() ?? null,
            what,
          );
        }
        if (expected === 200 && statusOf(exchange.response) === 200) {
          assert.equal(outcome.kind, "ok", what);
        }
      }
    });
  }
});
