/** The assets that benchmarks of rendering and scoring use. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readAsset, type Splat, writePly } from "@turntable/splat";
import { createTestSplat } from "@turntable/validation";

export interface BenchAsset {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly splat: Splat;
}

/** As many splats as the subnet's own benchmark asset has. */
const largeCount = 267_776;
/**
 * Against splats that cover a ball about once: with this the made scene has 1.2 tiles of 32 pixels and 7 to 8 blended
 * pixels a splat at 512² and radius 2.5. For the subnet's own asset its measured costs say 1.2 and about 7.
 */
const largeSize = 0.6;

/** The file; without one hamburger.ply of the vectors, or a made scene of 50,000 splats. */
export async function mainAsset(file: string | undefined): Promise<BenchAsset> {
  const path = file ?? vector("hamburger.ply");
  return path === undefined
    ? made("made scene of 50k", createTestSplat({ count: 50_000 }))
    : await fromFile(path);
}

/** `render/large.spz` of the vectors, or a made scene with the number and the sizes of a real asset's splats. */
export async function largeAsset(): Promise<BenchAsset> {
  const path = vector("large.spz");
  return path === undefined
    ? made("made scene of 268k", createTestSplat({ count: largeCount, relativeSize: largeSize }))
    : await fromFile(path);
}

function made(name: string, splat: Splat): BenchAsset {
  return { name, splat, bytes: writePly(splat) };
}

async function fromFile(path: string): Promise<BenchAsset> {
  const bytes = await readFile(path);
  return { name: path.split("/").at(-1) ?? path, bytes, splat: await readAsset(bytes) };
}

function vector(name: string): string | undefined {
  const vectors = process.env.TURNTABLE_VECTORS;
  const path = vectors === undefined ? undefined : join(vectors, "render", name);
  return path !== undefined && existsSync(path) ? path : undefined;
}
