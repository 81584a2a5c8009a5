/** The weights that our coordinator sets, read by a real Python SDK after they were committed and revealed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ready } from "@turntable/bittensor/keys";
import { startWeighedChain } from "../harness/weighed-chain.ts";
import { ensureEnvironment } from "./environments.ts";
import { startPeer } from "./peer.ts";

await ready();

// 11.x reads the chain in another way, which is not tried here.
const version = "10.5.0";
const environment = await ensureEnvironment(version);
const skip = environment.kind === "missing" ? `bittensor ${version}: ${environment.reason}` : false;

test(`bittensor ${version} reads the weights that were revealed`, { skip }, async () => {
  assert.ok(environment.kind === "ready");
  const rewards = { "//Bob": 0, "//Charlie": 4, "//Dave": 8 };
  await using weighed = await startWeighedChain(rewards, { commitRevealEnabled: true });
  const { event, node, netuid } = weighed;
  assert.ok(event.kind === "attempt" && event.outcome.kind === "included");
  assert.ok(event.outcome.revealRound !== undefined, "it was committed");
  await weighed.revealed();

  await using peer = await startPeer(environment);
  const read = await peer.ask({ op: "chain", action: "read_weights", url: node.url, netuid });
  const [row] = weighed.attempts.latest(netuid, weighed.validator, 1);
  const sent = row?.rows.map(({ uid, weight }) => [uid, weight]);
  assert.deepEqual(sent, [
    [2, 32768],
    [3, 65535],
  ]);
  assert.deepEqual(read, [[0, sent]]);
});
