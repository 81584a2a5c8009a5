import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bls12_381 as bls } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import {
  decodePayload,
  decryptWithSignature,
  encodePayload,
  encryptToRound,
  revealBlockOf,
  roundPoint,
  statefulRound,
  TimelockError,
} from "./index.ts";

/** A beacon whose key we know: it signs any round at once. */
const masterScalar = 0x1234567890abcdefn;
const publicKey = bls.G2.Point.BASE.multiply(masterScalar).toBytes(true);
const signatureOf = (round: bigint): Uint8Array =>
  roundPoint(round).multiply(masterScalar).toBytes(true);

const state = {
  lastEpochBlock: 100,
  pendingEpochAt: 0,
  subnetEpochIndex: 7n,
  tempo: 20,
  blocksSinceLastStep: 5,
  block: 105,
};

describe("timelock", () => {
  it("opens with the round's signature and no other", () => {
    const plain = Buffer.from("weights");
    const commit = encryptToRound(plain, 1000n, { publicKey });
    assert.equal(commit.length, plain.length + 244);
    assert.deepEqual(Buffer.from(decryptWithSignature(commit, signatureOf(1000n))), plain);
    assert.throws(() => decryptWithSignature(commit, signatureOf(1001n)), /not that of the commit/);
    assert.throws(
      () => decryptWithSignature(commit.subarray(0, 150), signatureOf(1000n)),
      /cut off/,
    );
    assert.notDeepEqual(commit, encryptToRound(plain, 1000n, { publicKey }));
  });

  it("refuses what the chain would not store", () => {
    assert.throws(() => encryptToRound(new Uint8Array(4757), 1n, { publicKey }), TimelockError);
    encryptToRound(new Uint8Array(4756), 1n, { publicKey });
  });

  it("payloads come back as they went", () => {
    const key = new Uint8Array(32).fill(7);
    const u16 = fc.integer({ min: 0, max: 65535 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(u16, u16), { maxLength: 300 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (pairs, versionKey) => {
          const payload = {
            publicKey: key,
            uids: pairs.map(([uid]) => uid),
            values: pairs.map(([, value]) => value),
            versionKey,
          };
          const decoded = decodePayload(encodePayload(payload));
          assert.deepEqual({ ...decoded, publicKey: Uint8Array.from(decoded.publicKey) }, payload);
        },
      ),
    );
    assert.throws(() => decodePayload(Uint8Array.of(128, 1, 2)), RangeError);
  });
});

describe("the reveal round", () => {
  it("is that of the epoch after the next", () => {
    assert.equal(revealBlockOf(state, 1), 120);
    assert.equal(revealBlockOf(state, 2), 140);
    assert.equal(revealBlockOf({ ...state, pendingEpochAt: 110 }, 1), 110);
    assert.throws(() => revealBlockOf({ ...state, tempo: 0 }, 1), TimelockError);
  });

  it("is published just before that block", () => {
    const nowS = 1_760_000_000;
    const round = statefulRound(state, { periodEpochs: 1, blockTimeS: 12, nowS });
    const publishedS = 1_692_803_367 + (Number(round) - 1) * 3;
    const dueS = nowS + (120 + 3 - 105) * 12;
    assert.ok(publishedS <= dueS - 3 && publishedS > dueS - 6.001);
  });
});
