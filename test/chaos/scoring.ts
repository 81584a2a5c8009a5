/**
 * Scoring that only waits: how long, and what comes of it, follows from the asset's positions, so that whoever made the
 * asset knows its score. Everything else of a worker is real.
 */
import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { defaultAssetLimits } from "@turntable/splat";
import type { Scorer } from "@turntable/validation";

/** How long one asset takes at least and at most, in ms. */
const shortestMs = 20;
const longestMs = 300;

/** Sent to a worker: from then on its scoring takes `slowMs` more, and no more. */
export const slowSignals = { begin: "SIGUSR2", end: "SIGHUP" } as const;
/** Longer than the ack wait. */
const slowMs = 3_000;

/** Of ten assets two are rejected, the others accepted in both steps. */
export function scoreOfPositions(positions: Float32Array): number {
  const tenth = digestOf(positions).readUInt8(0) % 10;
  if (tenth < 2) {
    return 0.3;
  }
  return tenth < 6 ? 0.7 : 0.9;
}

function digestOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return hash("sha256", new Uint8Array(buffer, byteOffset, byteLength), "buffer");
}

/** One asset at a time, as `Renderer` has it; a picture is one pixel that holds the score. */
export function createSimulatedScorer(): Scorer {
  let moreMs = 0;
  process.on(slowSignals.begin, () => {
    moreMs = slowMs;
  });
  process.on(slowSignals.end, () => {
    moreMs = 0;
  });
  return {
    limits: defaultAssetLimits,
    renderer: {
      backend: "simulated",
      approximate: false,
      async render(scene, cameras, _background, { onView, signal } = {}) {
        const share = digestOf(scene.positions).readUInt8(1) / 255;
        const ms = moreMs + shortestMs + share * (longestMs - shortestMs);
        await sleep(ms, undefined, { signal });
        const image = {
          ...{ width: 1, height: 1 },
          pixels: Uint8Array.of(Math.round(scoreOfPositions(scene.positions) * 100), 0, 0),
        };
        return cameras.map((_, view) => {
          onView?.(view, image);
          return image;
        });
      },
      async [Symbol.asyncDispose]() {},
    },
    clip: {
      ...{ name: "simulated", sha256: new Uint8Array(32), files: [], pictureSettings: undefined },
      ...{ demonstration: true, executionProvider: "cpu", placement: { onProvider: 0, onCpu: {} } },
      unknownWords: () => [],
      probabilities: async (_prompt, images) => images.map(probabilityOf),
      startViews() {
        const probabilities: number[] = [];
        return {
          add(view, image) {
            probabilities[view] = probabilityOf(image);
          },
          finish: async () => probabilities,
        };
      },
      async [Symbol.asyncDispose]() {},
    },
  };
}

function probabilityOf({ pixels }: { readonly pixels: Uint8Array }): number {
  return (pixels[0] ?? 0) / 100;
}
