import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { createAdminClient } from "@turntable/client/admin";
import { startCoordinator } from "@turntable/coordinator";
import { ruleSets } from "@turntable/coordinator/rules";
import { createLogger } from "@turntable/process";
import { ensureOperatorKey, operatorKeyFile, operatorPage } from "./operator-key.ts";

const loopback = { host: "127.0.0.1", port: 0 };

test("the operator's key is kept while the coordinator knows it, in a file for its owner alone", async () => {
  await ready();
  await using stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "turntable-operator-"));
  stack.defer(() => rm(dir, { recursive: true }));
  const chain = stack.use(createLocalChain({ blockMs: 1_000, subnets: [{ netuid: 17 }] }));
  const hotkey = keypairFromUri("//Alice");
  chain.register({ netuid: 17, hotkey: hotkey.ss58 });
  const coordinator = stack.use(
    await startCoordinator({
      ...{ chain, netuid: 17, hotkey, rules: ruleSets.local },
      queue: createInProcessQueue().queue,
      ...{ dataDir: join(dir, "coordinator"), prompts: undefined, consentText: undefined },
      ...{ grpc: undefined, axon: loopback, http: loopback },
      admin: { ...loopback, anonymous: true },
      adminWeb: true,
      limits: { promptChars: 1_024, openTasks: 1, submissionBytes: 1 << 20 },
      logger: createLogger("test", "silent"),
    }),
  );
  const admin = stack.use(createAdminClient({ address: `127.0.0.1:${coordinator.adminPort}` }));

  const file = operatorKeyFile(dir);
  await writeFile(file, "of a coordinator that was removed");
  await chmod(file, 0o644);
  const key = await ensureOperatorKey(dir, admin);
  assert.equal((await readFile(file, "utf8")).trim(), key);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal(await ensureOperatorKey(dir, admin), key);
  assert.equal((await admin.listApiKeys({})).keys.length, 1);

  const { origin, hash } = new URL(operatorPage(`127.0.0.1:${coordinator.httpPort}`, key));
  const answer = await fetch(`${origin}/turntable.v1.AdminService/GetStatus`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${new URLSearchParams(hash.slice(1)).get("key")}`,
    },
    body: "{}",
  });
  assert.equal(answer.status, 200);

  await admin.revokeApiKey({ keyId: key.split("_").slice(0, 2).join("_") });
  assert.notEqual(await ensureOperatorKey(dir, admin), key);
});
