/**
 * A worker process whose renderer and model only take their time: the job loop, the queue's client, decoding, lint and
 * fingerprint are the product's own. Started by worker-pool.ts; SIGTERM drains it as it drains `turntable-worker`.
 */
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { connectJobSource } from "@turntable/bus/nats";
import { defaultAssetLimits } from "@turntable/splat";
import type { RgbImage, Scorer } from "@turntable/validation";
import { createProfiles, runJobLoop } from "@turntable/validation/internal";
import type { FromWorker, SimulatedWorkerOptions } from "./worker-pool.ts";

/** Of a job's time, what rendering takes; a worker fetches its next job while the model has the rest. */
const renderShare = 0.4;
/** The grace period's part that a job in work may go on for, as with `turntable-worker`'s defaults. */
const drainMs = 20_000;
/** As many as the profile of the subnet has. */
const views = 36;
const probability = 0.9;
const picture: RgbImage = { width: 1, height: 1, pixels: new Uint8Array(3) };

const options: SimulatedWorkerOptions = JSON.parse(process.argv[2] ?? "");
const { servers, workerId, scoringMs } = options;
const tell = (message: FromWorker): void => void process.send?.(message);
const now = (): number => performance.timeOrigin + performance.now();

const stopping = new AbortController();
const giveUp = new AbortController();
process.once("disconnect", () => stopping.abort());
process.once("SIGTERM", () => {
  stopping.abort();
  setTimeout(drainMs, undefined, { ref: false }).then(() => giveUp.abort());
});

await setTimeout(options.coldStartMs, undefined, { signal: stopping.signal }).catch(
  () => undefined,
);
if (!stopping.signal.aborted) {
  await work();
}
if (process.connected) {
  process.disconnect();
}

async function work(): Promise<void> {
  await using source = await connectJobSource({ servers, workerId, signal: stopping.signal });
  tell({ kind: "ready" });
  if (options.waitsForGo) {
    await Promise.race([once(process, "message"), once(stopping.signal, "abort")]);
  }
  let beganAt = 0;
  let scoredAt = 0;
  const scorer: Scorer = {
    limits: defaultAssetLimits,
    renderer: {
      ...{ backend: "simulated", approximate: false },
      async render(_scene, cameras, _background, { signal } = {}) {
        beganAt = now();
        await setTimeout(scoringMs * renderShare, undefined, signal && { signal });
        return cameras.map(() => picture);
      },
      [Symbol.asyncDispose]: async () => undefined,
    },
    clip: {
      ...{ name: "simulated", sha256: new Uint8Array(32), files: [], pictureSettings: undefined },
      ...{ demonstration: false, unknownWords: () => [], executionProvider: "simulated" },
      placement: { onProvider: 0, onCpu: {} },
      probabilities: async (_prompt, images) => images.map(() => probability),
      startViews: (_prompt, { signal } = {}) => ({
        add: () => undefined,
        async finish() {
          await setTimeout(scoringMs * (1 - renderShare), undefined, signal && { signal });
          scoredAt = now();
          return new Array(views).fill(probability);
        },
      }),
      [Symbol.asyncDispose]: async () => undefined,
    },
  };
  await runJobLoop({
    ...{ source, scorer, workerId, profile: createProfiles() },
    ...{ signal: stopping.signal, giveUp: giveUp.signal, fetchAhead: "scoring" },
    onLeft: () => undefined,
    onTaken: ({ job }) => tell({ kind: "taken", jobId: job.jobId, at: now() }),
    onJob({ taken, outcome }) {
      const { jobId } = taken.job;
      const ending = outcome.kind;
      tell({ kind: "done", jobId, ending, beganAt, scoredAt, settledAt: now() });
    },
  });
}
