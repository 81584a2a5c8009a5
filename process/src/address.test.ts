import assert from "node:assert/strict";
import { test } from "node:test";
import { hostAndPort, interfaceSchema } from "./address.ts";

test("an interface is taken with and without brackets, and written with its port", () => {
  const schema = interfaceSchema("127.0.0.1");
  for (const [text, written] of [
    ["0.0.0.0", "0.0.0.0:80"],
    ["localhost", "localhost:80"],
    ["::1", "[::1]:80"],
    ["[::1]", "[::1]:80"],
    ["[fe80::1%eth0]", "[fe80::1%eth0]:80"],
    [undefined, "127.0.0.1:80"],
  ] as const) {
    assert.equal(hostAndPort(schema.parse(text), 80), written);
  }
});

test("a port, a URL or nothing in place of an interface is refused with what is accepted", () => {
  for (const text of ["", "127.0.0.1:80", "[::1]:80", "http://localhost", "a b"]) {
    assert.match(
      String(interfaceSchema("::1").safeParse(text).error),
      /0\.0\.0\.0, localhost/,
      text,
    );
  }
});
