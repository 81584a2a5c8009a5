import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Keypair, keypairFromUri, ready } from "../keys/index.ts";
import type { ChainOutcome } from "./index.ts";
import {
  createLocalChain,
  type LocalChain,
  type LocalChainOptions,
  type LostCommit,
} from "./local-chain.ts";
import { encodePayload, encryptToRound, quicknet } from "./timelock/index.ts";

before(ready);

const netuid = 17;

interface Rig extends AsyncDisposable {
  readonly chain: LocalChain;
  readonly validator: Keypair;
  readonly lost: LostCommit[];
  /** Sets weights and tells the name of the refusal, or "included". */
  weigh(weights: Readonly<Record<number, number>>, versionKey?: number): Promise<string>;
}

/** A validator (uid 0) with stake and two miners (1 and 2), past the rate limit. */
function createRig(
  hyperparameters: NonNullable<LocalChainOptions["subnets"]>[0]["hyperparameters"] = {},
): Rig {
  const lost: LostCommit[] = [];
  const chain = createLocalChain({
    subnets: [{ netuid, hyperparameters }],
    onLostCommit: (one) => lost.push(one),
  });
  const validator = keypairFromUri("//Bob");
  chain.register({ netuid, hotkey: validator.ss58, stakeTao: 5000 });
  for (const uri of ["//Alice", "//Charlie"]) {
    chain.register({ netuid, hotkey: keypairFromUri(uri).ss58 });
  }
  chain.advance(100);
  return {
    chain,
    validator,
    lost,
    async weigh(weights, versionKey = 0) {
      const entries = Object.entries(weights).map(([uid, weight]) => ({
        uid: Number(uid),
        weight,
      }));
      return nameOf(
        await chain.setWeights({ netuid, hotkey: validator, weights: entries, versionKey }),
      );
    },
    [Symbol.asyncDispose]: () => chain[Symbol.asyncDispose](),
  };
}

const nameOf = (outcome: ChainOutcome): string =>
  outcome.kind === "refused" ? outcome.name : outcome.kind;

