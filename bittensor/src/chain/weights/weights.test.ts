import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { emitWeights, explainWeights, processWeights, rankWeights, WeightsError } from "./index.ts";

const options = { neurons: 4, minAllowedWeights: 1, maxWeightsLimit: 65535 };
const uids = [0, 1, 2, 3];

describe("weights", () => {
  it("count NaN and negatives as zero", () => {
    const { uids: kept } = processWeights({ uids, weights: [Number.NaN, -1, 0, 2] }, options);
    assert.deepEqual(kept, [3]);
    assert.equal(
      processWeights({ uids, weights: [Number.NaN, -1, 0, 0] }, options).branch,
      "uniform",
    );
  });

  it("that are infinite, negative or none can't be sent", () => {
    const infinite = processWeights(
      { uids, weights: [Number.POSITIVE_INFINITY, 1, 1, 1] },
      options,
    );
    assert.throws(() => emitWeights(infinite), WeightsError);
    assert.throws(() => emitWeights({ uids: [1], weights: [-1] }), WeightsError);
    assert.throws(() => emitWeights({ uids: [], weights: [] }), WeightsError);
    assert.throws(() => emitWeights({ uids: [1], weights: [1, 2] }), WeightsError);
  });

  it("whose sum is beyond float32 leave nothing to send, as in Python", () => {
    const huge = { uids, weights: [3e38, 3e38, 1, 2] };
    assert.deepEqual(emitWeights(processWeights(huge, options)), { uids: [], weights: [] });
    const padded = processWeights(huge, { ...options, neurons: 5, minAllowedWeights: 5 });
    assert.deepEqual(emitWeights(padded), { uids: [0, 1], weights: [65535, 65535] });
  });

  it("are padded by position, whatever the uids are", () => {
    const few = { uids: [3, 2], weights: [1, 0.5] };
    const padded = processWeights(few, { ...options, minAllowedWeights: 3 });
    assert.equal(padded.branch, "pad");
    assert.deepEqual(emitWeights(padded), { uids: [0, 1, 2, 3], weights: [65535, 32768, 1, 1] });
  });

  it("are the same for all where the limit leaves no choice", () => {
    const given = { uids, weights: [5, 1, 1, 1] };
    for (const maxWeightsLimit of [0, 16_383]) {
      assert.deepEqual(
        processWeights(given, { ...options, maxWeightsLimit }).weights,
        [0.25, 0.25, 0.25, 0.25],
      );
    }
  });

  it("round halves to even, where JavaScript rounds up", () => {
    const halves = { uids: [0, 1, 2], weights: [131_070, 1, 3] };
    assert.deepEqual(emitWeights(halves), { uids: [0, 2], weights: [65535, 2] });
    assert.deepEqual(emitWeights(emitWeights(halves)), emitWeights(halves));
  });

  it("of nobody can't be sent", () => {
    const none = processWeights({ uids: [], weights: [] }, { ...options, neurons: 0 });
    assert.throws(() => emitWeights(none), WeightsError);
  });

  it("of fewer neurons than weights refuse to pad, as Python does", () => {
    const given = { uids: [0, 1, 2], weights: [0, 0, 1] };
    assert.throws(
      () => processWeights(given, { ...options, neurons: 2, minAllowedWeights: 2 }),
      WeightsError,
    );
  });

  // None, or more than the dust in which the epsilon of the SDKs' limiting counts: an accepted result is 0.6 at least.
  const rewards = fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 100, noNaN: true }));

  it("never exceed the subnet's limit by more than rounding", () => {
    fc.assert(
      fc.property(
        fc.array(rewards, { minLength: 1, maxLength: 64 }),
        fc.integer({ min: 1000, max: 65535 }),
        (weights, maxWeightsLimit) => {
          const given = { uids: Array.from(weights.keys()), weights };
          const processed = processWeights(given, {
            neurons: weights.length,
            minAllowedWeights: 1,
            maxWeightsLimit,
          });
          const sum = processed.weights.reduce((total, weight) => total + weight, 0);
          assert.ok(Math.abs(sum - 1) < 1e-6);
          const limit = maxWeightsLimit / 65535;
          // The smaller the least is beside the largest, the fewer of its digits float32 keeps.
          const least = Math.min(...weights.filter((weight) => weight > 0));
          const rounding = 1e-5 + 2 ** -23 * (Math.max(...weights) / least);
          if (processed.branch === "normal" && processed.weights.length * limit > 1) {
            assert.ok(Math.max(...processed.weights) <= limit + rounding);
          }
        },
      ),
    );
  });

  it("by rank ignore small rewards and how far apart they are", () => {
    const one = rankWeights([0, 6, 7, 8]);
    const other = rankWeights([5, 6, 700, 8000]);
    assert.deepEqual(one, other);
    assert.deepEqual(one.uids, [1, 2, 3]);
  });

  it("are explained step by step before they are sent", () => {
    const explained = explainWeights({ uids, weights: [0, 1, 0, 3] }, options);
    assert.deepEqual(explained.steps, [
      "4 rewards for 4 neurons",
      "2 rewards above zero are at least the 1 weights asked for: they alone get weights",
      "the subnet has no limit for one weight",
      "the largest becomes 65535, halves are rounded to even",
    ]);
    assert.deepEqual(explained.rows[3], { uid: 3, reward: 3, weight: 0.75, sent: 65535 });
    assert.match(
      explainWeights({ uids, weights: [0, 0, 0, 0] }, options).steps[1] ?? "",
      /every neuron/,
    );
  });
});
