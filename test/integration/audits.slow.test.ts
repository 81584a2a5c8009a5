/** Audits and quarantine over both queues: a worker that lies among others that do not. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import type { JobQueue, JobSource } from "@turntable/bus";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { connectJobQueue, connectJobSource } from "@turntable/bus/nats";
import { ruleSets } from "@turntable/coordinator/rules";
import { generate } from "@turntable/generation";
import { createLogger } from "@turntable/process";
import { AdminService, JobClass, type RenderScoreJob, WorkerState } from "@turntable/proto";
import { createServiceClient } from "@turntable/proto/grpc";
import { writePly } from "@turntable/splat";
import { defaultModelDir, startWorker } from "@turntable/validation";
import { lying, startPoolWorker } from "../harness/audit-pool.ts";
import { oneTask, startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";
import { startNatsServer } from "../harness/nats-server.ts";

const audits = { share: 1, margin: 0, tolerance: 0.02, findings: 2 };
const rules = { ...ruleSets.local, cooldownMs: 0, badWorkMs: 0 };
/** The admin port is open to this machine. */
const nobody = { metadata: new Metadata() };
const truth = 0.3;
const lie = 0.9;
const cube = Buffer.from(writePly(generate({ prompt: "a red cube" }).splat));

interface Bus {
  /** A coordinator's side; the one before is gone. */
  queue(): Promise<JobQueue>;
  source(workerId: string): Promise<JobSource>;
}

/** The queue in one process outlives the coordinator here, as NATS does. */
function inProcess(): Bus {
  const made = createInProcessQueue({ ackWaitMs: 5_000 });
  return {
    queue: async () => ({ ...made.queue, async [Symbol.asyncDispose]() {} }),
    source: async (workerId) => made.source(workerId),
  };
}

async function overNats(t: TestContext): Promise<Bus> {
  const server = await startNatsServer();
  t.after(() => server[Symbol.asyncDispose]());
  return {
    queue: () => connectJobQueue({ servers: server.url, ackWaitMs: 5_000 }),
    source: (workerId) => connectJobSource({ servers: server.url, workerId }),
  };
}

/** A subnet whose coordinator can be started again on the same data. */
async function openSubnet(t: TestContext, bus: Bus) {
  const dataDir = await mkdtemp(join(tmpdir(), "turntable-audits-"));
  let queue = await bus.queue();
  const start = async () => {
    const admin = { host: "127.0.0.1", port: 0, anonymous: true };
    const duplicates = { windowMs: 0, compared: 1 };
    return startTestSubnet({ queue, admin, audits, rules, duplicates }, dataDir);
  };
  let subnet = await start();
  t.after(async () => {
    await subnet[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true });
  });
  return {
    subnet: () => subnet,
    isDrained: async (worker: string) =>
      (await queue.workers()).some(({ id, state }) => id === worker && state === "drained"),
    async restart() {
      await subnet[Symbol.asyncDispose]();
      queue = await bus.queue();
      subnet = await start();
    },
  };
}

function operatorOf(t: TestContext, { coordinator }: TestSubnet) {
  const channel = new Client(`127.0.0.1:${coordinator.adminPort}`, credentials.createInsecure());
  t.after(() => channel.close());
  return createServiceClient(AdminService, channel);
}

