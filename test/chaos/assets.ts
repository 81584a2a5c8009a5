/** What miners submit, and what each of it is worth. */
import { hash, randomUUID } from "node:crypto";
import { writePly } from "@turntable/splat";
import { createTestSplat } from "@turntable/validation";
import { randomOf } from "../harness/random.ts";
import { scoreOfPositions } from "./scoring.ts";

/** One submission in so many is no asset, and one in so many too large for a message. */
const brokenEvery = 10;
const largeEvery = 6;
const smallSplats = 24;
const largeSplats = 2_500;

export interface Assets {
  /** Another one each time. */
  nextAsset(): Uint8Array;
  /** The score that the bytes with this SHA-256 have; undefined when they are no asset. */
  scoreOf(sha256: string): number | undefined;
}

export function createAssets(seed: number): Assets {
  const scores = new Map<string, number>();
  const random = randomOf(seed);
  return {
    nextAsset() {
      if (random() < 1 / brokenEvery) {
        return Buffer.from(randomUUID());
      }
      const count = random() < 1 / largeEvery ? largeSplats : smallSplats;
      const splat = createTestSplat({ count, seed: Math.floor(random() * 2 ** 32) });
      const bytes = writePly(splat);
      scores.set(hash("sha256", bytes), scoreOfPositions(splat.positions));
      return bytes;
    },
    scoreOf: (sha256) => scores.get(sha256),
  };
}
