import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { Msg } from "@nats-io/transport-node";
import { RenderScoreJobSchema } from "@turntable/proto";
import type { NatsLink } from "./link.ts";
import { createTakenJob, type TakenJobOptions } from "./taken-job.ts";

const ackWaitMs = 60_000;

test("a job is kept alive in the moments in which the link is up", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  let up = Promise.withResolvers<boolean>();
  const sent: unknown[] = [];
  const link: Partial<NatsLink> = {
    rules: () => ({ ackWaitMs, maxDeliver: 5 }),
    whenUp: () => up.promise,
    async request(_subject, kind) {
      sent.push(kind);
      return {} as Msg; // not looked at
    },
  };
  createTakenJob({
    link: link as NatsLink, // as far as a job in work needs it
    message: {} as Msg,
    delivery: { ackSubject: "ack", count: 1, streamSequence: 1, pending: 0 },
    earlier: { handedBack: 0, turnedAway: 0, unbegun: 0 },
    job: create(RenderScoreJobSchema, { jobId: "a" }),
    workerId: "w",
    onEnd: () => assert.fail(),
  } as Partial<TakenJobOptions> as TakenJobOptions);
  mock.timers.tick(ackWaitMs / 3);
  assert.deepEqual(sent, []);
  up.resolve(true);
  await new Promise(setImmediate);
  assert.equal(sent.length, 1);
  up = Promise.withResolvers();
  mock.timers.tick(ackWaitMs / 3);
  up.resolve(false);
  await new Promise(setImmediate);
  assert.equal(sent.length, 1, "closed, or the job has ended");
  mock.timers.reset();
});
