import assert from "node:assert/strict";
import { test } from "node:test";
import type { AxonAddress } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { type AxonAnnouncement, isPrivateAddress, startAnnouncing } from "./announce.ts";

await ready();

test("addresses that only their own network reaches are known", () => {
  for (const ip of [
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.9",
    "100.64.0.9",
    "169.254.1.1",
    "fd00::1",
    "fe80::1",
  ]) {
    assert.ok(isPrivateAddress(ip), ip);
  }
  for (const ip of [
    "127.0.0.1",
    "::1",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "192.169.0.1",
    "2001:4860:4860::8888",
  ]) {
    assert.ok(!isPrivateAddress(ip), ip);
  }
});

const alice = keypairFromUri("//Alice");
type Options = Parameters<typeof startAnnouncing>[0];
type Chain = Options["chain"];
type Outside = Options["outside"];

/** Announcing 10.0.0.7:30091 to a chain that keeps what it is told, unless `state` says otherwise. */
async function announcing() {
  let now = 0;
  const state = { isAway: false, refuses: false };
  let known: { readonly axon: AxonAddress | undefined } | undefined;
  const served: AxonAddress[] = [];
  const told: AxonAnnouncement[] = [];
  const troubles: string[] = [];
  const serveAxon: Chain["serveAxon"] = async ({ address }) => {
    if (state.isAway) {
      throw new Error("away");
    }
    served.push(address);
    if (state.refuses) {
      return { kind: "refused", name: "InvalidIpAddress", message: "" };
    }
    known = { axon: address };
    return { kind: "included", block: 1, revealRound: undefined };
  };
  return {
    ...{ served, told, troubles, state },
    say: (next: typeof known) => {
      known = next;
    },
    async start(outside: Outside = { externalIp: "10.0.0.7", externalPort: 30_091 }) {
      const loop = await startAnnouncing({
        ...{ chain: { serveAxon }, outside, now: () => now },
        places: [{ netuid: 17, hotkey: alice, port: 8091 }],
        neuronOf: () => known,
        onAnnounced: (announcement) => told.push(announcement),
        onTrouble: (what) => troubles.push(what),
      });
      return {
        later: (ms: number) => {
          now += ms;
          return loop.runNow();
        },
        [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
      };
    },
  };
}

test("the outer port is announced once, and a private address is announced and told", async () => {
  const chain = await announcing();
  await using loop = await chain.start();
  await loop.later(24 * 3_600_000);
  assert.deepEqual(chain.served, [{ ip: "10.0.0.7", port: 30_091 }]);
  assert.deepEqual(
    chain.told.map(({ isPrivate, outcome }) => [isPrivate, outcome.kind]),
    [[true, "included"]],
  );
});

test("a chain that is away at the start is told once it is there", async () => {
  const chain = await announcing();
  chain.state.isAway = true;
  await using loop = await chain.start();
  await loop.later(60_000);
  assert.deepEqual([chain.served.length, chain.troubles.length], [0, 2]);
  chain.state.isAway = false;
  await loop.later(60_000);
  await loop.later(60_000);
  assert.equal(chain.served.length, 1);
});

test("a chain that says something else by now is told again; nobody who is not registered is", async () => {
  const chain = await announcing();
  await using loop = await chain.start();
  chain.say(undefined);
  await loop.later(3_600_000);
  assert.equal(chain.served.length, 1);
  chain.say({ axon: undefined }); // registered anew
  await loop.later(1);
  assert.equal(chain.served.length, 2);
});

test("a chain that refuses is asked less and less often", async () => {
  const chain = await announcing();
  chain.state.refuses = true;
  chain.say({ axon: undefined });
  await using loop = await chain.start();
  const asked = [];
  for (let minute = 1; minute <= 110; minute++) {
    const before = chain.served.length;
    await loop.later(60_000);
    if (chain.served.length > before) {
      asked.push(minute);
    }
  }
  assert.deepEqual(asked, [15, 45, 105]);
});

test("without an outside address nothing is announced", async () => {
  const chain = await announcing();
  chain.say({ axon: undefined });
  await using loop = await chain.start({ externalIp: undefined, externalPort: undefined });
  await loop.later(3_600_000);
  assert.deepEqual(chain.served, []);
});
