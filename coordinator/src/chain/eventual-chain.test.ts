import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalChain } from "@turntable/bittensor/chain";
import { createEventualChain } from "./index.ts";

test("connects when it is asked, again as long as that fails, then once", async () => {
  let attempts = 0;
  const local = createLocalChain({ subnets: [{ netuid: 17 }] });
  {
    await using chain = createEventualChain(async () => {
      if (++attempts < 3) {
        throw new Error("away");
      }
      return local;
    });
    assert.equal(attempts, 0);
    await assert.rejects(chain.metagraph(17), /away/);
    await assert.rejects(chain.metagraph(17), /away/);
    assert.equal((await chain.metagraph(17)).neurons.length, 0);
    await chain.metagraph(17);
    assert.equal(attempts, 3);
  }
});

test("a connection that hangs holds up neither a call with a signal nor the end", async () => {
  const chain = createEventualChain(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  );
  await chain.ready(1);
  await assert.rejects(chain.metagraph(17, AbortSignal.abort(new Error("too long"))), /too long/);
  await chain[Symbol.asyncDispose]();
});
