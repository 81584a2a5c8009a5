import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ApiKeyError, openApiKeys, parseApiKeys } from "./index.ts";

function openFolder() {
  const directory = mkdtempSync(join(tmpdir(), "turntable-keys-"));
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

const ann = { name: "ann", scopes: ["generate", "score"] as const };

test("a key is known by its secret, which is nowhere on the disk", () => {
  using folder = openFolder();
  using keys = openApiKeys(folder.directory);
  const made = keys.create({ ...ann, callsPerMinute: 60 }, 1_000) ?? assert.fail();
  assert.match(made.secret, new RegExp(`^${made.key.id}_[A-Za-z0-9_-]{43}$`));
  assert.deepEqual(keys.find(made.secret, 1_000), {
    ...{ id: made.key.id, name: "ann", scopes: ["generate", "score"], isFromFile: false },
    limits: { callsPerMinute: 60, concurrentCalls: 0 },
    ...{ createdAt: new Date(1_000), expiresAt: undefined },
  });
  assert.equal(keys.find(`${made.secret}x`, 1_000), undefined);
  assert.equal(keys.find("", 1_000), undefined);
  for (const file of ["keys.sqlite", "keys.sqlite-wal"]) {
    assert.ok(!readFileSync(join(folder.directory, file)).includes(made.secret.slice(-43)));
  }
});

test("what another process makes holds at once, what it ends a tenth of a second later", () => {
  using folder = openFolder();
  using coordinator = openApiKeys(folder.directory);
  using command = openApiKeys(folder.directory);
  const { secret, key } = command.create(ann, 0) ?? assert.fail();
  assert.equal(coordinator.find(secret, 0)?.name, "ann");
  const second = command.create({ ...ann, name: "bob" }, 0) ?? assert.fail();
  assert.equal(coordinator.find(second.secret, 0)?.name, "bob");
  assert.ok(coordinator.isGood(key.id, 0));
  assert.ok(command.revoke(key.id));
  assert.equal(coordinator.find(secret, 100), undefined);
  assert.ok(!coordinator.isGood(key.id, 100));
  assert.ok(!coordinator.revoke(key.id), "it has ended already");
});

test("a key that has expired is nobody's, and is still listed", () => {
  using folder = openFolder();
  using keys = openApiKeys(folder.directory);
  const made = keys.create({ ...ann, expiresAt: new Date(2_000) }, 1_000) ?? assert.fail();
  assert.ok(keys.find(made.secret, 1_999));
  assert.equal(keys.find(made.secret, 2_000), undefined);
  assert.ok(!keys.isGood(made.key.id, 2_000));
  assert.equal(keys.list().length, 1);
});

test("keys of a file stand beside those made here, and end in the file", () => {
  using folder = openFolder();
  using keys = openApiKeys(folder.directory, parseApiKeys("bob 0123456789abcdef"));
  keys.create(ann, 0);
  assert.deepEqual(
    keys.list().map(({ name, isFromFile }) => [name, isFromFile]),
    [
      ["ann", false],
      ["bob", true],
    ],
  );
  const bob = keys.find("0123456789abcdef", 0) ?? assert.fail();
  assert.deepEqual(bob.scopes, ["generate", "score"]);
  assert.ok(!keys.revoke(bob.id));
  assert.ok(keys.isGood(bob.id, 0));
});

test("asking again under the same request id makes no second key", () => {
  using folder = openFolder();
  using keys = openApiKeys(folder.directory);
  assert.ok(keys.create({ ...ann, requestId: "r" }, 0));
  assert.equal(keys.create({ ...ann, requestId: "r" }, 0), undefined);
  assert.equal(keys.list().length, 1);
});

test("what makes no sense is refused by its field", () => {
  using folder = openFolder();
  using keys = openApiKeys(folder.directory);
  for (const [field, wrong] of [
    ["name", { ...ann, name: "" }],
    ["name", { ...ann, name: "two words" }],
    ["name", { ...ann, name: "synthetic" }],
    ["name", { ...ann, name: "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY" }],
    ["scopes", { ...ann, scopes: [] }],
    ["expiresAt", { ...ann, expiresAt: new Date(5_000) }],
    ["expiresAt", { ...ann, expiresAt: new Date(Number.NaN) }],
    ["callsPerMinute", { ...ann, callsPerMinute: -1 }],
    ["concurrentCalls", { ...ann, concurrentCalls: 0.5 }],
    ["requestId", { ...ann, requestId: "r".repeat(129) }],
  ] as const) {
    assert.throws(
      () => keys.create(wrong, 5_000),
      (error) => error instanceof ApiKeyError && error.field === field,
      field,
    );
  }
  assert.deepEqual(keys.list(), []);
});
