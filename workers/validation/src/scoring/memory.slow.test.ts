/** What an asset really takes, against what is worked out from its header. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { zstdCompressSync } from "node:zlib";
import { defaultAssetLimits, readAnySplat, writeGlb, writePly, writeSpz } from "@turntable/splat";
import { readHdf5, writeHdf5 } from "@turntable/splat/hdf5";
import { asciiPly } from "@turntable/splat/test";
import type { AssetMemory } from "../../test/asset-memory.ts";
import { asciiBomb } from "../../test/bombs.ts";
import { createTestSplat } from "../render/index.ts";

const skip = existsSync("/proc/self/clear_refs") ? false : "only Linux tells a process's peak";
const program = new URL("../../test/asset-memory.ts", import.meta.url).pathname;

async function measure(bytes: Uint8Array): Promise<AssetMemory> {
  const directory = mkdtempSync(join(tmpdir(), "turntable-memory-"));
  try {
    const file = join(directory, "asset");
    writeFileSync(file, bytes);
    const { stdout } = await promisify(execFile)(process.execPath, [program, file]);
    return JSON.parse(stdout) as AssetMemory;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const splat = createTestSplat({ count: 150_000, shDegree: 3 });
const flat = createTestSplat({ count: 300_000, shDegree: 0 });
for (const [name, make] of [
  ["PLY in zstd", () => zstdCompressSync(writePly(splat))],
  ["PLY without harmonics", () => writePly(flat)],
  ["ascii PLY", () => asciiPly(flat)],
  ["SPZ", () => writeSpz(splat)],
  ["SPZ 4", () => writeSpz(splat, { version: 4 })],
  ["HDF5", () => writeHdf5(splat)],
  ["GLB", () => writeGlb(splat)],
] as const) {
  test(`${name} takes no more than its header says`, { skip }, async (t) => {
    const bytes = await make();
    const { peakBytes, code } = await measure(bytes);
    assert.equal(code, undefined);
    t.diagnostic(`${(peakBytes / 2 ** 20).toFixed(0)} MiB at the peak`);
    const limits = { ...defaultAssetLimits, maxMemoryBytes: peakBytes };
    await assert.rejects(readAnySplat(bytes, { limits, readHdf5 }), { code: "too-much-memory" });
  });
}

test("a few kilobytes that would take gigabytes are refused before they are unpacked", {
  skip,
}, async () => {
  const bytes = asciiBomb();
  assert.ok(bytes.length < 64 * 1024, `${bytes.length} bytes`);
  const { peakBytes, code } = await measure(bytes);
  assert.equal(code, "too-much-memory");
  assert.ok(peakBytes < 32 * 2 ** 20, `${peakBytes} bytes at the peak`);
});
