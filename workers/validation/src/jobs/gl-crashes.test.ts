/** What a worker does when the process that draws for it dies. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { JobClass, RenderScoreJobSchema } from "@turntable/proto";
import { createInProcessQueue } from "@turntable/proto/in-process";
import { defaultAssetLimits, writePly } from "@turntable/splat";
import { profilesDir } from "../profile.ts";
import { missingGl } from "../render/gl/test-device.ts";
import { createTestSplat, GlError, type Renderer, startGlRenderer } from "../render/index.ts";
import { defaultModelDir, loadClip } from "../score/index.ts";
import { runJobLoop } from "./index.ts";

const skip = await missingGl();
const asset = writePly(createTestSplat({ count: 300 }));

/** Which tries at a render end with the death of the process. */
const deadly = [true, true, false, true, true, true];

test("each crash hands the job back; three in a row end the worker", { skip }, async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  await using gl = await startGlRenderer();
  await using clip = await loadClip(defaultModelDir, { executionProvider: "cpu", threads: 1 });
  const pids = new Set<number>();
  const plan = deadly.values();
  const renderer: Renderer = {
    backend: gl.backend,
    approximate: gl.approximate,
    render(scene, cameras, background, options = {}) {
      const isDeadly = plan.next().value === true;
      return gl.render(scene, cameras, background, {
        ...options,
        onView(index, image) {
          pids.add(gl.pid);
          if (isDeadly && index === 0) process.kill(gl.pid, "SIGKILL");
          options.onView?.(index, image);
        },
      });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  for (const jobId of ["a", "b", "c", "d", "e", "f"]) {
    await queue.submit(
      create(RenderScoreJobSchema, {
        jobId,
        taskId: jobId,
        submissionId: jobId,
        class: JobClass.ORGANIC,
        profile: "sn17-seed",
        prompt: "a red ball",
        assetSha256: createHash("sha256").update(asset).digest(),
        assetSizeBytes: BigInt(asset.length),
        asset: { case: "inlineAsset", value: asset },
      }),
    );
  }
  await using jobs = source();
  const outcomes: string[] = [];
  const loop = runJobLoop({
    source: jobs,
    scorer: { renderer, clip, limits: defaultAssetLimits },
    profilesDir,
    workerId: "w1",
    signal: new AbortController().signal,
    giveUp: new AbortController().signal,
    onTaken: () => undefined,
    onJob({ outcome }) {
      outcomes.push(outcome.kind);
      if (outcome.kind !== "scored") return;
      const { backend, approximate } = outcome.report.renderer ?? {};
      assert.deepEqual({ backend, approximate }, { backend: "gl", approximate: gl.approximate });
    },
  });
  await assert.rejects(loop, ({ message, cause }: Error) => {
    assert.match(message, /^3 jobs in a row failed; the last: the gl process ended with SIGKILL/);
    return cause instanceof GlError && cause.code === "crashed";
  });
  const [lost, scored] = ["retryable", "scored"];
  assert.deepEqual(outcomes, [lost, lost, scored, lost, lost, lost]);
  // The third and the fourth render had the same one.
  assert.equal(pids.size, deadly.length - 1);
});
