import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type Context, ROOT_CONTEXT } from "@opentelemetry/api";
import { type JobQueue, QueueUnavailableError } from "@turntable/bus";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { JobClass, RenderScoreJobSchema, RenderScoreResultSchema } from "@turntable/proto";
import { type Dispatchable, type DispatchOptions, startDispatch } from "./index.ts";

const jobOf = ({ id }: Pick<Dispatchable, "id">) =>
  create(RenderScoreJobSchema, {
    jobId: id,
    submissionId: id,
    class: JobClass.ORGANIC,
    profile: "sn17-seed",
    asset: { case: "inlineAsset", value: new Uint8Array(1) },
  });

/** Submissions without a verdict, as the store would give them; `read` has the ids of the rows that were read. */
function createPending(...ids: string[]) {
  const items: { id: string; sequence: number; dispatch: number; trace: Context }[] = [];
  const read: string[] = [];
  const pending = {
    add(id: string) {
      items.push({ id, sequence: items.length + 1, dispatch: 0, trace: ROOT_CONTEXT });
    },
    end(id: string) {
      const item = items.find((candidate) => candidate.id === id);
      if (item !== undefined) {
        item.id = "";
      }
    },
    read,
    options: {
      pending: [
        (after: number, limit: number) => {
          const page = items.filter(({ id, sequence }) => id !== "" && sequence > after);
          read.push(...page.slice(0, limit).map(({ id }) => id));
          return page.slice(0, limit).map((item) => ({ ...item }));
        },
      ],
      stillPending(id) {
        const item = items.find((candidate) => candidate.id === id);
        if (item !== undefined) {
          read.push(id);
        }
        return item === undefined ? undefined : { ...item };
      },
      markDispatched(id, dispatch) {
        const item = items.find((candidate) => candidate.id === id);
        if (item !== undefined) {
          item.dispatch = dispatch;
        }
      },
    } satisfies Partial<DispatchOptions<Dispatchable>>,
  };
  for (const id of ids) {
    pending.add(id);
  }
  return pending;
}

function start(queue: JobQueue, change: Partial<DispatchOptions<Dispatchable>> = {}) {
  return startDispatch<Dispatchable>({
    queue,
    ...createPending().options,
    job: async (item) => jobOf(item),
    fail: () => {},
    onResult: () => {},
    onTrouble: () => {},
    onMended: () => {},
    now: () => 0,
    ...change,
  });
}

/** A queue that forgets what it is given, and says so in `submitted`: `id.dispatch`. */
function createForgetfulQueue() {
  const { queue } = createInProcessQueue();
  const submitted: string[] = [];
  const depth = { organic: 0, scoring: 0, synthetic: 0 };
  const forgetful: JobQueue = {
    ...queue,
    depth: async () => ({ ...depth }),
    async submit(job, { dispatch = 0 } = {}) {
      submitted.push(`${job.jobId}.${dispatch}`);
    },
  };
  return { queue: forgetful, submitted, depth };
}

test("a submission that cannot be queued holds up no other; one whose job can never be made is ended", async () => {
  const { queue } = createInProcessQueue();
  const pending = createPending("sick", "gone", "whole");
  const troubles: string[] = [];
  const ended: string[] = [];
  await using dispatch = start(queue, {
    ...pending.options,
    async job(item) {
      if (item.id === "sick") {
        throw new Error("EIO");
      }
      return item.id === "gone" ? undefined : jobOf(item);
    },
    fail({ id }) {
      ended.push(id);
      pending.end(id);
    },
    onTrouble: (what) => troubles.push(what),
  });
  await dispatch.check();
  assert.deepEqual(await queue.depth(), { organic: 1, scoring: 0, synthetic: 0 });
  assert.deepEqual(troubles, ["submission sick could not be queued"]);
  assert.deepEqual(ended, ["gone"]);
  assert.equal(dispatch.notReady(), undefined);
});

