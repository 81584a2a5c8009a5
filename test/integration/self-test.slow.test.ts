/** A worker whose model computes wrongly: never ready, and no job of anybody's is in its hands. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connectJobQueue } from "@turntable/bus/nats";
import { writePly } from "@turntable/splat";
import { createTestSplat, defaultModelDir } from "@turntable/validation";
import { nextAcked, openResults, testJob } from "../contract/job-queue-tools.ts";
import { freePort } from "../harness/free-port.ts";
import { startNatsServer } from "../harness/nats-server.ts";
import { startProcess } from "../harness/process.ts";

test("a worker with a broken model is never ready, takes no job, and ends with 1 and the reason", {
  timeout: 120_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await startNatsServer());
  const queue = stack.use(await connectJobQueue({ servers: url }));
  const results = openResults(queue);
  const asset = writePly(createTestSplat({ count: 500 }));
  const assetSha256 = createHash("sha256").update(asset).digest();
  await queue.submit({ ...testJob("a", { asset }), assetSha256 });

  const directory = await mkdtemp(join(tmpdir(), "turntable-model-"));
  stack.defer(() => rm(directory, { recursive: true }));
  await cp(defaultModelDir, directory, { recursive: true });
  const file = join(directory, "selftest.json");
  const record = JSON.parse(await readFile(file, "utf8"));
  // As seen from here, this machine computes something else than all others.
  record.probabilities[2] += 0.01;
  await writeFile(file, JSON.stringify(record));

  const port = await freePort();
  const start = (...more: readonly string[]) =>
    stack.use(
      startProcess("turntable-worker", ["run", "--nats-servers", url, "--threads", "1", ...more]),
    );
  const broken = start("--http-port", String(port), "--model", directory);
  await broken.logged(({ msg }) => msg === "connected to NATS");
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  assert.deepEqual(
    [answer.status, await answer.text()],
    [503, "renderer and model are being loaded and tested\n"],
  );
  await assert.rejects(
    broken.logged(({ msg }) => msg === "ready"),
    /probabilities 0.0100 off what it gives elsewhere/,
  );
  assert.equal(await broken.stop(), 1);

  start("--http-port", "0");
  const { jobId, attempt, outcome } = await nextAcked(results);
  assert.deepEqual([jobId, attempt, outcome.case], ["a", 1, "scored"]);
});
