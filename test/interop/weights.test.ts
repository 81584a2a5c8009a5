/** The weights that our coordinator sets, read by a real Python SDK after they were committed and revealed. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
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
import { ensureEnvironment } from "./environments.ts";
import { startPeer } from "./peer.ts";

await ready();

const netuid = 17;
// 11.x reads the chain in another way, which is not tried here.
const version = "10.5.0";
const environment = await ensureEnvironment(version);
const skip = environment.kind === "missing" ? `bittensor ${version}: ${environment.reason}` : false;

test(`bittensor ${version} reads the weights that were revealed`, { skip }, async () => {
  assert.ok(environment.kind === "ready");
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "turntable-weights-"));
  stack.defer(() => rm(directory, { recursive: true }));
  const store = stack.use(openStore(directory));
  const hyperparameters = { commitRevealEnabled: true, tempo: 100 };
  const local = stack.use(
    createLocalChain({ blockMs: 50, subnets: [{ netuid, hyperparameters }] }),
  );
  const validator = keypairFromUri("//Alice");
  const miners = ["//Bob", "//Charlie", "//Dave"].map((uri) => keypairFromUri(uri).ss58);
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
      rewardsOf: () => new Map(miners.map((hotkey, i) => [hotkey, 4 * i])),
      onEvent: (event) => event.kind !== "age" && told.resolve(event),
      onTrouble: (_, error) => told.reject(error),
    }),
  );
  const event = await told.promise;
  assert.ok(event.kind === "attempt" && event.outcome.kind === "included");
  assert.ok(event.outcome.revealRound !== undefined, "it was committed");
  for await (const _ of local.blocks()) {
    if (local.weightsOf(netuid, 0).size > 0) {
      break;
    }
  }

  const peer = stack.use(await startPeer(environment));
  const read = await peer.ask({ op: "chain", action: "read_weights", url: node.url, netuid });
  const [row] = attempts.latest(netuid, validator.ss58, 1);
  const sent = row?.rows.map(({ uid, weight }) => [uid, weight]);
  assert.deepEqual(sent, [
    [2, 32768],
    [3, 65535],
  ]);
  assert.deepEqual(read, [[0, sent]]);
});
