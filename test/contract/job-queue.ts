/**
 * What every JobQueue keeps (Q1 to Q12 of bus/src/contract.ts), whatever carries it. Nothing here sleeps: where time has to
 * pass, the queue's own delays are waited for.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  InvalidJobError,
  type JobClassName,
  JobNotOursError,
  type JobQueue,
  type JobQueueOptions,
  type JobSource,
  QueueUnavailableError,
} from "@turntable/bus";
import { JobClass, type RenderScoreJob } from "@turntable/proto";
import { inTestTrace, spanIdOf, testTraceId, traceIdOf } from "../harness/tracing.ts";
import { describeDraining } from "./job-queue-draining.ts";
import { describeKeeping } from "./job-queue-keeping.ts";
import {
  bytes,
  mustTake,
  nextAcked,
  openResults,
  contractOptions as options,
  patience,
  releasing,
  resultOf,
  testJob,
  untilEmpty,
} from "./job-queue-tools.ts";

/** One queue, empty at first, and as many workers as a test asks for. */
export interface JobQueueFixture extends AsyncDisposable {
  readonly queue: JobQueue;
  source(workerId?: string, jobClasses?: readonly JobClassName[]): Promise<JobSource>;
  /** Messages of any kind that the object store holds. */
  storedAssetMessages(): Promise<number>;
}

/** One test with a queue of its own. */
export type Check = (
  what: string,
  body: (fixture: JobQueueFixture) => Promise<void>,
  overrides?: Partial<JobQueueOptions>,
) => void;

export type OpenJobQueue = (options: JobQueueOptions) => Promise<JobQueueFixture>;

/** Timers may fire a little early. */
const timerSlackMs = 5;

