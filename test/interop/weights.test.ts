/** The weights that our coordinator sets, read by real Python SDKs after they were committed and revealed. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { ready } from "@turntable/bittensor/keys";
import { startWeighedChain } from "../harness/weighed-chain.ts";
import { type Environment, ensureEnvironment } from "./environments.ts";
import { startPeer } from "./peer.ts";

await ready();

type Ready = Environment & { readonly kind: "ready" };
/** Weights by the validator's uid: pairs of a miner's uid and its weight, the largest being 1. */
type Read = (environment: Ready, url: string, netuid: number) => Promise<unknown>;

const until10: Read = async (environment, url, netuid) => {
  await using peer = await startPeer(environment);
  return await peer.ask({ op: "chain", action: "read_weights", url, netuid });
};

/** It reads shares of all weights, as fractions. */
const from11 = `
import asyncio, json, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
import bittensor as bt
async def read(url, netuid):
    async with bt.Subtensor(url, fallback_endpoints=[], archive_endpoints=[]) as client:
        return await client.weights.weights(netuid)
shares = asyncio.run(read(sys.argv[1], int(sys.argv[2])))
answers.write(json.dumps([[uid, list(row.items())] for uid, row in shares.items()]))
answers.flush()
os._exit(0)
`;
const since11: Read = async ({ python }, url, netuid) => {
  const { stdout } = await promisify(execFile)(python, ["-c", from11, url, String(netuid)]);
  const read: unknown = JSON.parse(stdout);
  return read;
};

const sent = [
  [2, 32768],
  [3, 65535],
] as const;
const total = 32768 + 65535;

for (const [version, read, expected] of [
  ["10.5.0", until10, sent],
  ["11.3.0", since11, sent.map(([uid, weight]) => [uid, weight / total])],
] as const) {
  const environment = await ensureEnvironment(version);
  const skip =
    environment.kind === "missing" ? `bittensor ${version}: ${environment.reason}` : false;

  test(`bittensor ${version} reads the weights that were revealed`, { skip }, async () => {
    assert.ok(environment.kind === "ready");
    const rewards = { "//Bob": 0, "//Charlie": 4, "//Dave": 8 };
    await using weighed = await startWeighedChain(rewards, { commitRevealEnabled: true });
    const { event, node, netuid } = weighed;
    assert.ok(event.kind === "attempt" && event.outcome.kind === "included");
    assert.ok(event.outcome.revealRound !== undefined, "it was committed");
    await weighed.revealed();

    const [row] = weighed.attempts.latest(netuid, weighed.validator, 1);
    assert.deepEqual(
      row?.rows.map(({ uid, weight }) => [uid, weight]),
      sent,
    );
    assert.deepEqual(await read(environment, node.url, netuid), [[0, expected]]);
  });
}
