/** The coordinator's weights through JSON-RPC and real SCALE bytes, on a node that keeps the chain's own rules. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ready } from "@turntable/bittensor/keys";
import { startWeighedChain } from "../harness/weighed-chain.ts";

before(ready);

for (const commitRevealEnabled of [false, true]) {
  const how = commitRevealEnabled
    ? "after commit and reveal"
    : "at once where they are set in the open";
  test(`weights are on the chain ${how}`, { timeout: 60_000 }, async () => {
    const rewards = { "//Bob": 2, "//Charlie": 3 };
    await using weighed = await startWeighedChain(rewards, { commitRevealEnabled });
    const { netuid, local, chain, node, attempts, event } = weighed;
    assert.ok(event.kind === "attempt");
    assert.equal(event.outcome.kind, "included");
    const [row] = attempts.latest(netuid, weighed.validator, 1);
    assert.equal(row?.outcome, "included");
    assert.equal(row.revealRound !== undefined, commitRevealEnabled);
    const call = node.included.at(-1)?.call;
    assert.match(call ?? "", commitRevealEnabled ? /^commit_timelocked/ : /^set_/);
    if (commitRevealEnabled) {
      await weighed.revealed();
    }
    assert.deepEqual(Object.fromEntries(local.weightsOf(netuid, 0)), { 1: 43690, 2: 65535 });
    assert.deepEqual(await chain.weights(netuid, 0), local.weightsOf(netuid, 0), "as read back");
    assert.equal((await chain.weights(netuid, 1)).size, 0);
  });
}
