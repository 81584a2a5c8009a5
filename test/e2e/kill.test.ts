/** kill -9 in the middle: the client still gets its result, and the miner exactly one verdict. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TaskState } from "@turntable/client";
import { generate } from "@turntable/generation";
import { writePly } from "@turntable/splat";
import { submit, takeTask } from "./mine.ts";
import { type Subnet, startSubnet } from "./subnet.ts";

const cube = Buffer.from(writePly(generate({ prompt: "a red cube" }).splat));

/** Runs one task; `meanwhile` gets to work as soon as the submission was taken. */
async function oneTask(subnet: Subnet, meanwhile: () => Promise<void>): Promise<void> {
  const task = await takeTask(subnet, "a red cube");
  const submitted = (async () => {
    for await (const { kind } of subnet.client.watch(task.id)) {
      if (kind === "submitted") {
        return;
      }
    }
  })();
  // Together, so that what goes wrong first is what the test says.
  const [{ feedback }] = await Promise.all([submit(subnet, task, cube), submitted.then(meanwhile)]);
  assert.equal(feedback?.verdict, "accepted");
  assert.equal(feedback?.generations_within_8_hours, 1, "one verdict");

  const kinds: string[] = [];
  for await (const { kind } of subnet.client.watch(task.id)) {
    kinds.push(kind);
  }
  assert.deepEqual(kinds, ["created", "assigned", "submitted", "accepted", "succeeded"]);
  assert.equal((await subnet.client.get(task.id)).state, TaskState.SUCCEEDED);
  assert.deepEqual(Buffer.from((await subnet.client.download(task.id)).bytes), cube);
}

test("of a worker in the middle of a job", async () => {
  await using subnet = await startSubnet();
  const worker = await subnet.startWorker();
  await oneTask(subnet, async () => {
    await worker.logged(({ msg }) => msg === "job taken");
    await worker.kill9();
    await subnet.startWorker();
  });
});

test("of nats-server in the middle of a job", async () => {
  await using subnet = await startSubnet();
  const worker = await subnet.startWorker();
  await oneTask(subnet, async () => {
    await worker.logged(({ msg }) => msg === "job taken");
    await subnet.nats.kill9();
    await subnet.nats.restart();
  });
});

test("of nats-server that comes back empty", async () => {
  await using subnet = await startSubnet();
  await oneTask(subnet, async () => {
    await subnet.nats.kill9();
    await subnet.nats.restart({ empty: true });
    await subnet.startWorker();
  });
});

test("of the coordinator between submission and verdict", async () => {
  await using subnet = await startSubnet();
  await oneTask(subnet, async () => {
    await subnet.coordinator().kill9();
    await subnet.startWorker();
    await subnet.restartCoordinator();
  });
});

test("of the coordinator while the result is on its way", async () => {
  await using subnet = await startSubnet();
  const worker = await subnet.startWorker();
  await oneTask(subnet, async () => {
    await worker.logged(({ msg }) => msg === "job taken");
    await subnet.coordinator().kill9();
    await worker.logged(({ msg }) => msg === "job");
    await subnet.restartCoordinator();
  });
});
