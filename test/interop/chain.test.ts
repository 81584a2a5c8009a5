/** The Python SDKs' chain clients on our local node. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createLocalChain } from "@turntable/bittensor/chain";
import {
  createMnemonic,
  keyFileText,
  keypairFromMnemonic,
  keypairFromUri,
  publicKeyFileText,
  ready,
} from "@turntable/bittensor/keys";
import { startLocalNode } from "@turntable/bittensor/local-node";
import { isJsonObject, type Json } from "@turntable/bittensor/synapse";
import { ensureEnvironment } from "./environments.ts";
import { type Peer, startPeer } from "./peer.ts";

await ready();

const netuid = 17;

for (const version of ["9.12.2", "10.5.0"] as const) {
  const environment = await ensureEnvironment(version);
  const skip =
    environment.kind === "missing" ? `bittensor ${version}: ${environment.reason}` : false;

  describe(`the chain client of bittensor ${version}`, { skip }, () => {
    let peer: Peer;
    before(async () => {
      if (environment.kind === "ready") {
        peer = await startPeer(environment);
      }
    });
    after(async () => peer?.[Symbol.asyncDispose]());

    it("finds its subnet, serves an axon and sets weights", async () => {
      const mnemonic = createMnemonic();
      const hotkey = keypairFromMnemonic(mnemonic);
      const wallets = await mkdtemp(join(tmpdir(), "interop-wallets-"));
      await mkdir(join(wallets, "default", "hotkeys"), { recursive: true });
      await writeFile(join(wallets, "default", "hotkeys", "default"), keyFileText(mnemonic), {
        mode: 0o600,
      });
      await writeFile(
        join(wallets, "default", "coldkeypub.txt"),
        publicKeyFileText(hotkey.publicKey),
        { mode: 0o600 },
      );

      const hyperparameters = { weightsRateLimit: 0, servingRateLimit: 0 };
      await using chain = createLocalChain({
        blockMs: 250,
        subnets: [{ netuid, hyperparameters }],
      });
      chain.register({ netuid, hotkey: hotkey.ss58, stakeTao: 5000 });
      for (let miner = 1; miner < 5; miner += 1) {
        chain.register({ netuid, hotkey: keypairFromUri(`//Miner${miner}`).ss58 });
      }
      chain.advance(200);
      await using localNode = await startLocalNode({ chain });
      const ask = async (action: string, more: { readonly [name: string]: Json } = {}) => {
        const answer = await peer.ask({
          op: "chain",
          action,
          url: localNode.url,
          netuid,
          wallets,
          hotkey: hotkey.ss58,
          ...more,
        });
        assert.ok(isJsonObject(answer));
        return answer;
      };

      const seen = await ask("look");
      assert.equal(seen.uid, 0);
      assert.equal(seen.registered, true);
      assert.deepEqual(
        seen.hotkeys,
        (await chain.metagraph(netuid)).neurons.map((neuron) => neuron.hotkey),
      );
      assert.deepEqual(seen.stakes, [5000, 0, 0, 0, 0]);

      const served = await ask("serve", { ip: "8.8.8.8", port: 8091 });
      const { neurons } = await chain.metagraph(netuid);
      assert.deepEqual(neurons[0]?.axon, { ip: "8.8.8.8", port: 8091 }, String(served.answer));

      const weighed = await ask("weigh", {
        uids: [1, 2, 4],
        weights: [0.5, 0.25, 0.25],
        version_key: 5,
      });
      assert.deepEqual(
        Array.from(chain.weightsOf(netuid, 0)),
        [
          [1, 65535],
          [2, 32768],
          [4, 32768],
        ],
        String(weighed.answer),
      );
      chain.setHyperparameters(netuid, { commitRevealEnabled: true });
      const committed = await ask("weigh", { uids: [1], weights: [1], version_key: 5 });
      const commits = chain.ledger.subnets.get(netuid)?.commits ?? [];
      assert.equal(commits.length, 1, String(committed.answer));
      assert.equal(commits[0]?.commit.length, 59 - 12 + 244);
      assert.ok(localNode.included.every(({ signer }) => signer === hotkey.ss58));
    });
  });
}
