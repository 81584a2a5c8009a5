import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { signedAsset } from "../test/service.ts";
import { verifyAssetOrigin } from "./origin.ts";

const bytes = new Uint8Array([1, 2, 3]);
const consentText = "I agree to everything.";

describe("verifyAssetOrigin", () => {
  let miner: Keypair;
  before(async () => {
    await ready();
    miner = keypairFromUri("//Alice");
  });

  it("verifies what the miner signed, in both forms", async () => {
    assert.deepEqual(await verifyAssetOrigin(signedAsset(bytes, miner)), {
      kind: "verified",
      form: "2024",
    });
    assert.deepEqual(
      await verifyAssetOrigin(signedAsset(bytes, miner, consentText), { consentText }),
      { kind: "verified", form: "2025" },
    );
  });

  it("cannot verify the form of 2025 without its text", async () => {
    const asset = signedAsset(bytes, miner, consentText);
    assert.deepEqual(await verifyAssetOrigin(asset), { kind: "mismatch" });
  });

  it("finds every changed fact", async () => {
    const bob = keypairFromUri("//Bob");
    const changes = [
      { prompt: "a blue cube" },
      { submitTimeNs: 1n },
      { minerHotkey: bob.ss58 },
      { validatorHotkey: miner.ss58 },
      { signature: new Uint8Array(64) },
      { signature: new Uint8Array() },
      { minerHotkey: "nobody" },
    ];
    for (const change of changes) {
      const asset = { ...signedAsset(bytes, miner), ...change };
      assert.deepEqual(
        await verifyAssetOrigin(asset),
        { kind: "mismatch" },
        JSON.stringify(Object.keys(change)),
      );
    }
  });
});