test("what can never be queued is ended after its tries, with pauses that grow; the queue's own faults do not count", async () => {
  const { queue } = createInProcessQueue();
  const pending = createPending("poison", "whole");
  const ended: string[] = [];
  const tried: number[] = [];
  let time = 0;
  let isAway = false;
  await using dispatch = start(
    {
      ...queue,
      async submit(job, options) {
        if (isAway) {
          throw new QueueUnavailableError("away");
        }
        if (job.jobId === "poison") {
          throw new RangeError("cannot encode field 2 to uint32");
        }
        await queue.submit(job, options);
      },
    },
    {
      ...pending.options,
      maxTries: 4,
      async job(item) {
        if (item.id === "poison") {
          tried.push(time);
        }
        return jobOf(item);
      },
      fail({ id }, reason) {
        ended.push(`${id}: ${reason}`);
        pending.end(id);
      },
      now: () => time,
    },
  );
  await dispatch.check();
  isAway = true;
  time = 1_000;
  await dispatch.check();
  isAway = false;
  for (; time <= 20_000; time += 500) {
    await dispatch.check();
  }
  assert.deepEqual(tried, [0, 1_000, 1_000, 3_000, 7_000]);
  assert.deepEqual(ended, ["poison: it could not be queued for scoring"]);
  assert.deepEqual(await queue.depth(), { organic: 1, scoring: 0, synthetic: 0 });
});

test("a result that does not end its submission has it queued again, as the job that it is by then", async () => {
  const { queue, source } = createInProcessQueue();
  const pending = createPending("a");
  const applied: number[] = [];
  const done = Promise.withResolvers<void>();
  await using worker = source();
  await using dispatch = start(queue, {
    ...pending.options,
    job: async (item) => ({ ...jobOf(item), replica: applied.length }),
    onResult({ replica }) {
      applied.push(replica);
      if (applied.length === 2) {
        pending.end("a");
        done.resolve();
      }
    },
  });
  await dispatch.check();
  const never = new AbortController().signal;
  await (await worker.take(never))?.terminate("gone");
  const again = await worker.take(never);
  assert.equal(again?.job.replica, 1);
  await again?.terminate("gone");
  await done.promise;
  assert.deepEqual(applied, [0, 1]);
});

test("a job that no queue takes is ended at once", async () => {
  const { queue } = createInProcessQueue();
  const pending = createPending("not a token!");
  const ended: string[] = [];
  await using dispatch = start(queue, {
    ...pending.options,
    fail({ id }) {
      ended.push(id);
      pending.end(id);
    },
  });
  await dispatch.check();
  assert.deepEqual(ended, ["not a token!"]);
});

test("a queue that refuses is told once, and so is its end", async () => {
  const { queue } = createForgetfulQueue();
  const told: string[] = [];
  let reason: string | undefined = "storage is full";
  const refusing: JobQueue = {
    ...queue,
    async submit() {
      if (reason !== undefined) {
        throw new QueueUnavailableError(reason);
      }
    },
  };
  await using dispatch = start(refusing, {
    ...createPending("a").options,
    onTrouble: (what, error) => told.push(`${what}: ${String(error)}`),
    onMended: () => told.push("mended"),
  });
  await dispatch.check();
  await dispatch.check();
  assert.equal(dispatch.notReady(), "storage is full");
  reason = undefined;
  await dispatch.check();
  await dispatch.check();
  assert.equal(dispatch.notReady(), undefined);
  assert.deepEqual(told, [
    "jobs cannot be queued: QueueUnavailableError: storage is full",
    "mended",
  ]);
});

test("what could not be queued is tried again until it can, or has its verdict", async () => {
  const { queue, submitted } = createForgetfulQueue();
  let time = 0;
  const pending = createPending("a", "b");
  let isSick = true;
  await using dispatch = start(queue, {
    ...pending.options,
    async job(item) {
      if (isSick) {
        throw new Error("EIO");
      }
      return jobOf(item);
    },
    now: () => time,
  });
  await dispatch.check();
  pending.end("b");
  isSick = false;
  time = 1_000;
  await dispatch.check();
  await dispatch.check();
  assert.deepEqual(submitted, ["a.0"]);
});

test("a queue that goes away in the middle loses nothing", async () => {
  const { queue, submitted } = createForgetfulQueue();
  let isAway = true;
  const shaky: JobQueue = {
    ...queue,
    async submit(job, options) {
      if (isAway) {
        throw new QueueUnavailableError("away");
      }
      await queue.submit(job, options);
    },
  };
  await using dispatch = start(shaky, createPending("a", "b").options);
  await dispatch.check();
  assert.match(dispatch.notReady() ?? "", /away/);
  isAway = false;
  await dispatch.check();
  assert.deepEqual(submitted, ["a.0", "b.0"]);
  assert.equal(dispatch.notReady(), undefined);
});

