import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { basename, dirname } from "node:path";
import { before, describe, it } from "node:test";
import { readVectors, skip, vectorPath } from "../../test/vectors.ts";
import { ready } from "../keys/index.ts";
import { createVerifier } from "./index.ts";

before(ready);

interface Captured {
  keys: { receiver: string };
  cases: {
    name: string;
    headers: Record<string, string>;
    received: { method: string; path: string; body_base64: string };
    verify_options: { require_receiver?: boolean };
    now_ns: string;
    outcomes: { ok: boolean; hotkey?: string; error?: string; message?: string }[];
  }[];
}

describe("captures/*/btauth.json", { skip }, () => {
  for (const path of skip ? [] : globSync(vectorPath("captures", "*", "btauth.json"))) {
    const version = basename(dirname(path));
    const { keys, cases } = readVectors<Captured>("captures", version, "btauth.json");
    for (const entry of cases) {
      it(`${version}: ${entry.name}`, () => {
        const verifier = createVerifier({
          receiver: keys.receiver,
          allowNoReceiver: entry.verify_options.require_receiver === false,
          now: () => Number(BigInt(entry.now_ns) / 1_000_000n),
        });
        const { method, path: at, body_base64 } = entry.received;
        for (const expected of entry.outcomes) {
          const outcome = verifier.verify(entry.headers, {
            method,
            path: at,
            body: Buffer.from(body_base64, "base64"),
          });
          assert.equal(outcome.kind === "verified", expected.ok);
          if (outcome.kind === "verified") {
            assert.equal(outcome.hotkey, expected.hotkey);
          } else {
            assert.equal(outcome.error, expected.error, outcome.message);
          }
        }
      });
    }
  }
});
