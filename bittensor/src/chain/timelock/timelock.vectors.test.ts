import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readVectors, skip } from "../../../test/vectors.ts";
import {
  decodePayload,
  decryptWithSignature,
  encodePayload,
  encryptToRound,
  legacyRevealBlock,
  legacyRound,
  quicknet,
  revealBlockOf,
  roundPoint,
  statefulRound,
  TimelockError,
} from "./index.ts";

const bytes = (hex: string): Uint8Array => Buffer.from(hex, "hex");
const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");

interface Payload {
  name: string;
  hotkey: string;
  uids: number[];
  values: number[];
  versionKey: string;
  encoded: string;
}
interface Timelock {
  drandQuicknet: { publicKeyG2: string; genesisTime: number; periodSeconds: number };
  rounds: { round: number; qidG1: string; signatureG1: string }[];
  payloadEncoding: Payload[];
  encryptDeterministic: {
    payload: string;
    round: number;
    inputs: { sigma: string; esk: string; nonce: string };
    ciphertext: string;
  }[];
  decryptFromRust: { signature: string; ciphertext: string; plaintext: string }[];
  negative: { name: string; ciphertext: string; signature: string; rustResult: string }[];
  epochSchedule: {
    name: string;
    state: {
      lastEpochBlock: number;
      pendingEpochAt: number;
      subnetEpochIndex: number;
      tempo: number;
      blocksSinceLastStep: number;
      currentBlock: number;
    };
    revealPeriodEpochs: number;
    revealBlock: number;
    roundAtNow1789824000_blockTime12: number;
  }[];
  fakeDrand: {
    publicKeyG2: string;
    round: number;
    signatureG1: string;
    ciphertextFromRust: string;
    plaintext: string;
  };
}

describe("timelock.json", { skip }, () => {
  const vectors = () => readVectors<Timelock>("timelock.json");

  it("has the beacon and the round points that we use", () => {
    const { drandQuicknet, rounds } = vectors();
    assert.equal(hex(quicknet.publicKey), drandQuicknet.publicKeyG2);
    assert.equal(quicknet.genesis, drandQuicknet.genesisTime);
    assert.equal(quicknet.period, drandQuicknet.periodSeconds);
    for (const { round, qidG1 } of rounds) {
      assert.equal(roundPoint(BigInt(round)).toHex(true), qidG1);
    }
  });

  it("payloads are encoded and decoded as the chain does", () => {
    for (const entry of vectors().payloadEncoding) {
      const payload = {
        publicKey: bytes(entry.hotkey),
        uids: entry.uids,
        values: entry.values,
        versionKey: BigInt(entry.versionKey),
      };
      assert.equal(hex(encodePayload(payload)), entry.encoded, entry.name);
      const decoded = decodePayload(bytes(entry.encoded));
      assert.deepEqual(
        { ...decoded, publicKey: hex(decoded.publicKey) },
        { ...payload, publicKey: entry.hotkey },
      );
    }
  });

  it("encryption gives the same bytes from the same secrets", () => {
    const { encryptDeterministic, payloadEncoding } = vectors();
    for (const { payload, round, inputs, ciphertext } of encryptDeterministic) {
      const plain = payloadEncoding.find(({ name }) => name === payload)?.encoded ?? "";
      const commit = encryptToRound(bytes(plain), BigInt(round), {
        secrets: {
          esk: bytes(inputs.esk),
          sigma: bytes(inputs.sigma),
          nonce: bytes(inputs.nonce),
        },
      });
      assert.equal(hex(commit), ciphertext, payload);
    }
  });

  it("commits of the Rust library open, and so do ours with a real signature", () => {
    const { decryptFromRust, rounds } = vectors();
    for (const { ciphertext, signature, plaintext } of decryptFromRust) {
      assert.equal(hex(decryptWithSignature(bytes(ciphertext), bytes(signature))), plaintext);
    }
    for (const { round, signatureG1 } of rounds) {
      const commit = encryptToRound(Buffer.from("hi"), BigInt(round));
      assert.equal(Buffer.from(decryptWithSignature(commit, bytes(signatureG1))).toString(), "hi");
    }
  });

  it("damaged ones are refused where the Rust library refuses them", () => {
    for (const { name, ciphertext, signature, rustResult } of vectors().negative) {
      const open = () => decryptWithSignature(bytes(ciphertext), bytes(signature));
      if (rustResult.startsWith("ERR")) {
        assert.throws(open, TimelockError, name);
      } else {
        assert.equal(hex(open()), rustResult, name);
      }
    }
  });

  it("works with a beacon of our own", () => {
    const { publicKeyG2, round, signatureG1, ciphertextFromRust, plaintext } = vectors().fakeDrand;
    const signature = bytes(signatureG1);
    assert.equal(hex(decryptWithSignature(bytes(ciphertextFromRust), signature)), plaintext);
    const ours = encryptToRound(bytes(plaintext), BigInt(round), { publicKey: bytes(publicKeyG2) });
    assert.equal(hex(decryptWithSignature(ours, signature)), plaintext);
  });

  it("chooses the reveal block and round of the schedule", () => {
    for (const entry of vectors().epochSchedule) {
      const { currentBlock, subnetEpochIndex, ...rest } = entry.state;
      const state = { ...rest, block: currentBlock, subnetEpochIndex: BigInt(subnetEpochIndex) };
      assert.equal(revealBlockOf(state, entry.revealPeriodEpochs), entry.revealBlock, entry.name);
      const round = statefulRound(state, {
        periodEpochs: entry.revealPeriodEpochs,
        nowS: 1_789_824_000,
        blockTimeS: 12,
      });
      assert.equal(round, BigInt(entry.roundAtNow1789824000_blockTime12), entry.name);
    }
  });
});

