import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readVectors, skip } from "../../../test/vectors.ts";
import { emitWeights, processWeights, rankWeights, shareWeights, WeightsError } from "./index.ts";

interface Case {
  name: string;
  input: {
    uids: number[];
    weights: number[];
    num_neurons: number;
    min_allowed_weights: number;
    max_weight_limit_u16: number;
    exclude_quantile: number;
  };
  branch: string;
  processed: { uids: number[]; weights: number[] };
  emit: { uids: number[]; weights: number[] };
}

function checkCase({ name, input, branch, processed, emit }: Case): void {
  const ours = processWeights(input, {
    neurons: input.num_neurons,
    minAllowedWeights: input.min_allowed_weights,
    maxWeightsLimit: input.max_weight_limit_u16,
    excludeQuantile: input.exclude_quantile,
  });
  assert.equal(ours.branch, branch, name);
  assert.deepEqual(ours.uids, processed.uids, name);
  const largest = Math.max(...processed.weights);
  for (const [index, weight] of processed.weights.entries()) {
    assert.ok(Math.abs((ours.weights[index] ?? 0) - weight) <= 1e-5 * largest, name);
  }
  closeTo(emitWeights(ours), emit, name);
  // Python raises for no weights, as we do
  if (emit.uids.length > 0) {
    assert.deepEqual(emitWeights(emitWeights(ours)), emitWeights(ours), name);
  }
}

/** What rounds to 0 on one side and to 1 on the other is within the tolerance too. */
function closeTo(
  ours: { readonly uids: readonly number[]; readonly weights: readonly number[] },
  theirs: { readonly uids: readonly number[]; readonly weights: readonly number[] },
  name: string,
): void {
  const valuesByUid = ({ uids, weights }: typeof ours) =>
    new Map(uids.map((uid, index) => [uid, weights[index] ?? 0]));
  const [a, b] = [valuesByUid(ours), valuesByUid(theirs)];
  for (const uid of new Set([...a.keys(), ...b.keys()])) {
    assert.ok(Math.abs((a.get(uid) ?? 0) - (b.get(uid) ?? 0)) <= 1, `${name}: uid ${uid}`);
  }
}

describe("weights.json", { skip }, () => {
  interface HandMade {
    process_cases: Case[];
    emit_cases: {
      name: string;
      uids: number[];
      weights: number[];
      out_uids?: number[];
      out_weights?: number[];
      error?: string;
    }[];
    sn17_oct2025_rank_sigmoid: {
      rewards: number[];
      uids: number[];
      weights: number[];
      emit_uids: number[];
      emit_weights: number[];
    };
    sn17_may2024_l1: {
      rewards: number[];
      l1: number[];
      emit_uids: number[];
      emit_weights: number[];
    };
  }
  const vectors = () => readVectors<HandMade>("weights.json");

  it("is processed as in Python", () => {
    for (const entry of vectors().process_cases) {
      checkCase(entry);
    }
  });

  it("is rounded half to even, and refused where Python raises", () => {
    for (const entry of vectors().emit_cases) {
      if (entry.error !== undefined) {
        assert.throws(() => emitWeights(entry), WeightsError, entry.name);
      } else {
        assert.deepEqual(
          emitWeights(entry),
          { uids: entry.out_uids, weights: entry.out_weights },
          entry.name,
        );
      }
    }
  });

  it("has subnet 17's own weights of both years", () => {
    const { sn17_oct2025_rank_sigmoid: newer, sn17_may2024_l1: older } = vectors();
    const ranked = rankWeights(newer.rewards);
    assert.deepEqual(ranked.uids, newer.uids);
    for (const [index, weight] of newer.weights.entries()) {
      assert.ok(Math.abs((ranked.weights[index] ?? 0) - weight) < 1e-12);
    }
    closeTo(emitWeights(ranked), { uids: newer.emit_uids, weights: newer.emit_weights }, "2025");
    const shares = shareWeights(older.rewards);
    assert.deepEqual(shares.weights, older.l1);
    closeTo(emitWeights(shares), { uids: older.emit_uids, weights: older.emit_weights }, "2024");
  });
});

describe("weights-real.json", { skip }, () => {
  it("is processed as the real library did", () => {
    for (const entry of skip ? [] : readVectors<{ cases: Case[] }>("weights-real.json").cases) {
      checkCase(entry);
    }
  });
});
