import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, parseApiKeys } from "./key-file.ts";

test("a key belongs to the name beside it, and one client may have several, so that it can change them", () => {
  const keys = parseApiKeys(
    "# clients\n\n  ann   0123456789abcdef\r\nbob fedcba9876543210\nann 1123456789abcdef\n",
  );
  assert.deepEqual(keys, [
    { name: "ann", hash: hashOf("0123456789abcdef") },
    { name: "bob", hash: hashOf("fedcba9876543210") },
    { name: "ann", hash: hashOf("1123456789abcdef") },
  ]);
});

test("a line that is no client is named, and its key is not repeated", () => {
  for (const line of ["ann", "ann short", "ann 0123456789abcdef more"]) {
    assert.throws(
      () => parseApiKeys(`bob fedcba9876543210\n${line}\n`),
      (error) =>
        error instanceof Error &&
        /line 2: expected "name key"/.test(error.message) &&
        !error.message.includes("0123456789abcdef"),
    );
  }
});

test("a file without keys is refused: nobody could call", () => {
  assert.throws(() => parseApiKeys("# nobody yet\n"), /no keys/);
});

test("a key named like something of ours would see what is nobody's", () => {
  for (const name of ["synthetic", "organic", "anonymous"]) {
    assert.throws(
      () => parseApiKeys(`ann 0123456789abcdef\n${name} fedcba9876543210`),
      new RegExp(`line 2: "${name}" means something of ours`),
    );
  }
});