describe("weights on the local chain", () => {
  it("are stored with their largest at 65535, and paid in the next epoch", async () => {
    await using rig = createRig({ tempo: 10 });
    assert.equal(await rig.weigh({ 1: 100, 2: 50 }), "included");
    assert.deepEqual(Array.from(rig.chain.weightsOf(netuid, 0)), [
      [1, 65535],
      [2, 32767],
    ]);
    rig.chain.advance(10);
    const { neurons } = await rig.chain.metagraph(netuid);
    assert.ok(Math.abs((neurons[1]?.incentive ?? 0) - 2 / 3) < 1e-4);
    assert.equal(neurons[0]?.lastUpdate, 101);
  });

  it("are refused by the chain's rules, in the chain's order", async () => {
    await using rig = createRig({
      weightsVersion: 5,
      minAllowedWeights: 2,
      maxWeightsLimit: 40000,
    });
    assert.equal(await rig.weigh({ 0: 1, 1: 1, 2: 1, 3: 1 }), "UidsLengthExceedUidsInSubNet");
    assert.equal(await rig.weigh({ 1: 1, 2: 1 }, 4), "IncorrectWeightVersionKey");
    assert.equal(await rig.weigh({ 1: 1, 7: 1 }, 5), "UidVecContainInvalidOne");
    assert.equal(await rig.weigh({ 1: 1 }, 5), "WeightVecLengthIsLow");
    assert.equal(await rig.weigh({ 1: 9, 2: 1 }, 5), "MaxWeightExceeded");
    assert.equal(await rig.weigh({ 0: 1 }, 5), "included"); // its own weight alone is exempt
    assert.equal(await rig.weigh({ 1: 1, 2: 1 }, 5), "SettingWeightsTooFast");
    rig.chain.advance(99);
    assert.equal(await rig.weigh({ 1: 1, 2: 1 }, 5), "SettingWeightsTooFast");
    rig.chain.advance();
    assert.equal(await rig.weigh({ 1: 1, 2: 1 }, 5), "included");
    const call = { netuid, mechanism: 0, uids: [1, 2], values: [1, 1], versionKey: 5n };
    rig.chain.setHyperparameters(netuid, { commitRevealEnabled: true });
    assert.deepEqual(rig.chain.ledger.setWeights(rig.validator.ss58, call), {
      kind: "refused",
      error: "CommitRevealEnabled",
    });
    rig.chain.setHyperparameters(netuid, { commitRevealEnabled: false });
    rig.chain.setStake(rig.validator.ss58, 999);
    assert.equal(await rig.weigh({ 1: 1, 2: 1 }, 5), "NotEnoughStakeToSetWeights");
    const stranger = keypairFromUri("//Eve");
    assert.equal(
      nameOf(await rig.chain.setWeights({ netuid, hotkey: stranger, weights: [], versionKey: 5 })),
      "HotKeyNotRegisteredInSubNet",
    );
    assert.deepEqual(
      rig.chain.ledger.setWeights(rig.validator.ss58, {
        netuid,
        mechanism: 0,
        uids: [1, 1],
        values: [1],
        versionKey: 5n,
      }),
      { kind: "refused", error: "WeightVecNotEqualSize" },
    );
  });

  it("that are committed show only after their epoch", async () => {
    await using rig = createRig({
      tempo: 10,
      commitRevealEnabled: true,
      commitRevealPeriod: 2,
      weightsRateLimit: 1,
    });
    rig.chain.advance(4);
    assert.equal(await rig.weigh({ 1: 9, 2: 3 }), "included");
    const { epochIndex } = rig.chain.ledger.subnets.get(netuid) ?? { epochIndex: 0n };
    while (rig.chain.ledger.subnets.get(netuid)?.epochIndex !== epochIndex + 2n) {
      assert.equal(rig.chain.weightsOf(netuid, 0).size, 0);
      rig.chain.advance();
    }
    assert.deepEqual(Array.from(rig.chain.weightsOf(netuid, 0)), [
      [1, 65535],
      [2, 21845],
    ]);
    for (let commit = 0; commit < 10; commit += 1) {
      rig.chain.setHyperparameters(netuid, { weightsRateLimit: 0 });
      assert.equal(await rig.weigh({ 1: 1 }), "included");
    }
    assert.equal(await rig.weigh({ 1: 1 }), "TooManyUnrevealedCommits");
  });

  it("that can't be opened or set are dropped, and told as soon as it is known", async () => {
    await using rig = createRig({ tempo: 10, commitRevealEnabled: true, weightsRateLimit: 0 });
    const { beacon } = rig.chain;
    const commitOf = (key: Keypair, encryptTo = beacon.publicKey): string => {
      const { publicKey } = key;
      const payload = encodePayload({ publicKey, uids: [1], values: [7], versionKey: 0n });
      const { kind } = rig.chain.commitWeights(
        rig.validator.ss58,
        {
          netuid,
          mechanism: 0,
          commit: encryptToRound(payload, 1000n, { publicKey: encryptTo }),
          revealRound: 1000n,
          version: 4,
        },
        0n,
      );
      return kind;
    };
    // Copied from Charlie's commit, or made by a coldkey: the payload names another signer
    assert.equal(commitOf(keypairFromUri("//Charlie")), "done");
    const known = { netuid, hotkey: rig.validator.ss58 };
    const another = "the commit was made by another key than the one that sent it";
    assert.deepEqual(rig.lost.splice(0), [{ ...known, when: "committed", reason: another }]);
    rig.chain.advance(25);
    assert.equal(rig.chain.weightsOf(netuid, 0).size, 0);
    assert.deepEqual(rig.lost.splice(0), [{ ...known, when: "epoch", reason: another }]);
    // As the SDKs do, who know no other beacon
    assert.equal(commitOf(rig.validator, quicknet.publicKey), "done");
    assert.match(rig.lost.splice(0)[0]?.reason ?? "", /quicknet/);
    rig.chain.advance(25);
    assert.equal(rig.lost.splice(0).length, 1);
    assert.equal(rig.chain.weightsOf(netuid, 0).size, 0);
    assert.equal(commitOf(rig.validator), "done");
    rig.chain.advance(25);
    assert.deepEqual(Array.from(rig.chain.weightsOf(netuid, 0)), [[1, 65535]]);
  });

  it("need a permit, which the most staked have", async () => {
    await using rig = createRig({ maxValidators: 1 });
    rig.chain.setStake(keypairFromUri("//Alice").ss58, 6000);
    assert.equal(await rig.weigh({ 1: 1, 2: 1 }), "NeuronNoValidatorPermit");
    rig.chain.setStake(keypairFromUri("//Alice").ss58, 4000);
    assert.equal(await rig.weigh({ 1: 1, 2: 1 }), "included");
  });
});

