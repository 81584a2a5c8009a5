import assert from "node:assert/strict";
import { test } from "node:test";
import { nak, parseDelivery } from "./jetstream.ts";

test("a delivery is read from the reply subject of older and newer servers", () => {
  const short = "$JS.ACK.JOBS.workers-organic.3.17.42.1700000000000000000.5";
  const long = "$JS.ACK.hub.Ab12.JOBS.workers-organic.3.17.42.1700000000000000000.5.Xy";
  for (const reply of [short, long]) {
    assert.deepEqual(parseDelivery({ reply }), {
      ackSubject: reply,
      count: 3,
      streamSequence: 17,
      pending: 5,
    });
  }
});

test("a message that no consumer delivered is refused", () => {
  for (const reply of [undefined, "_INBOX.abc", "$JS.API.INFO.a.b.c.d.e.f.g"]) {
    assert.throws(
      () => parseDelivery(reply === undefined ? {} : { reply }),
      /not a message of a consumer/,
    );
  }
});

test("a nak carries its delay in nanoseconds, and none when there is none", () => {
  assert.equal(nak(0), "-NAK");
  assert.equal(nak(1500), '-NAK {"delay":1500000000}');
  assert.equal(nak(0.1234567), '-NAK {"delay":1000000}', "the server takes whole numbers only");
});
