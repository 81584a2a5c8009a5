import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type JobQueue, QueueUnavailableError } from "@turntable/bus";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { JobClass, RenderScoreJobSchema } from "@turntable/proto";
import { type Dispatchable, type DispatchOptions, startDispatch } from "./index.ts";

function start(queue: JobQueue, options: Partial<DispatchOptions<Dispatchable>>) {
  return startDispatch<Dispatchable>({
    queue,
    pending: () => [],
    job: async ({ id }) =>
      create(RenderScoreJobSchema, {
        jobId: id,
        submissionId: id,
        class: JobClass.ORGANIC,
        profile: "sn17-seed",
        asset: { case: "inlineAsset", value: new Uint8Array(1) },
      }),
    giveUp: () => {},
    markDispatched: () => {},
    onResult: () => {},
    onTrouble: () => {},
    now: () => 0,
    ...options,
  });
}

const item = (id: string): Dispatchable => ({ id, dispatch: 0, traceparent: undefined });

test("a submission that cannot be queued holds up no other; one whose job can never be made is given up", async () => {
  const { queue } = createInProcessQueue();
  const troubles: string[] = [];
  const given: string[] = [];
  await using dispatch = start(queue, {
    pending: () => [item("sick"), item("gone"), item("whole")],
    async job({ id }) {
      if (id === "sick") throw new Error("EIO");
      if (id === "gone") return undefined;
      return create(RenderScoreJobSchema, {
        jobId: id,
        submissionId: id,
        class: JobClass.ORGANIC,
        profile: "sn17-seed",
        asset: { case: "inlineAsset", value: new Uint8Array(1) },
      });
    },
    giveUp: ({ id }) => given.push(id),
    onTrouble: (what) => troubles.push(what),
  });
  await dispatch.check();
  assert.deepEqual(await queue.depth(), { organic: 1, synthetic: 0 });
  assert.match(troubles.join(), /sick/);
  assert.deepEqual(given, ["gone"]);
  assert.equal(dispatch.trouble(), undefined);
});

test("is not ready while the queue is away, with nothing to dispatch either", async () => {
  const { queue } = createInProcessQueue();
  const away = { ...queue, incarnation: () => Promise.reject(new QueueUnavailableError("away")) };
  await using dispatch = start(away, {});
  await dispatch.check();
  assert.match(dispatch.trouble() ?? "", /away/);
});

test("when the queue began anew, what it held is queued again, whatever else waits there", async () => {
  const { queue } = createInProcessQueue();
  let incarnation = "first";
  const submitted: string[] = [];
  const doubled: JobQueue = {
    ...queue,
    incarnation: async () => incarnation,
    depth: async () => ({ organic: 0, synthetic: 1 }),
    async submit(job) {
      submitted.push(job.jobId);
    },
  };
  await using dispatch = start(doubled, { pending: () => [item("a")] });
  await dispatch.check();
  await dispatch.check();
  assert.deepEqual(submitted, ["a"]);
  incarnation = "second";
  await dispatch.check();
  assert.deepEqual(submitted, ["a", "a"]);
});
