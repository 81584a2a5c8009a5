/** One task seen by a collector: separate processes, a real nats-server, spans over OTLP/HTTP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { registerTracing } from "@turntable/process";
import { TaskState } from "@turntable/proto";
import { liesWithin, type ReceivedSpan, startOtlpReceiver } from "../harness/otlp-receiver.ts";
import { inTestTrace, testTraceId } from "../harness/tracing.ts";
import { startSubnet } from "./subnet.ts";

test("one task is one connected trace, from the client's call to the verdict", async () => {
  using _tracing = registerTracing();
  await using collector = await startOtlpReceiver();
  await using subnet = await startSubnet(["--telemetry-endpoint", collector.url]);
  const [worker, miner] = await Promise.all([subnet.startWorker(), subnet.startMiner()]);
  const { id } = await inTestTrace(() => subnet.client.create("a red cube"));
  let state: TaskState | undefined;
  for await (const event of subnet.client.watch(id)) {
    state = event.state;
  }
  assert.equal(state, TaskState.SUCCEEDED);
  const done = await miner.logged(({ msg }) => msg === "task done");
  const verdict = await subnet.coordinator().logged(({ msg }) => msg === "verdict");
  const scored = await worker.logged(({ msg }) => msg === "job");
  // Each sends what it still has before it ends.
  const statuses = [await miner.stop(), await worker.stop(), await subnet.coordinator().stop()];
  assert.deepEqual(statuses, [0, 0, 0]);
  const spans = await collector.until((all) =>
    all.some(({ service }) => service === "turntable-generator"),
  );

  // The task's own trace: a chain of parents from the verdict back to the client.
  const ofTask = spans.filter(({ traceId }) => traceId === testTraceId);
  const find = (name: string): ReceivedSpan => {
    const found = ofTask.filter((span) => span.name === name);
    assert.equal(found.length, 1, `${name} in ${ofTask.map((span) => span.name).join(", ")}`);
    return found[0] ?? assert.fail();
  };
  const chain = [
    ["turntable.v1.GenerationService/CreateTask", "turntable-coordinator"],
    ["submission", "turntable-coordinator"],
    ["dispatch", "turntable-coordinator"],
    ["job", "turntable-worker"],
    ["result", "turntable-coordinator"],
  ] as const;
  for (const [index, [name, service]] of chain.entries()) {
    const span = find(name);
    assert.equal(span.service, service);
    const [above] = chain[index - 1] ?? [];
    if (above !== undefined) {
      assert.equal(span.parentId, find(above).spanId, `${name} <- ${above}`);
    }
  }
  const job = find("job");
  for (const name of ["fetch", "decode", "render", "preprocess", "infer", "score"]) {
    const stage = find(name);
    assert.equal(stage.parentId, job.spanId, name);
    assert.ok(liesWithin(stage, job), name);
  }
  assert.equal(job.attributes.task_id, id);
  for (const line of [verdict, scored]) {
    assert.equal(line.trace_id, testTraceId);
  }

  // The miner's own trace, which the submission is linked with.
  const [link] = find("submission").links;
  assert.equal(link?.traceId, done.trace_id);
  const ofMiner = spans.filter(({ traceId }) => traceId === link?.traceId);
  const request = ofMiner.find(({ spanId }) => spanId === link?.spanId);
  assert.equal(request?.name, "SubmitResults");
  assert.equal(request.service, "turntable-coordinator");
  const turn = ofMiner.find(({ name }) => name === "turn");
  assert.equal(turn?.parentId, "");
  const known = new Set(ofMiner.map(({ spanId }) => spanId));
  for (const span of ofMiner) {
    assert.ok(span === turn || known.has(span.parentId), span.name);
  }
  const services = new Set(ofMiner.map(({ service }) => service));
  assert.deepEqual([...services].toSorted(), [
    "turntable-coordinator",
    "turntable-generator",
    "turntable-miner",
  ]);
});
