/** `turntable admin` against a real admin port. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { createTurntableClient } from "@turntable/client";
import { createAdminClient } from "@turntable/client/admin";
import { startTestSubnet } from "../harness/coordinator.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const command = join(root, "client-sdk/bin/turntable");

test("an operator sees everybody's tasks, makes a key and drains, by the command and by the client", async () => {
  await using subnet = await startTestSubnet({ admin: { host: "127.0.0.1", port: 0 } });
  const address = `127.0.0.1:${subnet.coordinator.adminPort}`;
  const keyFile = join(subnet.dataDir, "operator.key");
  const coordinator = join(root, "node_modules/.bin/turntable-coordinator");
  const create = ["keys", "create", "ops", "--scope", "admin", "--data-dir", subnet.dataDir];
  const { stdout: secret } = await run(coordinator, create);
  await writeFile(keyFile, secret, { mode: 0o600 });
  const access = ["--server", address, "--api-key-file", keyFile];
  const { id } = await subnet.client.create("a red cube");
  const admin = async (...args: string[]): Promise<unknown> => {
    const { stdout } = await run(command, ["admin", ...args, ...access, "--json"]);
    return JSON.parse(stdout);
  };
  const inspected = await admin("tasks", id);
  assert.partialDeepStrictEqual(inspected, {
    task: { task: { id, prompt: "a red cube" } },
    changes: [{ sequence: "1", kind: "created" }],
  });
  const made = await admin("keys", "create", "ann", "--scope", "generate", "--expires", "90d");
  assert.partialDeepStrictEqual(made, { key: { name: "ann", scopes: ["API_KEY_SCOPE_GENERATE"] } });
  await admin("intake", "drain", "--reason", "a new disk");

  using client = createAdminClient({ address, apiKey: secret.trim() });
  const { keys } = await client.listApiKeys({});
  assert.deepEqual(
    keys.map(({ name }) => name),
    ["ann", "ops"],
  );
  const status = await client.getStatus({});
  assert.equal(status.intakeReason, "a new disk");
  const api = `127.0.0.1:${subnet.coordinator.grpcPort}`;
  using impatient = createTurntableClient({ address: api, retry: { patienceMs: 0 } });
  await assert.rejects(impatient.create("a blue cube"), /a new disk/);
  const tables = ["status", "miners", "workers", "tasks", "dead-letters", "weights", "keys"];
  const shown = tables.map((verb) => run(command, ["admin", verb, ...access]));
  for (const { stdout } of await Promise.all(shown)) {
    assert.doesNotMatch(stdout, /undefined|NaN|\[object/);
  }
});
