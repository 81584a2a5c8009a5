/** The coordinator's weights through JSON-RPC and real SCALE bytes, on a node that keeps the chain's own rules. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { startLocalNode } from "@turntable/bittensor/local-node";
import { connectSubtensor } from "@turntable/bittensor/subtensor";
import {
  createAttempts,
  openStore,
  startWeights,
  type WeightsEvent,
} from "@turntable/coordinator/internal";
import { ruleSets } from "@turntable/coordinator/rules";

before(ready);

const netuid = 17;

for (const commitRevealEnabled of [false, true]) {
  const how = commitRevealEnabled
    ? "after commit and reveal"
    : "at once where they are set in the open";
  test(`weights are on the chain ${how}`, { timeout: 60_000 }, async () => {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), "turntable-weights-"));
    stack.defer(() => rm(directory, { recursive: true }));
    const store = stack.use(openStore(directory));
    const local = stack.use(
      createLocalChain({
        blockMs: 20,
        subnets: [{ netuid, hyperparameters: { commitRevealEnabled, tempo: 100 } }],
      }),
    );
    const validator = keypairFromUri("//Alice");
    const miners = ["//Bob", "//Charlie"].map((uri) => keypairFromUri(uri).ss58);
    local.register({ netuid, hotkey: validator.ss58, stakeTao: 5_000 });
    for (const hotkey of miners) {
      local.register({ netuid, hotkey });
    }
    local.advance(100);
    const node = stack.use(await startLocalNode({ chain: local }));
    const beaconPublicKey = local.beacon.publicKey;
    const chain = stack.use(await connectSubtensor({ endpoints: [node.url], beaconPublicKey }));

    const told = Promise.withResolvers<WeightsEvent>();
    const attempts = createAttempts(store);
    stack.use(
      startWeights({
        ...{ chain, attempts, now: Date.now },
        place: { netuid, hotkey: validator },
        rules: { weights: { ...ruleSets.seed.weights, lookMs: 20 } },
        rewardsOf: () => new Map(miners.map((hotkey, i) => [hotkey, 2 + i])),
        onEvent: (event) => event.kind !== "age" && told.resolve(event),
        onTrouble: (_, error) => told.reject(error),
      }),
    );
    const event = await told.promise;
    assert.ok(event.kind === "attempt");
    assert.equal(event.outcome.kind, "included");
    const [row] = attempts.latest(netuid, validator.ss58, 1);
    assert.equal(row?.outcome, "included");
    assert.equal(row.revealRound !== undefined, commitRevealEnabled);
    const call = node.included.at(-1)?.call;
    assert.match(call ?? "", commitRevealEnabled ? /^commit_timelocked/ : /^set_/);
    if (commitRevealEnabled) {
      for await (const _ of local.blocks()) {
        if (local.weightsOf(netuid, 0).size > 0) {
          break;
        }
      }
    }
    assert.deepEqual(Object.fromEntries(local.weightsOf(netuid, 0)), { 1: 43690, 2: 65535 });
    assert.deepEqual(await chain.weights(netuid, 0), local.weightsOf(netuid, 0), "as read back");
    assert.equal((await chain.weights(netuid, 1)).size, 0);
  });
}
