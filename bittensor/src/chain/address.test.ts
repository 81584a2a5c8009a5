import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ipFromChain, ipToChain, unreachableReason } from "./address.ts";

describe("addresses on chain", () => {
  it("come back as they went", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const there = ipToChain(text);
        assert.deepEqual(ipToChain(ipFromChain(there)), there);
      }),
    );
    assert.equal(ipFromChain(ipToChain("2001:0db8:0:0:0:0:0:1")), "2001:db8::1");
    assert.throws(() => ipToChain("example.org"), RangeError);
  });

  it("that nobody can reach from outside are explained", () => {
    assert.match(unreachableReason("192.168.1.10") ?? "", /private/);
    assert.match(unreachableReason("172.31.255.255") ?? "", /private/);
    assert.match(unreachableReason("127.0.0.1") ?? "", /itself/);
    assert.match(unreachableReason("fe80::1") ?? "", /link-local/);
    assert.equal(unreachableReason("8.8.8.8"), undefined);
    assert.equal(unreachableReason("172.32.0.1"), undefined);
    assert.equal(unreachableReason("2001:4860:4860::8888"), undefined);
  });
});
