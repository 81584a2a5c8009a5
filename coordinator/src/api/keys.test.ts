import assert from "node:assert/strict";
import { test } from "node:test";
import { parseApiKeys } from "./keys.ts";

test("a key belongs to the name beside it", () => {
  const keys = parseApiKeys("# clients\n\n  ann   0123456789abcdef\r\nbob fedcba9876543210");
  assert.equal(keys.nameOf("0123456789abcdef"), "ann");
  assert.equal(keys.nameOf("fedcba9876543210"), "bob");
  for (const wrong of ["", "ann", "0123456789abcde", "0123456789ABCDEF"]) {
    assert.equal(keys.nameOf(wrong), undefined, wrong);
  }
});

test("one client may have more than one key, so that it can change them", () => {
  const keys = parseApiKeys("ann 0123456789abcdef\nann 1123456789abcdef\n");
  assert.deepEqual(["0123456789abcdef", "1123456789abcdef"].map(keys.nameOf), ["ann", "ann"]);
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