test("is not ready while the queue is away, with nothing to dispatch either", async () => {
  const { queue } = createInProcessQueue();
  const away = { ...queue, incarnation: () => Promise.reject(new QueueUnavailableError("away")) };
  await using dispatch = start(away);
  await dispatch.check();
  assert.match(dispatch.notReady() ?? "", /away/);
});

test("when the queue began anew, what it held is queued again, whatever else waits there", async () => {
  const { queue, submitted, depth } = createForgetfulQueue();
  depth.synthetic = 1;
  let incarnation = "first";
  const anew: JobQueue = { ...queue, incarnation: async () => incarnation };
  await using dispatch = start(anew, createPending("a").options);
  await dispatch.check();
  await dispatch.check();
  assert.deepEqual(submitted, ["a.0"]);
  incarnation = "second";
  await dispatch.check();
  assert.deepEqual(submitted, ["a.0", "a.0"]);
});

test("a purged queue is given its jobs again, each under its next dispatch number", async () => {
  const { queue, submitted, depth } = createForgetfulQueue();
  const pending = createPending("a", "b");
  let now = 0;
  await using dispatch = start(queue, { ...pending.options, now: () => now });
  depth.organic = 2;
  await dispatch.check();
  now = 60_000;
  await dispatch.check();
  assert.deepEqual(submitted, ["a.0", "b.0"], "they wait, so they are not lost");
  depth.organic = 0; // the purge
  pending.end("b"); // its result had come before
  await dispatch.check();
  now += 9_999;
  await dispatch.check();
  assert.deepEqual(submitted, ["a.0", "b.0"], "a result may be on its way");
  now += 1;
  await dispatch.check();
  assert.deepEqual(submitted, ["a.0", "b.0", "a.1"]);
  now += 10_000;
  await dispatch.check();
  now += 10_000;
  await dispatch.check();
  assert.deepEqual(submitted.slice(3), ["a.2"], "and again when that was lost, too");
});

test("a result that cannot be applied is given back and applied later", async () => {
  let due: { readonly ms: number; readonly run: () => void }[] = [];
  const { queue, source } = createInProcessQueue({
    clock: {
      now: () => 0,
      after(ms, run) {
        const timer = { ms, run };
        due.push(timer);
        return () => {
          due = due.filter((other) => other !== timer);
        };
      },
    },
  });
  const troubles: unknown[] = [];
  const told = Promise.withResolvers<void>();
  const applied = Promise.withResolvers<string>();
  let isFull = true;
  await using dispatch = start(queue, {
    ...createPending("a").options,
    onResult({ submissionId }) {
      if (isFull) {
        throw new Error("the disk is full");
      }
      applied.resolve(submissionId);
    },
    onTrouble(what, error) {
      troubles.push([what, String(error)]);
      told.resolve();
    },
  });
  await dispatch.check();
  await using worker = source();
  const taken = await worker.take(new AbortController().signal);
  await taken?.complete(create(RenderScoreResultSchema, { jobId: "a", submissionId: "a" }));
  await told.promise;
  await new Promise(setImmediate);
  assert.deepEqual(troubles, [["a result could not be applied", "Error: the disk is full"]]);
  assert.deepEqual(
    due.map(({ ms }) => ms),
    [1_000],
    "the queue keeps it, and gives it again after the delay",
  );
  isFull = false;
  due.shift()?.run();
  assert.equal(await applied.promise, "a");
  await new Promise(setImmediate);
  await queue[Symbol.asyncDispose]();
  assert.deepEqual(due, [], "it was acked then");
});

