/**
 * Scores an asset in a process of its own, and tells how much memory that took at its peak beyond what was there before,
 * in bytes, or why it was refused.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { AssetError, defaultAssetLimits, writePly } from "@turntable/splat";
import { createTestSplat, startRenderer } from "../src/render/index.ts";
import { defaultModelDir, loadClip } from "../src/score/index.ts";
import { defaultProfile, loadProfile, scoreAsset } from "../src/scoring/index.ts";

export interface AssetMemory {
  readonly peakBytes: number;
  readonly code?: string;
}

const [file = ""] = process.argv.slice(2);
const threads = 2;
await using renderer = await startRenderer({ backend: "cpu", env: {}, threads });
await using clip = await loadClip(defaultModelDir, { threads });
const profile = await loadProfile(defaultProfile);

async function score(bytes: Uint8Array): Promise<string | undefined> {
  const request = { bytes, profile, prompt: "a red ball", cameraSeed: 1n, anyFormat: true };
  try {
    await scoreAsset({ renderer, clip, limits: defaultAssetLimits }, request);
    return undefined;
  } catch (error) {
    if (error instanceof AssetError) {
      return error.code;
    }
    throw error;
  }
}

/** What the kernel counts: resident memory, now and at its peak. */
function status(name: "VmHWM" | "VmRSS"): number {
  const line = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync("/proc/self/status", "utf8"));
  return Number(line?.[1]) * 1024;
}

await score(writePly(createTestSplat({ count: 500 })));
const before = status("VmRSS");
// The peak begins anew. Source: proc_pid_clear_refs(5).
writeFileSync("/proc/self/clear_refs", "5");
const code = await score(readFileSync(file));
const result: AssetMemory = {
  peakBytes: status("VmHWM") - before,
  ...(code === undefined ? {} : { code }),
};
process.stdout.write(JSON.stringify(result));
