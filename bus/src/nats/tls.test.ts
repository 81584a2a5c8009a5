import assert from "node:assert/strict";
import { test } from "node:test";
import type { PeerCertificate } from "node:tls";
import { identityOf } from "./tls.ts";

test("a server without a name of its own is one of those that were given, by its certificate", () => {
  const check = identityOf(["nats", "10.0.0.1"]);
  const faultOf = (name: string, subjectaltname: string): Error | undefined =>
    check(name, { subject: {}, subjectaltname } as PeerCertificate);
  assert.equal(faultOf("localhost", "DNS:nats"), undefined);
  assert.equal(faultOf("localhost", "IP Address:10.0.0.1"), undefined);
  assert.ok(faultOf("localhost", "DNS:localhost"));
  assert.ok(faultOf("localhost", "DNS:other"));
  assert.equal(faultOf("nats", "DNS:nats"), undefined);
  assert.ok(faultOf("nats", "IP Address:10.0.0.1"));
});
