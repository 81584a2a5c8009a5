/** The part of the contract about workers that the operator takes out of work (Q11). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Check } from "./job-queue.ts";
import { mustTake, patience, resultOf, testJob, untilEmpty } from "./job-queue-tools.ts";

export function describeDraining(name: string, check: Check): void {
  describe(`JobQueue ${name}: draining`, () => {
    check(
      "a drained worker finishes its job, takes no other, and goes on when resumed",
      async (fixture) => {
        const { queue } = fixture;
        const [drained, other] = ["host.name 1", "w2"] as const;
        const source = await fixture.source(drained);
        const stateOf = async (id: string) =>
          (await queue.workers()).find((worker) => worker.id === id)?.state;
        await queue.submit(testJob("a"));
        const begun = await mustTake(source.take(patience()));
        assert.equal(await stateOf(drained), "working");

        assert.equal(await queue.setDraining(drained, true), "draining");
        assert.equal(await queue.setDraining(drained, true), "draining", "it was said before");
        await queue.submit(testJob("b"));
        const waiting = source.take(patience());
        await begun.complete(resultOf(begun));
        assert.equal(await queue.setDraining(drained, true), "drained");

        const free = await fixture.source(other);
        const left = await mustTake(free.take(patience()));
        assert.deepEqual([left.job.jobId, left.attempt], ["b", 1]);
        await left.complete(resultOf(left));
        await untilEmpty(queue);
        assert.deepEqual([await stateOf(drained), await stateOf(other)], ["drained", "ready"]);

        // One that nobody else is there for.
        await free[Symbol.asyncDispose]();
        await queue.submit(testJob("c"));
        assert.match((await queue.setDraining(drained, false)) ?? "", /^(ready|working)$/);
        const next = await mustTake(waiting);
        assert.deepEqual([next.job.jobId, next.attempt], ["c", 1]);
        await next.complete(resultOf(next));
      },
    );

    check(
      "one that waits for a job is drained at once, and can be stopped then",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source("w1");
        const stopping = new AbortController();
        const waiting = source.take(stopping.signal);
        assert.equal(await queue.setDraining("w1", true), "drained");
        await queue.submit(testJob("a"));
        const free = await fixture.source("w2");
        const taken = await mustTake(free.take(patience()));
        assert.deepEqual([taken.job.jobId, taken.attempt], ["a", 1]);
        await taken.complete(resultOf(taken));
        stopping.abort();
        assert.equal(await waiting, undefined);
      },
    );

    check(
      "a worker that was restarted is not drained, and one that is not there is told of",
      async (fixture) => {
        const { queue } = fixture;
        assert.deepEqual(await queue.workers(), []);
        assert.equal(await queue.setDraining("w1", true), undefined);
        assert.equal(await queue.setDraining("", true), undefined);
        const before = await fixture.source("w1");
        assert.equal(await queue.setDraining("w1", true), "drained");
        await before[Symbol.asyncDispose]();
        await fixture.source("w1");
        assert.deepEqual(await queue.workers(), [{ id: "w1", state: "loading" }]);
      },
    );

    check(
      "a worker that has not asked for a job yet is loading, and ready once it asks",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source("w1");
        assert.deepEqual(await queue.workers(), [{ id: "w1", state: "loading" }]);
        assert.equal(await queue.setDraining("w1", true), "drained");
        assert.equal(await queue.setDraining("w1", false), "loading");
        const stopping = new AbortController();
        const waiting = source.take(stopping.signal);
        assert.deepEqual(await queue.workers(), [{ id: "w1", state: "ready" }]);
        stopping.abort();
        assert.equal(await waiting, undefined);
        assert.deepEqual(await queue.workers(), [{ id: "w1", state: "ready" }], "its job ended");
      },
    );
  });
}
