/** The part of the contract about what is kept and what counts once: dead letters, doubles, large assets. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { FaultCause, JobClass } from "@turntable/proto";
import { inTestTrace, testTraceId, traceIdOf } from "../harness/tracing.ts";
import type { Check } from "./job-queue.ts";
import {
  bytes,
  faultOf,
  mustTake,
  nextAcked,
  openResults,
  contractOptions as options,
  patience,
  resultOf,
  testJob,
  untilEmpty,
  wordOf,
} from "./job-queue-tools.ts";

/** Over what a message may carry in the tests' server. */
const largeSizeBytes = 9 * 1024 * 1024;

export function describeKeeping(name: string, check: Check): void {
  describe(`JobQueue ${name}: dead letters`, () => {
    check(
      "a terminated job is kept with its reason, and a system fault says so",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source("w7");
        const results = openResults(queue);
        const before = Date.now();
        await inTestTrace(() => queue.submit(testJob("a", { prompt: "a red cube" })));
        const taken = await mustTake(source.take(patience()));
        await taken.terminate("no profile of this name");
        const delivery = await results.next();
        const { result, trace } = delivery;
        await delivery.ack();
        assert.equal(result.jobId, "a");
        assert.equal(result.submissionId, "submission-a");
        assert.equal(result.attempt, 1);
        assert.equal(traceIdOf(trace), testTraceId);
        assert.equal(result.outcome.case, "systemFault");
        assert.equal(faultOf(result), "no profile of this name");
        assert.equal(await queue.countDeadLetters(), 1);
        const [letter, ...others] = await queue.listDeadLetters();
        assert.deepEqual(others, []);
        assert.equal(letter?.job.jobId, "a");
        assert.equal(letter.job.prompt, "a red cube");
        assert.equal(letter.job.asset.case, undefined);
        assert.equal(letter.reason, "no profile of this name");
        assert.equal(letter.cause, FaultCause.HOPELESS);
        assert.equal(letter.attempts, 1);
        assert.ok(letter.at.getTime() >= before - 1 && letter.at.getTime() <= Date.now() + 1);
        await untilEmpty(queue);
      },
    );

    for (const [size, sizeBytes] of [
      ["small", 1000],
      ["large", largeSizeBytes],
    ] as const) {
      check(
        `after maxDeliver a job with a ${size} asset is kept, and a replay starts anew`,
        async (fixture) => {
          const { queue } = fixture;
          const source = await fixture.source();
          const results = openResults(queue);
          const asset = bytes(sizeBytes, 3);
          const job = testJob("a", { asset, class: JobClass.SYNTHETIC });
          await inTestTrace(() => queue.submit(job));
          for (let attempt = 1; attempt <= options.maxDeliver; attempt += 1) {
            const taken = await mustTake(source.take(patience()));
            assert.equal(taken.attempt, attempt);
            await taken.handBack(0);
          }
          // Burying is the work of whoever would have been given the job next.
          const taking = source.take(patience());
          const fault = await results.next();
          assert.equal(fault.result.outcome.case, "systemFault");
          assert.equal(fault.result.attempt, options.maxDeliver);
          await fault.ack();
          const [letter] = await queue.listDeadLetters();
          assert.equal(letter?.attempts, options.maxDeliver);
          assert.equal(letter.cause, FaultCause.TRIES);

          assert.equal(await queue.replayDeadLetter("a"), true);
          const replayed = await mustTake(taking);
          assert.equal(replayed.attempt, 1);
          assert.equal(replayed.job.class, JobClass.SYNTHETIC);
          assert.equal(traceIdOf(replayed.trace), testTraceId);
          assert.ok(Buffer.from(asset).equals(await replayed.fetchAsset()));
          assert.deepEqual(await queue.listDeadLetters(), []);
          assert.equal(await queue.countDeadLetters(), 0);
          await replayed.complete(resultOf(replayed, "at last"));
          const result = await results.next();
          assert.deepEqual(result.result, resultOf(replayed, "at last"));
          await result.ack();
          assert.equal(await fixture.storedAssetMessages(), 0);
        },
      );
    }

    check("an expendable job leaves no letter", async (fixture) => {
      const { queue } = fixture;
      const source = await fixture.source();
      const results = openResults(queue);
      await queue.submit({ ...testJob("a"), expendable: true });
      await (await mustTake(source.take(patience()))).terminate("for the test");
      assert.equal(faultOf(await nextAcked(results)), "for the test");
      assert.deepEqual(await queue.listDeadLetters(), []);
    });

    check("a job that is given up again after its replay says so again", async (fixture) => {
      const { queue } = fixture;
      const source = await fixture.source();
      const results = openResults(queue);
      await queue.submit(testJob("a"));
      await (await mustTake(source.take(patience()))).terminate("first");
      assert.equal(faultOf(await nextAcked(results)), "first");
      assert.equal(await queue.replayDeadLetter("a"), true);
      await (await mustTake(source.take(patience()))).terminate("second");
      assert.equal(faultOf(await nextAcked(results)), "second");
      const letters = await queue.listDeadLetters();
      assert.deepEqual(
        letters.map((letter) => letter.reason),
        ["second"],
      );
    });

    check(
      "letters are listed oldest first, one for each replica, and replayed by job",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source();
        assert.equal(await queue.replayDeadLetter("a"), false);
        await queue.submit(testJob("a", { replica: 1 }));
        await queue.submit(testJob("b"));
        await queue.submit(testJob("a", { replica: 0 }));
        for (let i = 0; i < 3; i += 1) {
          await (await mustTake(source.take(patience()))).terminate("x");
        }
        const ids = (await queue.listDeadLetters()).map(({ job }) => `${job.jobId}.${job.replica}`);
        assert.deepEqual(ids, ["a.1", "b.0", "a.0"]);
        assert.equal(await queue.replayDeadLetter("a"), true);
        assert.deepEqual(
          (await queue.listDeadLetters()).map(({ job }) => job.jobId),
          ["b"],
        );
        assert.equal((await queue.depth()).organic, 2);
        assert.equal(await queue.replayDeadLetter("*"), false);
      },
    );
  });

  describe(`JobQueue ${name}: once and no more`, () => {
    check(
      "a job submitted twice is queued once; a further dispatch or replica is another",
      async (fixture) => {
        const { queue } = fixture;
        await queue.submit(testJob("a"));
        await queue.submit(testJob("a"));
        await queue.submit(testJob("a"), { dispatch: 0 });
        assert.equal((await queue.depth()).organic, 1);
        await queue.submit(testJob("a"), { dispatch: 1 });
        await queue.submit(testJob("a"), { dispatch: 1 });
        assert.equal((await queue.depth()).organic, 2);
        await queue.submit(testJob("a", { replica: 1 }), { dispatch: 1 });
        assert.equal((await queue.depth()).organic, 3);
      },
    );

    check("a double result is dropped, that of another replica is not", async (fixture) => {
      const { queue } = fixture;
      const source = await fixture.source();
      const results = openResults(queue);
      await queue.submit(testJob("a"), { dispatch: 0 });
      await queue.submit(testJob("a"), { dispatch: 1 });
      await queue.submit(testJob("a", { replica: 1 }));
      for (const word of ["first", "second", "replica 1"]) {
        const taken = await mustTake(source.take(patience()));
        await taken.complete(resultOf(taken, word));
      }
      const words = [wordOf(await nextAcked(results)), wordOf(await nextAcked(results))];
      assert.deepEqual(words, ["first", "replica 1"]);
      await untilEmpty(queue);
    });

    check(
      "a job that is withdrawn leaves the queue, its asset too; one in work is done",
      async (fixture) => {
        const { queue } = fixture;
        const source = await fixture.source();
        const results = openResults(queue);
        await queue.submit(testJob("in-work"));
        const inWork = await mustTake(source.take(patience()));
        for (const [id, dispatch] of [
          ["gone", 0],
          ["gone", 1],
          ["stays", 0],
        ] as const) {
          await queue.submit(testJob(id, { asset: bytes(largeSizeBytes, 5) }), { dispatch });
        }
        const returned = await mustTake(source.take(patience()));
        assert.equal(returned.job.jobId, "gone");
        await returned.handBack(60_000);
        for (const id of ["gone", "gone", "in-work", "nobody's"]) {
          await queue.withdraw(id);
        }
        await inWork.complete(resultOf(inWork));
        assert.equal((await nextAcked(results)).jobId, "in-work");
        const last = await mustTake(source.take(patience()));
        assert.equal(last.job.jobId, "stays");
        await last.complete(resultOf(last));
        assert.equal((await nextAcked(results)).jobId, "stays");
        await untilEmpty(queue);
        assert.equal(await fixture.storedAssetMessages(), 0);
      },
    );

    check("large assets leave nothing behind, done once or twice", async (fixture) => {
      const { queue } = fixture;
      const source = await fixture.source();
      const results = openResults(queue);
      const asset = bytes(largeSizeBytes, 4);
      await queue.submit(testJob("a", { asset }));
      await queue.submit(testJob("a", { asset }), { dispatch: 1 });
      const first = await mustTake(source.take(patience()));
      const second = await mustTake(source.take(patience()));
      await first.complete(resultOf(first));
      await (await results.next()).ack();
      assert.ok(Buffer.from(asset).equals(await second.fetchAsset()));
      await second.complete(resultOf(second));
      await queue.submit(testJob("a", { asset })); // after it was done, within the window
      await untilEmpty(queue);
      let isMore = false;
      results.next().then(
        () => {
          isMore = true;
        },
        () => undefined, // the queue is disposed
      );
      while ((await fixture.storedAssetMessages()) > 0) {
        await new Promise(setImmediate); // who reads the results is told of the second one's; it ends with the test
      }
      assert.equal(isMore, false, "what it is told is no result");
    });
  });
}
