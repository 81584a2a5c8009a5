import assert from "node:assert/strict";
import { test } from "node:test";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { announceAxon, isPrivateAddress } from "./announce.ts";

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

test("the outer port is announced, and a private address is announced and told", async () => {
  await ready();
  const hotkey = keypairFromUri("//Alice");
  const served: unknown[] = [];
  const chain: Parameters<typeof announceAxon>[0] = {
    async serveAxon({ address }) {
      served.push(address);
      return { kind: "unchanged" };
    },
  };
  const announced = await announceAxon(chain, { netuid: 17, hotkey, port: 30_091 }, "10.0.0.7");
  assert.deepEqual(served, [{ ip: "10.0.0.7", port: 30_091 }]);
  assert.equal(announced.isPrivate, true);
});