test("a result is acked once its effect may be told, and given back when it may not", async () => {
  const { queue, source } = createInProcessQueue();
  const endings: string[] = [];
  const ended = Promise.withResolvers<void>();
  const watched: JobQueue = {
    ...queue,
    async *results(signal) {
      for await (const delivery of queue.results(signal)) {
        yield {
          ...delivery,
          async ack() {
            endings.push(`${delivery.result.jobId} acked`);
            await delivery.ack();
            ended.resolve();
          },
          async nak() {
            endings.push(`${delivery.result.jobId} given back`);
          },
        };
      }
    },
  };
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const [refused = assert.fail(), settled = assert.fail()] = answers;
  let count = 0;
  await using dispatch = start(watched, {
    ...createPending("a", "b").options,
    onResult({ jobId }) {
      endings.push(`${jobId} applied`);
    },
    settled() {
      asked[count]?.resolve();
      return answers[count++]?.promise ?? assert.fail();
    },
  });
  await dispatch.check();
  await using worker = source();
  for (const id of ["a", "b"]) {
    const taken = await worker.take(new AbortController().signal);
    await taken?.complete(create(RenderScoreResultSchema, { jobId: id, submissionId: id }));
  }
  await asked[0]?.promise;
  await new Promise(setImmediate);
  assert.deepEqual(endings, ["a applied"]);
  refused.reject(new Error("another coordinator leads"));
  await asked[1]?.promise;
  await new Promise(setImmediate);
  assert.deepEqual(endings, ["a applied", "a given back", "b applied"]);
  settled.resolve();
  await ended.promise;
  assert.equal(endings.at(-1), "b acked");
});

test("when results stop for good it is not ready, whatever else goes well", async () => {
  const { queue } = createInProcessQueue();
  const troubles: string[] = [];
  const told = Promise.withResolvers<void>();
  const deaf: JobQueue = {
    ...queue,
    results: () => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("no such durable")) }),
    }),
  };
  await using dispatch = start(deaf, {
    onTrouble(what) {
      troubles.push(what);
      told.resolve();
    },
  });
  await told.promise;
  await dispatch.check();
  assert.equal(dispatch.notReady(), "results are no longer read: no such durable");
  assert.deepEqual(troubles, ["results stopped"]);
});

test("what is queued already is not read again", async () => {
  const { queue, submitted, depth } = createForgetfulQueue();
  depth.organic = 1;
  const ids = Array.from({ length: 250 }, (_, i) => `s${i}`);
  const pending = createPending(...ids);
  await using dispatch = start(queue, pending.options);
  await dispatch.check();
  assert.deepEqual(
    submitted,
    ids.map((id) => `${id}.0`),
  );
  assert.deepEqual(pending.read, ids, "each once, page by page");
  pending.add("new");
  await dispatch.check();
  await dispatch.check();
  assert.deepEqual(pending.read.slice(250), ["new"]);
  assert.equal(submitted.at(-1), "new.0");
});

test("a result reader that broke for good is told to whoever has to end the process", async () => {
  const { queue } = createInProcessQueue();
  const broken: JobQueue = {
    ...queue,
    // biome-ignore lint/correctness/useYield: it breaks before the first result
    async *results() {
      throw new Error("the consumer is gone");
    },
  };
  const dispatch = start(broken);
  await assert.rejects(dispatch.ended, /results are no longer read: the consumer is gone/);
  assert.match(dispatch.notReady() ?? "", /no longer read/);
  await dispatch[Symbol.asyncDispose]();
});

test("what is withdrawn leaves the queue, before, while and after it is queued", async () => {
  const { queue } = createInProcessQueue();
  const pending = createPending("after", "while", "before", "stays");
  const submitted: string[] = [];
  await using dispatch = start(
    {
      ...queue,
      submit(job, options) {
        submitted.push(job.jobId);
        return queue.submit(job, options);
      },
    },
    {
      ...pending.options,
      async job(item) {
        if (item.id === "while") {
          await Promise.all(["while", "before"].map((id) => dispatch.withdraw(id)));
        }
        return jobOf(item);
      },
    },
  );
  await dispatch.check();
  assert.deepEqual(submitted, ["after", "while", "stays"]);
  assert.deepEqual(await queue.depth(), { organic: 2, scoring: 0, synthetic: 0 });
  await dispatch.withdraw("after");
  assert.deepEqual(await queue.depth(), { organic: 1, scoring: 0, synthetic: 0 });
});

test("a queue that is away when something is withdrawn is told, and nothing more comes of it", async () => {
  const { queue } = createInProcessQueue();
  const troubles: string[] = [];
  const away: JobQueue = {
    ...queue,
    withdraw: async () => {
      throw new QueueUnavailableError("away");
    },
  };
  await using dispatch = start(away, { onTrouble: (what) => troubles.push(what) });
  await dispatch.withdraw("a");
  assert.deepEqual(troubles, ["job a could not be taken back, and is done in vain"]);
});
