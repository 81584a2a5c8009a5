/** The operator takes a worker out of work: AdminService, a real nats-server, and a worker process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { connectJobQueue } from "@turntable/bus/nats";
import { generate } from "@turntable/generation";
import { AdminService, WorkerState } from "@turntable/proto";
import { createServiceClient } from "@turntable/proto/grpc";
import { writePly } from "@turntable/splat";
import { startTestSubnet } from "../harness/coordinator.ts";
import { startNatsServer } from "../harness/nats-server.ts";
import { startProcess } from "../harness/process.ts";

const cube = Buffer.from(writePly(generate({ prompt: "a red cube" }).splat));
const workerId = "gpu.1";
/** The admin port is open to this machine. */
const nobody = { metadata: new Metadata() };

test("a drained worker takes no job and is not ready until it is resumed, or started again", {
  timeout: 120_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNatsServer());
  const queue = stack.use(await connectJobQueue({ servers: nats.url }));
  const admin = { host: "127.0.0.1", port: 0, anonymous: true };
  const { coordinator, client } = stack.use(await startTestSubnet({ queue, admin }));
  const channel = new Client(`127.0.0.1:${coordinator.adminPort}`, credentials.createInsecure());
  stack.defer(() => channel.close());
  const operator = createServiceClient(AdminService, channel);
  const states = async () =>
    (await operator.listWorkers({}, nobody)).workers.map(({ id, state }) => [id, state]);
  let isFirst = true;
  const startWorker = async () => {
    const worker = stack.use(
      startProcess("turntable-worker", [
        ...["run", "--nats-servers", nats.url, "--worker-id", workerId, "--http-port", "0"],
      ]),
    );
    if (isFirst) {
      await worker.logged(({ msg }) => msg === "renderer");
      isFirst = false;
      assert.deepEqual(await states(), [[workerId, WorkerState.LOADING]]);
    }
    const { http } = await worker.logged(({ msg }) => msg === "ready");
    return { worker, readiness: () => fetch(`http://${http}/readyz`) };
  };

  await assert.rejects(operator.drainWorker({ workerId }, nobody), (error: unknown) => {
    assert.ok(error instanceof Error && "code" in error);
    assert.equal(error.code, status.NOT_FOUND);
    assert.match(error.message, /no worker "gpu.1" is connected; turntable admin workers lists/);
    return true;
  });
  const first = await startWorker();
  assert.deepEqual(await states(), [[workerId, WorkerState.READY]]);
  assert.equal((await operator.drainWorker({ workerId }, nobody)).state, WorkerState.DRAINED);
  assert.equal((await operator.drainWorker({ workerId }, nobody)).state, WorkerState.DRAINED);
  assert.deepEqual(await states(), [[workerId, WorkerState.DRAINED]]);
  const notReady = await first.readiness();
  assert.equal(notReady.status, 503);
  assert.match(await notReady.text(), /drained by the operator/);

  const scoring = client.score(cube, "a red cube");
  while ((await queue.depth()).scoring === 0) {
    await new Promise(setImmediate); // until it waits; it ends with the test
  }
  assert.equal((await operator.resumeWorker({ workerId }, nobody)).state, WorkerState.READY);
  assert.ok((await scoring).score > 0.6);
  assert.equal((await first.readiness()).status, 200);

  await operator.drainWorker({ workerId }, nobody);
  assert.equal(await first.worker.stop(), 0);
  assert.deepEqual(await states(), [[workerId, WorkerState.AWAY]]);
  const second = await startWorker();
  assert.deepEqual(await states(), [[workerId, WorkerState.READY]]);
  assert.equal((await second.readiness()).status, 200);
});
