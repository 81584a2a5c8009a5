import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readVectors, skip } from "../../test/vectors.ts";
import { ipFromChain, ipToChain, isServable } from "./address.ts";

describe("ip-version.json: addresses", { skip }, () => {
  interface IpVectors {
    ip: { ip: string; ip_type: number; int: string; chain_accepts: boolean }[];
  }
  it("are the chain's integers, and are taken or not as it does", () => {
    for (const entry of readVectors<IpVectors>("ip-version.json").ip) {
      const there = ipToChain(entry.ip);
      assert.deepEqual(there, { ip: BigInt(entry.int), ipType: entry.ip_type });
      assert.equal(isServable(there), entry.chain_accepts, entry.ip);
      assert.deepEqual(ipToChain(ipFromChain(there)), there);
    }
  });
});
