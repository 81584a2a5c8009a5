import assert from "node:assert/strict";
import { test } from "node:test";
import { addressKey } from "./address.ts";

test("an IPv4 address stands for itself, mapped into IPv6 or not", () => {
  assert.equal(addressKey("203.0.113.7"), "203.0.113.7");
  assert.equal(addressKey("::ffff:203.0.113.7"), "203.0.113.7");
  assert.equal(addressKey("::FFFF:203.0.113.7"), "203.0.113.7");
  assert.equal(addressKey(""), "");
});

test("an IPv6 address stands for its /64, however it is written", () => {
  const key = "2001:db8:0:42::/64";
  for (const address of [
    "2001:db8:0:42::1",
    "2001:0db8:0000:0042:ffff:ffff:ffff:ffff",
    "2001:db8::42:0:0:0:9",
    "2001:DB8:0:42:1::",
    "2001:db8:0:42::1%eth0",
  ]) {
    assert.equal(addressKey(address), key, address);
  }
  assert.notEqual(addressKey("2001:db8:0:43::1"), key);
  assert.equal(addressKey("::1"), "0:0:0:0::/64");
  assert.equal(addressKey("fe80::1%lo"), "fe80:0:0:0::/64");
  assert.equal(addressKey("::"), "0:0:0:0::/64");
});
