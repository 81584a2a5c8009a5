/**
 * What the Python SDKs of 2024 to 2026 ask a node for, recorded once from each (`bittensor/test/sdk-calls.json`, each
 * kind of request once), asked of the local node: the part of `npm run test:neurons` that needs no Python.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { keypairFromUri, ready, ss58Of } from "../../keys/index.ts";
import { createLocalChain } from "../index.ts";
import { createNode } from "./node.ts";
import { readRecordedRuntime } from "./recorded-runtime.ts";
import { answerRequest, type Connection, createMethods } from "./rpc.ts";
import { loadRuntime, type Runtime } from "./scale.ts";
import { prefixOf } from "./storage-key.ts";

interface Recorded {
  readonly calls: readonly { readonly method: string; readonly params: readonly unknown[] }[];
  readonly extrinsics: readonly { readonly call: string; readonly hex: string }[];
}

const recordings: Readonly<Record<string, Recorded>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../test/sdk-calls.json"), "utf8"),
);
/** Public key of the hotkey that the recorded calls ask about. */
const hotkey = Buffer.from(
  "1a8ebd9a0097cf5e8a191546958609826c58a839775eb53b618047380b2bc952",
  "hex",
);
const netuid = 17;
/** Nothing is stored here on a chain where nobody ever wrote it. */
const mayBeAbsent = /^(MechanismEmissionSplit|RevealedCommitments|Bonds)$/;

describe("the local node answers what the SDKs ask", () => {
  let runtime: Runtime;
  before(async () => {
    await ready();
    runtime = loadRuntime(readRecordedRuntime().latest);
  });

  for (const [version, { calls, extrinsics }] of Object.entries(recordings)) {
    it(`${version}: ${calls.length} kinds of requests, ${extrinsics.length} of calls`, async () => {
      await using chain = createLocalChain({
        subnets: [{ netuid, hyperparameters: { weightsRateLimit: 7 } }],
        allowLoopback: true,
      });
      chain.register({ netuid, hotkey: keypairFromUri("//Alice").ss58 });
      chain.register({ netuid, hotkey: ss58Of(hotkey), stakeTao: 5000 });
      const axon = { version: 1, ip: 0x7f000001n, port: 8091, ipType: 4, protocol: 4 };
      chain.ledger.serveAxon(ss58Of(hotkey), { netuid, ...axon });
      chain.advance(100);
      const weights = { netuid, mechanism: 0, uids: [0], values: [1], versionKey: 0n };
      assert.equal(chain.ledger.setWeights(ss58Of(hotkey), weights).kind, "done");
      using node = createNode({ chain });
      chain.advance();
      const methods = createMethods(node);
      const connection: Connection = {
        subscriptions: new Map(),
        knowsApis: false,
        notify: () => undefined,
        terminate: () => undefined,
      };
      for (const { method, params } of calls) {
        const asked = params.map((one) => (one === "head" ? node.head().hash : one));
        const text = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: asked });
        const answer = JSON.parse(answerRequest(methods, text, connection, () => undefined));
        const item = itemOf(runtime, params[0]);
        const what = `${method} ${item === "" ? String(params[0]).slice(0, 70) : item}`;
        assert.equal(answer.error, undefined, what);
        if (!mayBeAbsent.test(item)) {
          assert.notEqual(answer.result, null, what);
        }
        if (method === "state_call") {
          checkAnswer(runtime, String(params[0]), answer.result, version);
        }
      }
      for (const { call, hex } of extrinsics.filter((one) => one.call !== "commit_crv3_weights")) {
        assert.equal(runtime.registry.createType("Call", hex).meta.name.toString(), call);
      }
    });
  }
});

/** The name of the storage item that a key or a prefix belongs to. */
function itemOf({ storage }: Runtime, key: unknown): string {
  const [first] = Array.isArray(key) ? key : [key];
  return storage.find((entry) => String(first).startsWith(prefixOf(entry)))?.name ?? "";
}

/** All bytes belong to the type that the metadata say; in 2024 they come in a Vec<u8>. */
function checkAnswer(runtime: Runtime, api: string, hex: string, version: string): void {
  const bytes = Buffer.from(hex.slice(2), "hex");
  const output = runtime.apis.get(api);
  if (api.startsWith("Metadata_")) {
    return;
  }
  assert.ok(output !== undefined, api);
  const { registry } = runtime;
  if (version.startsWith("6.") && !api.startsWith("AccountNonce")) {
    const inner = registry.createType("Bytes", bytes);
    assert.equal(inner.encodedLength, bytes.length, api);
    assert.ok(inner.length > 0, api);
    return;
  }
  const type = registry.createLookupType(registry.createType("SiLookupTypeId", output));
  const value = registry.createType(type, bytes);
  assert.equal(value.encodedLength, bytes.length, api);
  assert.ok(!value.isEmpty || api.startsWith("AccountNonce"), api);
}
