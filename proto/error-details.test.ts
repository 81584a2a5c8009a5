import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeErrorDetails, noErrorDetails, parseErrorDetails } from "./error-details.ts";

/** One field of a protobuf message: its tag byte, its length, its bytes. */
const field = (tag: number, ...parts: (string | Buffer)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
};
const any = (type: string, message: Buffer): Buffer =>
  field(0x1a, field(0x0a, `type.googleapis.com/google.rpc.${type}`), field(0x12, message));

test("details are those that every gRPC client reads", () => {
  const fields = [{ field: "prompt", description: "is empty" }];
  const limits = [{ subject: "tasks", description: "2 are open" }];
  const expected = Buffer.concat([
    Buffer.from([0x08, 3]),
    field(0x12, "no"),
    any("ErrorInfo", Buffer.concat([field(0x0a, "WRONG"), field(0x12, "turntable")])),
    any("BadRequest", field(0x0a, field(0x0a, "prompt"), field(0x12, "is empty"))),
    any("QuotaFailure", field(0x0a, field(0x0a, "tasks"), field(0x12, "2 are open"))),
    any("RetryInfo", field(0x0a, Buffer.from([0x08, 1, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]))),
  ]);
  const encoded = encodeErrorDetails(3, "no", {
    ...{ reason: "WRONG", fields, limits, retryAfterMs: 1_500 },
  });
  assert.deepEqual(encoded, expected);
  assert.deepEqual(parseErrorDetails(encoded), {
    ...{ reason: "WRONG", fields, limits, retryAfterMs: 1_500 },
  });
});

test("kinds of detail that are none of ours are skipped, and what cannot be read says nothing", () => {
  const limits = [{ subject: "tasks", description: "2 are open" }];
  const more = any("ErrorInfo", field(0x0a, "REASON"));
  const encoded = Buffer.concat([encodeErrorDetails(8, "full", { limits }), more]);
  assert.deepEqual(parseErrorDetails(encoded), { ...noErrorDetails, limits });
  assert.deepEqual(parseErrorDetails(Buffer.from("not a message")), noErrorDetails);
  const cut = any("RetryInfo", Buffer.from([0x0a, 9, 1]));
  assert.deepEqual(parseErrorDetails(cut), noErrorDetails);
});
