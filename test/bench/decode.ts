/**
 * What decoding costs: `npm run bench:decode [-- FILE …]`.
 *
 * A made asset of 267,776 splats, as large as the subnet's own benchmark asset, and files that are named, in processor
 * time of all threads; beside it what unpacking the same file alone takes, below which no reader can come. Of several
 * rounds the least and the median.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { gunzipSync, gzipSync, zstdDecompressSync } from "node:zlib";
import { readAnySplat, type Splat, writeGlb, writePly, writeSpz } from "@turntable/splat";
import { readHdf5, writeHdf5 } from "@turntable/splat/hdf5";
import { ball, createRandom, makeSog } from "@turntable/splat/test";

const count = 267_776;
const rounds = 9;

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Unpacks what has to be unpacked, and nothing else. */
  readonly alone?: () => unknown;
}

const { positionals } = parseArgs({ allowPositionals: true });
const cases = positionals.length === 0 ? await madeCases() : await namedCases(positionals);
process.stdout.write(row("", "MB", "least ms", "median ms", "unpacking alone ms"));
for (const { name, bytes, alone } of cases) {
  const read = await measure(() => readAnySplat(bytes, { readHdf5 }));
  const bare = alone === undefined ? undefined : await measure(alone);
  process.stdout.write(
    row(name, (bytes.length / 1e6).toFixed(1), read.least, read.median, bare?.least ?? "-"),
  );
}

async function madeCases(): Promise<readonly Case[]> {
  const splat = blurred(ball(count, createRandom(1)), createRandom(2));
  const spz = (options: Parameters<typeof writeSpz>[1]): Uint8Array => writeSpz(splat, options);
  const [zstd, gzip, four] = [spz({}), spz({ compression: "gzip" }), spz({ version: 4 })];
  const ply = writePly(splat);
  const hdf5 = await writeHdf5(splat);
  const columns = gzipSync(Buffer.from(splat.positions.buffer), { level: 9 });
  const perFloat = (14 * count) / splat.positions.length;
  const sog = makeSog(splat, { isStored: false });
  return [
    { name: "SPZ 2 in zstd", bytes: zstd, alone: () => zstdDecompressSync(zstd) },
    { name: "SPZ 2 in gzip", bytes: gzip, alone: () => gunzipSync(gzip) },
    { name: "SPZ 4", bytes: four },
    { name: "PLY", bytes: ply },
    {
      name: "HDF5",
      bytes: hdf5,
      alone: () => {
        for (let i = 0; i < perFloat; i++) {
          gunzipSync(columns);
        }
      },
    },
    { name: "GLB", bytes: writeGlb(splat) },
    { name: "SOG, pictures packed plainly", bytes: sog },
  ];
}

/** As trained assets are: nothing is round, nothing repeats. */
function blurred(splat: Splat, random: () => number): Splat {
  const noisy = (values: Float32Array, by: number): Float32Array =>
    values.map((value) => value + (random() - 0.5) * by);
  return {
    ...splat,
    positions: noisy(splat.positions, 0.02),
    scales: noisy(splat.scales, 3),
    opacities: noisy(splat.opacities, 6),
  };
}

async function namedCases(files: readonly string[]): Promise<readonly Case[]> {
  return await Promise.all(
    files.map(async (name) => ({ name, bytes: new Uint8Array(await readFile(name)) })),
  );
}

async function measure(work: () => unknown): Promise<{ least: string; median: string }> {
  const taken: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    taken.push((user + system) / 1000);
  }
  taken.sort((a, b) => a - b);
  const [least = 0, median = 0] = [taken[0], taken[rounds >> 1]];
  return { least: least.toFixed(0), median: median.toFixed(0) };
}

function row(name: string, ...cells: readonly string[]): string {
  return `${name.padEnd(30)}${cells.map((cell) => cell.padStart(20)).join("")}\n`;
}