/** Looks again and again; it ends with the test. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    await sleep(50);
  }
}

const stateOf = async (operator: ReturnType<typeof operatorOf>, name: string) =>
  (await operator.listWorkers({}, nobody)).workers.find(({ id }) => id === name);

for (const [name, open] of [
  ["in process", async () => inProcess()],
  ["over NATS", overNats],
] as const) {
  test(`${name}: who lies twice is shut out until it is released, whatever restarts`, {
    timeout: 120_000,
  }, async (t) => {
    await using stack = new AsyncDisposableStack();
    const bus = await open(t);
    const { subnet, restart, isDrained } = await openSubnet(t, bus);
    const honest = (): number => truth;
    const start = async (id: string, scoreOf: (job: RenderScoreJob) => number, as = id) =>
      stack.use(startPoolWorker(await bus.source(id), as, scoreOf));

    let liar = await start("liar", () => lie);
    const told = [await oneTask(subnet()), await oneTask(subnet())];
    assert.deepEqual(
      told.map(({ feedback }) => feedback.verdict),
      ["accepted", "accepted"],
      "no verdict waits for its audit",
    );
    let operator = operatorOf(t, subnet());
    const hotkey = subnet().minerKey.ss58;
    assert.equal((await operator.getMiner({ hotkey }, nobody)).miner?.observations, 2);

    await restart(); // the audits are open
    operator = operatorOf(t, subnet());
    const others = [await start("w2", honest), await start("w3", honest)];
    await until(async () => (await stateOf(operator, "liar"))?.state === WorkerState.QUARANTINED);
    const reason = (await stateOf(operator, "liar"))?.quarantine?.reason ?? "";
    assert.match(reason, /^2 times within .* two other workers agreed on a score/);
    assert.equal((await operator.getMiner({ hotkey }, nobody)).miner?.observations, 0);
    const report = await subnet().client.report(told[0]?.id ?? "");
    assert.equal(report.score, truth);
    assert.deepEqual(
      report.replacedScores.map(({ score, workerId }) => [score, workerId]),
      [[lie, "liar"]],
    );

    await until(() => isDrained("liar"));
    const before = liar.done.length;
    assert.equal((await oneTask(subnet())).feedback.verdict, "rejected");
    assert.equal(liar.done.length, before, "it is drained");

    // It takes jobs under another name, which nobody drains, and still says that it is itself.
    for (const other of others) {
      await other[Symbol.asyncDispose]();
    }
    const sneaky = await start("sneaky", () => lie, "liar");
    const waiting = Promise.all([
      oneTask(subnet()),
      subnet().client.score(Buffer.from("a client's asset"), "a red cube"),
    ]);
    const hasDone = (jobClass: JobClass) => sneaky.done.some((job) => job.class === jobClass);
    await until(async () => hasDone(JobClass.ORGANIC) && hasDone(JobClass.SCORING));
    const next = [await start("w4", honest), await start("w5", honest)];
    const [{ feedback }, scored] = await waiting;
    assert.deepEqual([feedback.verdict, scored.score], ["rejected", truth], "it is not believed");
    await sneaky[Symbol.asyncDispose]();

    await liar[Symbol.asyncDispose]();
    await restart();
    operator = operatorOf(t, subnet());
    liar = await start("liar", () => lie);
    await until(() => isDrained("liar")); // a start under the same name is no way out
    assert.equal((await stateOf(operator, "liar"))?.state, WorkerState.QUARANTINED);
    assert.equal((await oneTask(subnet())).feedback.verdict, "rejected");
    await assert.rejects(operator.resumeWorker({ workerId: "liar" }, nobody), {
      code: status.FAILED_PRECONDITION,
      message: /workers release/,
    });

    for (const other of next) {
      await other[Symbol.asyncDispose]();
    }
    assert.equal(
      (await operator.releaseWorker({ workerId: "liar" }, nobody)).state,
      WorkerState.READY,
    );
    assert.equal((await oneTask(subnet())).feedback.verdict, "accepted");
    await assert.rejects(operator.releaseWorker({ workerId: "liar" }, nobody), {
      code: status.NOT_FOUND,
    });
  });

  test(`${name}: with one worker audits wait, and nothing waits for them`, {
    timeout: 60_000,
  }, async (t) => {
    const bus = await open(t);
    const { subnet } = await openSubnet(t, bus);
    await using only = startPoolWorker(await bus.source("only"), "only", () => lie);
    for (let count = 0; count < 5; count++) {
      assert.equal((await oneTask(subnet())).feedback.verdict, "accepted");
    }
    const report = await subnet().client.score(Buffer.from("an asset"), "a red cube");
    assert.equal(report.score, lie);
    assert.equal(only.done.length, 6, "none of them was an audit");
  });
}

test("two that differ, and no third: nobody is shut out, and the verdict stays", {
  timeout: 60_000,
}, async (t) => {
  const bus = await overNats(t);
  const { subnet } = await openSubnet(t, bus);
  await using _liar = startPoolWorker(await bus.source("liar"), "liar", () => lie);
  const { id } = await oneTask(subnet());
  await using other = startPoolWorker(await bus.source("w2"), "w2", () => truth);
  await until(async () => other.done.length === 1);
  const operator = operatorOf(t, subnet());
  await oneTask(subnet());
  for (const name of ["liar", "w2"]) {
    assert.notEqual((await stateOf(operator, name))?.state, WorkerState.QUARANTINED);
  }
  assert.equal((await subnet().client.report(id)).score, lie);
});

test("among workers that render and score the one whose scores are changed is found", {
  timeout: 180_000,
}, async (t) => {
  await using stack = new AsyncDisposableStack();
  const bus = await overNats(t);
  const { subnet } = await openSubnet(t, bus);
  const logger = createLogger("test", "silent");
  const start = async (workerId: string, change?: Parameters<typeof lying>[1]) => {
    const source = await bus.source(workerId);
    return stack.use(
      await startWorker({
        source: change === undefined ? source : lying(source, change),
        ...{ modelDir: defaultModelDir, env: {}, threads: 1, backend: "cpu", workerId, logger },
      }),
    );
  };
  const liar = await start("liar", ({ outcome }) => {
    if (outcome.case === "scored") {
      outcome.value.score *= 0.5;
    }
  });
  const told = [await oneTask(subnet(), cube), await oneTask(subnet(), cube)];
  assert.deepEqual(
    told.map(({ feedback }) => feedback.verdict),
    ["rejected", "rejected"],
  );
  await start("w2");
  await start("w3");
  const operator = operatorOf(t, subnet());
  await until(async () => (await stateOf(operator, "liar"))?.state === WorkerState.QUARANTINED);
  const hotkey = subnet().minerKey.ss58;
  const { miner } = await operator.getMiner({ hotkey }, nobody);
  assert.equal(miner?.observations, 2, "the miner gets what it has earned");
  const { feedback } = await oneTask(subnet(), cube);
  assert.equal(feedback.verdict, "accepted");
  await liar[Symbol.asyncDispose]();
});