export function describeJobQueue(name: string, open: OpenJobQueue): void {
  const check: Check = (what, body, overrides = {}) =>
    void test(what, { timeout: 30_000 }, async () => {
      await using stack = new AsyncDisposableStack();
      const opened = stack.use(await open({ ...options, ...overrides }));
      await body({
        ...opened,
        source: async (workerId, jobClasses) =>
          releasing(stack.use(await opened.source(workerId, jobClasses)), stack),
      });
    });

  describeKeeping(name, check);
  describeDraining(name, check);

  describe(`JobQueue ${name}: giving out`, () => {
    check(
      "a job reaches a waiting worker whole, and its result the coordinator",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source();
        const results = openResults(queue);
        const job = testJob("a", { asset: bytes(1000, 1), replica: 1 });
        const taking = source.take(patience());
        await inTestTrace(() => queue.submit(job), "1111111111111111");
        const taken = await mustTake(taking);
        assert.equal(taken.attempt, 1);
        assert.equal(traceIdOf(taken.trace), testTraceId);
        assert.equal(spanIdOf(taken.trace), "1111111111111111");
        assert.deepEqual(taken.job, job);
        assert.deepEqual(await taken.fetchAsset(), bytes(1000, 1));
        assert.equal(taken.signal.aborted, false);
        await inTestTrace(() => taken.complete(resultOf(taken, "good")), "2222222222222222");
        const delivery = await results.next();
        assert.deepEqual(delivery.result, resultOf(taken, "good"));
        assert.equal(traceIdOf(delivery.trace), testTraceId);
        assert.equal(spanIdOf(delivery.trace), "2222222222222222", "where it was completed");
        await delivery.ack();
        await untilEmpty(queue);
      },
    );

    check(
      "organic jobs go before scorings, and those before synthetic ones, that wait longer",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source();
        const expected = ["o1", "o2", "a", "s1", "s2"];
        let order: string[] = [];
        // On a machine that is slow enough a look for better jobs may come to nothing now and then.
        for (let round = 0; round < 5 && order.join() !== expected.join(); round++) {
          const id = (name: string): string => `${name}-${round}`;
          await queue.submit(testJob(id("s1"), { class: JobClass.SYNTHETIC }));
          await queue.submit(testJob(id("s2"), { class: JobClass.SYNTHETIC }));
          await queue.submit(testJob(id("a"), { class: JobClass.SCORING }));
          await queue.submit(testJob(id("o1")));
          await queue.submit(testJob(id("o2")));
          order = [];
          while (order.length < expected.length) {
            const taken = await mustTake(source.take(patience()));
            order.push(taken.job.jobId.split("-")[0] ?? "");
            await taken.complete(resultOf(taken));
          }
        }
        assert.deepEqual(order, expected);
      },
    );

    check("no class goes before one that was empty and is not any more", async (fixture) => {
      const { queue } = fixture;
      const source = await fixture.source();
      const rounds = 20;
      let inOrder = 0;
      for (let round = 0; round < rounds; round += 1) {
        await queue.submit(testJob(`a${round}`, { class: JobClass.SCORING }));
        await queue.submit(testJob(`o${round}`));
        let order = "";
        for (const _class of ["organic", "scoring"]) {
          const taken = await mustTake(source.take(patience()));
          order += taken.job.jobId.slice(0, 1);
          await taken.complete(resultOf(taken));
        }
        inOrder += order === "oa" ? 1 : 0;
      }
      // A server tells its consumers of a message a moment after it has acked it: who looks in between finds none.
      assert.ok(inOrder >= 0.75 * rounds, `${inOrder} of ${rounds}`);
    });

    check(
      "a worker that waits takes one job, and no other loses an attempt to it",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source("one");
        const other = await fixture.source("other");
        const taking = source.take(patience());
        await Promise.all([
          queue.submit(testJob("s", { class: JobClass.SYNTHETIC })),
          queue.submit(testJob("o")),
        ]);
        const first = await mustTake(taking);
        const second = await mustTake(other.take(patience()));
        assert.deepEqual(new Set([first.job.jobId, second.job.jobId]), new Set(["o", "s"]));
        assert.deepEqual([first.attempt, second.attempt], [1, 1]);
        await first.complete(resultOf(first));
        await second.complete(resultOf(second));
      },
    );

    check("a job is not given to the workers that it excludes", async (fixture) => {
      const { queue } = fixture;
      const excluded = await fixture.source("w1");
      const other = await fixture.source("w2");
      const taking = excluded.take(patience());
      await queue.submit({ ...testJob("audit"), excludedWorkerIds: ["w1", "w3"] });
      const audit = await mustTake(other.take(patience()));
      assert.deepEqual([audit.job.jobId, audit.attempt], ["audit", 1]);
      await queue.submit(testJob("next"));
      const next = await mustTake(taking);
      assert.equal(next.job.jobId, "next");
      await Promise.all([next.complete(resultOf(next)), audit.complete(resultOf(audit))]);
    });

    check("many workers share the jobs, each job once", async (fixture) => {
      const { queue } = fixture;
      const count = 60;
      const done: string[] = [];
      const finished = new AbortController();
      const loops = [];
      for (const workerId of ["w1", "w2", "w3", "w4"]) {
        const source = await fixture.source(workerId);
        loops.push(workUntil(source, finished.signal, done));
      }
      const results = openResults(queue);
      await Promise.all(
        Array.from({ length: count }, (_, i) =>
          queue.submit(testJob(`j${i}`, i % 2 === 0 ? {} : { class: JobClass.SYNTHETIC })),
        ),
      );
      for (let i = 0; i < count; i += 1) {
        await (await results.next()).ack();
      }
      finished.abort();
      await Promise.all(loops);
      assert.equal(done.length, count);
      assert.equal(new Set(done).size, count);
    });

    check("aborting a take leaves the jobs to others", async (fixture) => {
      const source = await fixture.source("one");
      const other = await fixture.source("other");
      const abort = new AbortController();
      const taking = source.take(abort.signal);
      abort.abort();
      assert.equal(await taking, undefined);
      assert.equal(await source.take(AbortSignal.abort()), undefined);
      await fixture.queue.submit(testJob("a"));
      const taken = await mustTake(other.take(patience()));
      assert.equal(taken.attempt, 1);
      await taken.complete(resultOf(taken));
    });

    check("a worker takes jobs of its own classes alone", async (fixture) => {
      const synthetic = await fixture.source("w1", ["synthetic"]);
      const others = await fixture.source("w2", ["scoring", "organic"]);
      const classes = ["SYNTHETIC", "SCORING", "ORGANIC"] as const;
      for (const name of classes) {
        await fixture.queue.submit(testJob(name, { class: JobClass[name] }));
      }
      const jobIds = [];
      for (const source of [synthetic, others, others]) {
        const taken = await mustTake(source.take(patience()));
        jobIds.push(taken.job.jobId);
        await taken.complete(resultOf(taken));
      }
      assert.deepEqual(jobIds.toSorted(), ["ORGANIC", "SCORING", "SYNTHETIC"]);
      assert.equal(jobIds[0], "SYNTHETIC");
      const none = new AbortController();
      const taking = synthetic.take(none.signal);
      await fixture.queue.submit(testJob("organic"));
      const taken = await mustTake(others.take(patience()));
      await taken.complete(resultOf(taken));
      none.abort();
      assert.equal(await taking, undefined);
    });

    check("a worker that has a job leaves what is new to those that have none", async (fixture) => {
      const busy = await fixture.source("busy");
      const idle = await fixture.source("idle");
      const inWork = new AbortController();
      const takenBy = { busy: 0, idle: 0 };
      const takeOne = async (name: "busy" | "idle"): Promise<void> => {
        const taken = await mustTake(
          name === "busy"
            ? busy.take(patience(), { busyUntil: inWork.signal })
            : idle.take(patience()),
        );
        takenBy[name] += 1;
        await taken.complete(resultOf(taken));
      };
      const taking = { busy: takeOne("busy"), idle: takeOne("idle") };
      // On a machine that is slow the first choice comes to nothing now and then.
      for (let id = 0; takenBy.idle - takenBy.busy < 10; id++) {
        assert.ok(id < 40, JSON.stringify(takenBy));
        const before = { ...takenBy };
        await fixture.queue.submit(testJob(`job-${id}`));
        await Promise.race([taking.busy, taking.idle]);
        const name = takenBy.busy > before.busy ? "busy" : "idle";
        taking[name] = takeOne(name);
      }
      await fixture.queue.submit(testJob("one"));
      await fixture.queue.submit(testJob("another"));
      await Promise.all([taking.busy, taking.idle]);
    });

    check("once its job has ended it takes what there is", async (fixture) => {
      const source = await fixture.source();
      const inWork = new AbortController();
      const taking = source.take(patience(), { busyUntil: inWork.signal });
      inWork.abort();
      await fixture.queue.submit(testJob("a"));
      const taken = await mustTake(taking);
      await taken.complete(resultOf(taken));
    });

    check("the asset's bytes are the worker's own", async (fixture) => {
      const source = await fixture.source();
      await fixture.queue.submit(testJob("a", { asset: bytes(5000, 2) }));
      const taken = await mustTake(source.take(patience()));
      const asset = await taken.fetchAsset();
      assert.ok(asset.buffer instanceof ArrayBuffer);
      structuredClone(asset.buffer, { transfer: [asset.buffer] }); // as to another thread
      assert.deepEqual(await taken.fetchAsset(), bytes(5000, 2));
      await taken.handBack(0);
      const again = await mustTake(source.take(patience()));
      assert.deepEqual(await again.fetchAsset(), bytes(5000, 2));
      await again.complete(resultOf(again));
    });

    check(
      "depth counts what waits, what waits for its delay and what is in work",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source();
        for (const id of ["o1", "o2", "o3"]) {
          await queue.submit(testJob(id));
        }
        const inWork = await mustTake(source.take(patience()));
        const handedBack = await mustTake(source.take(patience()));
        await handedBack.handBack(60_000);
        await queue.submit(testJob("s1", { class: JobClass.SYNTHETIC }));
        assert.deepEqual(await queue.depth(), { organic: 3, scoring: 0, synthetic: 1 });
        await inWork.terminate("for the test");
        assert.deepEqual(await queue.depth(), { organic: 2, scoring: 0, synthetic: 1 });
      },
    );
  });

  describe(`JobQueue ${name}: trying again`, () => {
    check("a job handed back comes again after its delay, as the next attempt", async (fixture) => {
      const delayMs = 150;
      const source = await fixture.source();
      await fixture.queue.submit(testJob("a"));
      const first = await mustTake(source.take(patience()));
      const since = performance.now();
      await first.handBack(delayMs);
      const second = await mustTake(source.take(patience()));
      assert.ok(performance.now() - since >= delayMs - timerSlackMs);
      assert.equal(second.job.jobId, "a");
      assert.equal(second.attempt, 2);
      await second.complete(resultOf(second));
    });

    check(
      "a job handed back before it was begun with has lost no try",
      async (fixture) => {
        const source = await fixture.source();
        await fixture.queue.submit(testJob("a"));
        for (let returned = 0; returned < 5; returned++) {
          const taken = await mustTake(source.take(patience()));
          assert.equal(taken.attempt, 1);
          await taken.handBack(0, { begun: false });
        }
        const taken = await mustTake(source.take(patience()));
        assert.equal(taken.attempt, 1);
        await taken.handBack(0);
        const again = await mustTake(source.take(patience()));
        assert.equal(again.attempt, 2);
        await again.complete(resultOf(again));
      },
      { maxDeliver: 2 },
    );

    check(
      "a job in work is kept alive for as long as it takes",
      async (fixture) => {
        const source = await fixture.source("one");
        const other = await fixture.source("other");
        await fixture.queue.submit(testJob("slow"));
        await fixture.queue.submit(testJob("clock"));
        const slow = await mustTake(source.take(patience()));
        const clock = await mustTake(source.take(patience()));
        await clock.handBack(2500); // over two ack waits: were it not kept alive, "slow" would come first
        const next = await mustTake(other.take(patience()));
        assert.equal(next.job.jobId, "clock");
        assert.equal(slow.signal.aborted, false);
        await slow.complete(resultOf(slow));
        await next.complete(resultOf(next));
        await untilEmpty(fixture.queue);
      },
      { ackWaitMs: 1000 },
    );

    check("settling a job twice is refused", async (fixture) => {
      const source = await fixture.source();
      await fixture.queue.submit(testJob("a"));
      const taken = await mustTake(source.take(patience()));
      await taken.complete(resultOf(taken));
      await assert.rejects(taken.complete(resultOf(taken)), JobNotOursError);
      await assert.rejects(taken.handBack(0), JobNotOursError);
      await assert.rejects(taken.terminate("late"), JobNotOursError);
      assert.deepEqual(await fixture.queue.listDeadLetters(), []);
    });
  });

  describe(`JobQueue ${name}: results`, () => {
    check("a result that was not applied comes again after the nak's delay", async (fixture) => {
      const { queue } = fixture;
      const source = await fixture.source();
      const results = openResults(queue);
      await finish(queue, source, "a");
      const since = performance.now();
      await (await results.next()).nak(150);
      const again = await results.next();
      assert.ok(performance.now() - since >= 150 - timerSlackMs);
      assert.equal(again.result.jobId, "a");
      await again.ack();
      await finish(queue, source, "b");
      assert.equal((await nextAcked(results)).jobId, "b");
    });

    check(
      "a result that nobody acked comes again after the ack wait, to whoever listens then",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source();
        await finish(queue, source, "a");
        for await (const delivery of queue.results()) {
          assert.equal(delivery.result.jobId, "a");
          break;
        }
        const again = await openResults(queue).next();
        assert.equal(again.result.jobId, "a");
        await again.ack();
      },
      { ackWaitMs: 300 },
    );

    check("results that came while nobody listened are there", async (fixture) => {
      const { queue } = fixture;
      const source = await fixture.source();
      for (const id of ["a", "b", "c"]) {
        await finish(queue, source, id);
      }
      const results = openResults(queue);
      const ids = [];
      for (let i = 0; i < 3; i += 1) {
        const delivery = await results.next();
        ids.push(delivery.result.jobId);
        await delivery.ack();
      }
      assert.deepEqual(ids, ["a", "b", "c"]);
    });
  });

  describe(`JobQueue ${name}: shutting down`, () => {
    check("who listens for results can leave, and the queue goes on", async (fixture) => {
      const { queue } = fixture;
      const source = await fixture.source();
      await finish(queue, source, "a");
      const leave = new AbortController();
      const iterator = queue.results(leave.signal)[Symbol.asyncIterator]();
      const last = await iterator.next();
      const end = iterator.next();
      leave.abort();
      assert.equal((await end).done, true);
      await last.value.ack();
      await finish(queue, source, "b");
      assert.equal((await nextAcked(openResults(queue))).jobId, "b");
    });

    check("a source stops taking and waits for what is in work", async (fixture) => {
      const { queue } = fixture;
      const source = await fixture.source();
      await queue.submit(testJob("a"));
      const taken = await mustTake(source.take(patience()));
      const taking = source.take(patience());
      let isDisposed = false;
      const disposing = source[Symbol.asyncDispose]().then(() => {
        isDisposed = true;
      });
      assert.equal(await taking, undefined);
      assert.equal(await source.take(patience()), undefined);
      assert.equal(isDisposed, false);
      await taken.complete(resultOf(taken));
      await disposing;
      assert.equal((await nextAcked(openResults(queue))).jobId, "a");
      await untilEmpty(queue);
    });

    check(
      "a queue ends its results, lets the last one be acked, and takes no more jobs",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source();
        await finish(queue, source, "a");
        const iterator = queue.results()[Symbol.asyncIterator]();
        const last = await iterator.next();
        assert.equal(last.done, false);
        let isDisposed = false;
        const disposing = queue[Symbol.asyncDispose]().then(() => {
          isDisposed = true;
        });
        const end = iterator.next();
        assert.equal((await end).done, true);
        assert.equal(isDisposed, false);
        await last.value.ack();
        await disposing;
        await assert.rejects(queue.submit(testJob("b")), QueueUnavailableError);
      },
    );
  });

  describe(`JobQueue ${name}: what cannot be queued`, () => {
    check("says what is wrong with it", async ({ queue }) => {
      const cases: readonly (readonly [RenderScoreJob, RegExp])[] = [
        [testJob("a", { class: JobClass.UNSPECIFIED }), /no class/],
        [testJob("a", { profile: "sn17.seed" }), /profile "sn17.seed" is not a token/],
        [testJob("two words"), /job_id "two words" is not a token/],
        [testJob(""), /job_id "" is not a token/],
        [{ ...testJob("a"), asset: { case: undefined } }, /no inline asset/],
        [{ ...testJob("a"), asset: { case: "assetObject", value: "x" } }, /no inline asset/],
      ];
      for (const [job, message] of cases) {
        await assert.rejects(queue.submit(job), (error: unknown) => {
          assert.ok(error instanceof InvalidJobError);
          assert.match(error.message, message);
          return true;
        });
      }
      await untilEmpty(queue);
    });
  });
}

async function finish(queue: JobQueue, source: JobSource, jobId: string): Promise<void> {
  await queue.submit(testJob(jobId));
  const taken = await mustTake(source.take(patience()));
  await taken.complete(resultOf(taken));
}

async function workUntil(source: JobSource, signal: AbortSignal, done: string[]): Promise<void> {
  for (;;) {
    const taken = await source.take(signal);
    if (taken === undefined) {
      return;
    }
    await taken.complete(resultOf(taken));
    done.push(taken.job.jobId);
  }
}
