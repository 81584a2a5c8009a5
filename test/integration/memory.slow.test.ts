/** A job that makes workers grow ends them, and after two of them goes to the dead letters. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { connectJobQueue } from "@turntable/bus/nats";
import { FaultCause } from "@turntable/proto";
import { writePly, writeSpz } from "@turntable/splat";
import { createTestSplat } from "@turntable/validation";
import { nextAcked, openResults, testJob } from "../contract/job-queue-tools.ts";
import { startNatsServer } from "../harness/nats-server.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";

/** A worker that has loaded the built-in model has some 230 MiB; the asset takes 400 more. */
const ceilingMebibytes = 450;

test("a worker over its ceiling of memory ends, and says why; the job's second one is its last", {
  timeout: 170_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await startNatsServer());
  const queue = stack.use(await connectJobQueue({ servers: url, ackWaitMs: 2_000 }));
  const results = openResults(queue);
  const start = async (): Promise<RunningProcess> => {
    const worker = stack.use(
      startProcess("turntable-worker", [
        ...["run", "--nats-servers", url, "--http-port", "0", "--threads", "1"],
        ...["--max-memory-mebibytes", String(ceilingMebibytes)],
      ]),
    );
    await worker.logged(({ msg }) => msg === "ready");
    return worker;
  };
  const asset = writeSpz(createTestSplat({ count: 600_000, shDegree: 3 }));
  const assetSha256 = createHash("sha256").update(asset).digest();
  await queue.submit({ ...testJob("grows", { asset }), assetSha256 });
  for (let killed = 0; killed < 2; killed++) {
    const worker = await start();
    const { level, job_ids, memory_bytes } = await worker.logged(({ msg }) =>
      msg.startsWith("too much memory"),
    );
    assert.deepEqual([level, job_ids], ["fatal", ["grows"]]);
    assert.ok(Number(memory_bytes) > ceilingMebibytes * 2 ** 20);
    assert.equal(await worker.stop(), null); // by a signal
  }
  const worker = await start();
  const { jobId, outcome } = await nextAcked(results);
  assert.equal(jobId, "grows");
  assert.equal(outcome.case, "systemFault");
  assert.equal(outcome.value.cause, FaultCause.SILENCE);
  const letters = await queue.listDeadLetters();
  assert.deepEqual(
    letters.map(({ job, cause }) => [job.jobId, cause]),
    [["grows", FaultCause.SILENCE]],
  );
  // The one that buried it is well, and goes on.
  const small = writePly(createTestSplat({ count: 500 }));
  await queue.submit({
    ...testJob("small", { asset: small }),
    assetSha256: createHash("sha256").update(small).digest(),
  });
  const next = await nextAcked(results);
  assert.deepEqual([next.jobId, next.outcome.case], ["small", "scored"]);
  assert.equal(await worker.stop(), 0);
});
