import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { findValidators } from "./client.ts";
import { mineOnce } from "./miner.ts";
import { startValidator } from "./validator.ts";

before(ready);

describe("the examples", () => {
  it("work together: a miner and a client of one validator", async () => {
    const [validator, miner] = [keypairFromUri("//Bob"), keypairFromUri("//Alice")];
    await using chain = createLocalChain({ allowLoopback: true });
    for (const { ss58 } of [validator, miner]) {
      chain.register({ netuid: 17, hotkey: ss58 });
    }
    chain.setStake(validator.ss58, 5000);
    await using axon = await startValidator(validator, new Set([miner.ss58]));
    const address = { ip: "127.0.0.1", port: axon.port };
    await chain.serveAxon({ netuid: 17, hotkey: validator, address });

    assert.deepEqual(await findValidators(miner, chain, 17), [validator.ss58]);
    const target = { ...address, hotkey: validator.ss58 };
    const submitted = await mineOnce(miner, target, (prompt) => Buffer.from(prompt));
    assert.ok(submitted.kind === "ok" && submitted.fields.cooldown_until === 60);
    const stranger = await mineOnce(keypairFromUri("//Eve"), target, () => Buffer.alloc(0));
    assert.equal(stranger.message, "Forbidden. Key is blacklisted: Unrecognized hotkey.");
  });

  it("are those of the README", () => {
    const folder = join(import.meta.dirname);
    const readme = readFileSync(join(folder, "..", "README.md"), "utf8");
    for (const name of ["validator", "miner", "client"]) {
      assert.ok(readme.includes(readFileSync(join(folder, `${name}.ts`), "utf8")), name);
    }
  });
});
