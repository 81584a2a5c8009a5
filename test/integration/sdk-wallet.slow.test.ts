/** The SDK's wallet entry over a real axon, signed by a real key. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTurntableClient } from "@turntable/client";
import {
  createSubnetClient,
  keypairFromUri,
  ready,
  SubnetCallError,
  SubnetTaskError,
  walletSigner,
} from "@turntable/client/wallet";
import { answerTasks } from "../harness/answer-tasks.ts";
import { startTestSubnet } from "../harness/coordinator.ts";

await ready();

test("a hotkey on the list gets its asset through the dendrite, and others learn why not", async () => {
  const hotkey = keypairFromUri("//Client");
  await using subnet = await startTestSubnet({
    axon: { host: "127.0.0.1", port: 0, clients: [hotkey.ss58] },
  });
  await using client = createSubnetClient({ hotkey, validator: subnet.target });
  const { taskId, pollingIntervalMs } = await client.create("a red cube");
  assert.equal(pollingIntervalMs, 30_000);
  const judged = Promise.withResolvers<void>();
  await using _answers = answerTasks(subnet, () => Buffer.from("an asset"), judged.resolve);
  await judged.promise;
  const seen: string[] = [];
  const onStatus = ({ kind }: { readonly kind: string }) => void seen.push(kind);
  assert.equal(String(await client.wait(taskId, { onStatus })), "an asset");
  assert.deepEqual(seen, ["done"]);

  const { taskId: next } = await client.create("a blue cube");
  assert.deepEqual(await client.status(next), { kind: "queued" });
  assert.deepEqual(await client.status(next), { kind: "too-early" });
  await assert.rejects(client.wait("none"), new SubnetTaskError("none", "not-found"));

  const stranger = keypairFromUri("//Stranger");
  await using other = createSubnetClient({ hotkey: stranger, validator: subnet.target });
  await assert.rejects(other.generate("a red cube"), (error) => {
    assert.ok(error instanceof SubnetCallError);
    assert.deepEqual(
      [error.status, error.message],
      [403, "Forbidden. Key is blacklisted: Not whitelisted."],
    );
    return true;
  });
});

test("a hotkey signs calls over gRPC in place of a key, streams and repeated calls too", async () => {
  const hotkey = keypairFromUri("//Client");
  await using subnet = await startTestSubnet({
    grpc: {
      ...{ host: "127.0.0.1", port: 0, keys: undefined, keysNeeded: true },
      wallets: { hotkeys: [hotkey.ss58], leastStakeTao: undefined },
    },
  });
  const address = `127.0.0.1:${subnet.coordinator.grpcPort}`;
  const clientOf = (who: typeof hotkey, validator = subnet.validator.ss58) =>
    createTurntableClient({ address, signCall: walletSigner({ hotkey: who, validator }) });
  await using _answers = answerTasks(subnet, () => Buffer.from("an asset"));
  using client = clientOf(hotkey);
  const { bytes } = await client.generate("a red cube");
  assert.equal(Buffer.from(bytes).toString(), "an asset");
  const lists = await Promise.all(Array.from({ length: 5 }, () => client.list()));
  assert.deepEqual(
    lists.map(({ tasks }) => tasks.length),
    [1, 1, 1, 1, 1],
  );
  using stranger = clientOf(keypairFromUri("//Stranger"));
  await assert.rejects(stranger.list(), /permission-denied: this hotkey is not among/);
  using misled = clientOf(hotkey, keypairFromUri("//Other").ss58);
  await assert.rejects(misled.list(), /unauthenticated: WrongReceiver/);
});