describe("axons on the local chain", () => {
  it("are announced once, and no oftener than the subnet allows", async () => {
    await using rig = createRig();
    const serve = async (ip: string, port = 8091) =>
      nameOf(await rig.chain.serveAxon({ netuid, hotkey: rig.validator, address: { ip, port } }));
    assert.equal(await serve("127.0.0.1"), "InvalidIpAddress");
    assert.equal(await serve("0.0.0.0"), "InvalidIpAddress");
    assert.equal(await serve("8.8.8.8", 0), "InvalidPort");
    assert.equal(await serve("8.8.8.8"), "included");
    assert.equal(await serve("8.8.8.8"), "unchanged");
    assert.equal(await serve("8.8.4.4"), "ServingRateLimitExceeded");
    rig.chain.advance(50);
    assert.equal(await serve("2001:db8::1"), "included");
    const { neurons } = await rig.chain.metagraph(netuid);
    assert.deepEqual(neurons[0]?.axon, { ip: "2001:db8::1", port: 8091 });
    assert.equal(neurons[1]?.axon, undefined);
    const stranger = keypairFromUri("//Eve");
    assert.equal(
      nameOf(
        await rig.chain.serveAxon({
          netuid,
          hotkey: stranger,
          address: { ip: "8.8.8.8", port: 1 },
        }),
      ),
      "HotKeyNotRegisteredInNetwork",
    );
  });
});

describe("registration on the local chain", () => {
  it("gives uids in turn, and replaces the worst when the subnet is full", async () => {
    await using rig = createRig({ maxUids: 3, immunityPeriod: 50, tempo: 10 });
    assert.equal(rig.chain.register({ netuid, hotkey: rig.validator.ss58 }), 0);
    await rig.weigh({ 0: 1, 1: 1 });
    rig.chain.advance(10);
    const eve = keypairFromUri("//Eve").ss58;
    assert.equal(rig.chain.register({ netuid, hotkey: eve }), 2);
    assert.equal(await rig.chain.uidOf(netuid, eve), 2);
    assert.equal(await rig.chain.uidOf(netuid, keypairFromUri("//Charlie").ss58), undefined);
  });

  it("of a subnet that is not there is an error", async () => {
    await using rig = createRig();
    await assert.rejects(rig.chain.metagraph(3), /no subnet 3/);
  });
});

describe("the local chain's blocks", () => {
  it("are told in order until the signal", async () => {
    await using rig = createRig();
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const block of rig.chain.blocks(stop.signal)) {
        seen.push(block);
        if (seen.length === 3) {
          stop.abort();
        }
      }
    })();
    await Promise.resolve();
    rig.chain.advance(3);
    await reading;
    assert.deepEqual(seen, [102, 103, 104]);
  });

  it("come by a clock when it has one, and end with the chain", async () => {
    const chain = createLocalChain({ blockMs: 1 });
    const keepAlive = setTimeout(() => assert.fail("no block came"), 5000);
    for await (const block of chain.blocks()) {
      if (block < 3) {
        continue;
      }
      await chain[Symbol.asyncDispose]();
    }
    clearTimeout(keepAlive);
  });
});