interface LegacyCase {
  now: number;
  tempo: number;
  current_block: number;
  netuid: number;
  period: number;
  block_time: number;
  revealBlock: number;
  round: number;
}

describe("timelock-round.json", { skip }, () => {
  interface Older {
    cases: {
      current_block: number;
      storage_index: number;
      tempo: number;
      reveal_period_epochs: number;
      block_time: number;
      now_unix: number;
      first_reveal_block: number;
      reveal_round: number;
    }[];
  }
  it("has the older schedule's rounds", () => {
    for (const entry of skip ? [] : readVectors<Older>("timelock-round.json").cases) {
      const state = {
        storageIndex: entry.storage_index,
        tempo: entry.tempo,
        block: entry.current_block,
      };
      const options = {
        periodEpochs: entry.reveal_period_epochs,
        blockTimeS: entry.block_time,
        nowS: entry.now_unix,
      };
      assert.equal(legacyRevealBlock(state, options.periodEpochs), entry.first_reveal_block);
      assert.equal(legacyRound(state, options), BigInt(entry.reveal_round));
    }
  });
});

describe("timelock-round-real.json", { skip }, () => {
  interface StatefulCase extends LegacyCase {
    last_epoch_block: number;
    pending_epoch_at: number;
    subnet_epoch_index: number;
    blocks_since_last_step: number;
  }
  interface Commit extends Payload {
    library: string;
    round: number;
    commit: string;
  }
  interface Real {
    stateful: { cases: StatefulCase[] };
    legacy: { cases: LegacyCase[] };
    commits: Commit[];
    acceptedByLibrary: { signature: string; plain: string; commit: string }[];
  }
  const vectors = () => readVectors<Real>("timelock-round-real.json");

  it("has the rounds that the libraries chose", () => {
    const { stateful, legacy } = vectors();
    for (const entry of stateful.cases) {
      const state = {
        lastEpochBlock: entry.last_epoch_block,
        pendingEpochAt: entry.pending_epoch_at,
        subnetEpochIndex: BigInt(entry.subnet_epoch_index),
        tempo: entry.tempo,
        blocksSinceLastStep: entry.blocks_since_last_step,
        block: entry.current_block,
      };
      const options = { periodEpochs: entry.period, blockTimeS: entry.block_time, nowS: entry.now };
      assert.equal(statefulRound(state, options), BigInt(entry.round), JSON.stringify(entry));
    }
    for (const entry of legacy.cases) {
      const state = { storageIndex: entry.netuid, tempo: entry.tempo, block: entry.current_block };
      const options = { periodEpochs: entry.period, blockTimeS: entry.block_time, nowS: entry.now };
      assert.equal(legacyRound(state, options), BigInt(entry.round), JSON.stringify(entry));
    }
  });

  it("commits of the real libraries open to the payload that went in", () => {
    const { rounds } = readVectors<Timelock>("timelock.json");
    for (const entry of vectors().commits) {
      const signature = rounds.find(({ round }) => round === entry.round)?.signatureG1;
      assert.ok(signature !== undefined);
      const plain = decryptWithSignature(bytes(entry.commit), bytes(signature));
      if (entry.library.startsWith("bittensor-commit-reveal")) {
        continue; // its payloads name no sender
      }
      const { publicKey, uids, values, versionKey } = decodePayload(plain);
      assert.deepEqual(
        [hex(publicKey), uids, values, versionKey],
        [entry.hotkey, entry.uids, entry.values, BigInt(entry.versionKey)],
      );
    }
  });

  it("commits that the libraries opened open here too", () => {
    for (const { commit, signature, plain } of vectors().acceptedByLibrary) {
      assert.equal(hex(decryptWithSignature(bytes(commit), bytes(signature))), plain);
    }
  });
});
