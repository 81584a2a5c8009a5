/** What a worker does when the process that draws for it dies. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { JobClass, RenderScoreJobSchema } from "@turntable/proto";
import { defaultAssetLimits, writePly } from "@turntable/splat";
import { missingDevice } from "../../test/missing-device.ts";
import { DeviceError } from "../gpu/index.ts";
import {
  createTestSplat,
  type Renderer,
  startGlRenderer,
  startWebgpuRenderer,
} from "../render/index.ts";
import { defaultModelDir, loadClip } from "../score/index.ts";
import { createProfiles, profilesDir } from "../scoring/index.ts";
import { runJobLoop } from "./loop.ts";

const backends = {
  gl: () => startGlRenderer(process.env),
  webgpu: () => startWebgpuRenderer({ env: process.env, allowSoftware: true }),
};
const asset = writePly(createTestSplat({ count: 300 }));

/** Which tries at a render end with the death of the process. */
const deadly = [true, true, false, true, true, true];

for (const [backend, start] of Object.entries(backends)) {
  const skip = await missingDevice(start);
  test(`${backend}: each crash hands the job back; three in a row end the worker`, {
    skip,
  }, async () => {
    const { queue, source } = createInProcessQueue();
    await using _queue = queue;
    await using drawing = await start();
    await using clip = await loadClip(defaultModelDir, { executionProvider: "cpu", threads: 1 });
    await using profiles = await smallProfile();
    const pids = new Set<number>();
    const plan = deadly.values();
    const renderer: Renderer = {
      backend: drawing.backend,
      approximate: drawing.approximate,
      render(scene, cameras, background, options = {}) {
        const isDeadly = plan.next().value === true;
        return drawing.render(scene, cameras, background, {
          ...options,
          onView(index, image) {
            pids.add(drawing.pid);
            if (isDeadly && index === 0) {
              process.kill(drawing.pid, "SIGKILL");
            }
            options.onView?.(index, image);
          },
        });
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    for (const jobId of ["a", "b", "c", "d", "e", "f"]) {
      await queue.submit(jobOf(jobId));
    }
    await using jobs = source();
    const outcomes: string[] = [];
    const loop = runJobLoop({
      source: jobs,
      scorer: { renderer, clip, limits: defaultAssetLimits },
      profile: createProfiles(profiles.directory),
      workerId: "w1",
      signal: new AbortController().signal,
      giveUp: new AbortController().signal,
      fetchAhead: "begun",
      onTaken: () => undefined,
      onLeft: () => undefined,
      onJob({ outcome }) {
        outcomes.push(outcome.kind);
        if (outcome.kind !== "scored") {
          return;
        }
        const { approximate } = drawing;
        const { backend: reported, approximate: isApproximate } = outcome.report.renderer ?? {};
        assert.deepEqual([reported, isApproximate], [backend, approximate]);
      },
    });
    await assert.rejects(loop, ({ message, cause }: Error) => {
      assert.match(
        message,
        /^3 jobs in a row failed; the last: the \w+ process ended with SIGKILL/,
      );
      return cause instanceof DeviceError && cause.code === "crashed";
    });
    const [lost, scored] = ["retryable", "scored"];
    assert.deepEqual(outcomes, [lost, lost, scored, lost, lost, lost]);
    // The third and the fourth render had the same one.
    assert.equal(pids.size, deadly.length - 1);
  });
}

test("an asset that no device here can hold is handed back, and the worker goes on", async () => {
  const { queue, source } = createInProcessQueue();
  await using _queue = queue;
  await using clip = await loadClip(defaultModelDir, { executionProvider: "cpu", threads: 1 });
  await using profiles = await smallProfile();
  const renderer: Renderer = {
    ...{ backend: "webgpu", approximate: false },
    render: () => Promise.reject(new DeviceError("too-large", "this takes 5 MiB")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const jobIds = ["a", "b", "c", "d"];
  for (const jobId of jobIds) {
    await queue.submit(jobOf(jobId));
  }
  await using jobs = source();
  const enough = new AbortController();
  const outcomes: string[] = [];
  await runJobLoop({
    source: jobs,
    scorer: { renderer, clip, limits: defaultAssetLimits },
    profile: createProfiles(profiles.directory),
    workerId: "w1",
    signal: enough.signal,
    giveUp: new AbortController().signal,
    fetchAhead: "begun",
    onTaken: () => undefined,
    onLeft: () => undefined,
    onJob({ outcome }) {
      outcomes.push(outcome.kind);
      if (outcomes.length === jobIds.length) {
        enough.abort();
      }
    },
  });
  assert.deepEqual(
    outcomes,
    jobIds.map(() => "retryable"),
  );
});

function jobOf(jobId: string) {
  return create(RenderScoreJobSchema, {
    jobId,
    taskId: jobId,
    submissionId: jobId,
    class: JobClass.ORGANIC,
    profile: "small",
    prompt: "a red ball",
    assetSha256: createHash("sha256").update(asset).digest(),
    assetSizeBytes: BigInt(asset.length),
    asset: { case: "inlineAsset", value: asset },
  });
}

/** A profile for devices in software. */
async function smallProfile(): Promise<AsyncDisposable & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), "turntable-profiles-"));
  const profile = JSON.parse(await readFile(join(profilesDir, "sn17-seed.json"), "utf8"));
  await writeFile(join(directory, "small.json"), JSON.stringify({ ...profile, size: 48 }));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}
