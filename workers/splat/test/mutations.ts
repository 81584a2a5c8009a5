/** Broken assets, each from two numbers alone: a seed and its place in the series. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { readHdf5, writeHdf5 } from "../src/hdf5.ts";
import {
  AssetError,
  type AssetLimits,
  readAnySplat,
  readAsset,
  repairSplat,
  type Splat,
  writeGlb,
  writePly,
  writeSpz,
} from "../src/index.ts";
import { decodeWebp } from "../src/webp/decode.ts";
import { spzGlb } from "./makers/glb.ts";
import { makeKsplat } from "./makers/ksplat.ts";
import { makePly, placedColumns } from "./makers/ply.ts";
import { makeSog } from "./makers/sog.ts";
import { packedPictures } from "./makers/webp.ts";
import { ball, createRandom, type Random } from "./shapes.ts";

/** Small, so that an input that goes over is near. */
export const fuzzLimits: AssetLimits = {
  maxSplats: 20_000,
  maxDecompressedBytes: 8 * 1024 * 1024,
  maxMemoryBytes: 256 * 1024 * 1024,
  maxExtent: 1_000_000,
};

export interface Original {
  readonly name: string;
  /** Not compressed. */
  readonly bytes: Uint8Array;
  /** Kinds of compression that it comes in. */
  readonly packings: readonly Packing[];
  /** How often it is picked, in relation to the weights of the other originals. */
  readonly weight: number;
}

type Packing = "none" | "gzip" | "zstd" | "two gzip members" | "two zstd frames";
const every: readonly Packing[] = ["none", "gzip", "zstd", "two gzip members", "two zstd frames"];

/** One asset a format and version. */
export async function originals(): Promise<readonly Original[]> {
  const plain: Splat = ball(40, createRandom(1));
  const full: Splat = { ...plain, shDegree: 3, shRest: new Float32Array(40 * 45).fill(0.1) };
  const spz = async (version: 1 | 2 | 3): Promise<Uint8Array> => {
    const { gunzipSync } = await import("node:zlib");
    return gunzipSync(writeSpz(version === 2 ? full : plain, { version, compression: "gzip" }));
  };
  const ply = writePly(plain);
  return [
    { name: "ply", bytes: ply, packings: every, weight: 10 },
    { name: "ply of degree 3", bytes: writePly(full), packings: every, weight: 5 },
    { name: "ply big endian", bytes: bigEndian(ply), packings: ["none"], weight: 5 },
    { name: "ply ascii", bytes: asciiPly(plain), packings: ["none"], weight: 10 },
    { name: "ply behind lists", bytes: behindLists(ply), packings: ["none"], weight: 5 },
    {
      name: "compressed ply",
      bytes: compressedPly(createRandom(2)),
      packings: ["none"],
      weight: 10,
    },
    { name: "spz 1", bytes: await spz(1), packings: every, weight: 7 },
    { name: "spz 2", bytes: await spz(2), packings: every, weight: 7 },
    { name: "spz 3", bytes: await spz(3), packings: every, weight: 7 },
    { name: "splat", bytes: dotSplat(createRandom(3)), packings: ["none"], weight: 7 },
    { name: "spz 4", bytes: writeSpz(full, { version: 4 }), packings: every, weight: 7 },
    { name: "glb", bytes: writeGlb(full), packings: ["none", "gzip"], weight: 10 },
    {
      name: "glb of spz",
      bytes: spzGlb(full, { name: "KHR_gaussian_splatting_compression_spz_2", version: 2 }),
      packings: ["none"],
      weight: 7,
    },
    { name: "sog", bytes: makeSog(full), packings: ["none", "gzip"], weight: 10 },
    { name: "sog 1", bytes: makeSog(plain, { version: 1 }), packings: ["none"], weight: 5 },
    {
      name: "sog deflated",
      bytes: makeSog(plain, { isStored: false }),
      packings: ["none"],
      weight: 5,
    },
    { name: "webp", bytes: packedPictures.smooth.webp, packings: ["none"], weight: 10 },
    { name: "webp of few colours", bytes: packedPictures.few.webp, packings: ["none"], weight: 5 },
    { name: "ksplat 0", bytes: makeKsplat(full, 0), packings: ["none", "gzip"], weight: 5 },
    { name: "ksplat 1", bytes: makeKsplat(full, 1), packings: ["none"], weight: 5 },
    { name: "ksplat 2", bytes: makeKsplat(full, 2), packings: ["none"], weight: 5 },
    { name: "ply of colours", bytes: colouredPly(), packings: ["none", "gzip"], weight: 7 },
    // Each costs a thread of its own, as in production.
    { name: "hdf5", bytes: await writeHdf5(plain), packings: ["none", "gzip"], weight: 0.3 },
  ];
}

export interface Input {
  readonly original: string;
  readonly bytes: Uint8Array;
}

/** The `index`th broken asset of the series `seed`. */
export function brokenAsset(sources: readonly Original[], seed: number, index: number): Input {
  const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const source = pickWeighted(sources, random);
  const packing = pick(source.packings, random);
  const isInside = packing === "none" || random() < 0.5;
  const inside = isInside ? mutate(source.bytes, sources, random) : source.bytes;
  const packed = pack(inside, packing);
  return {
    original: packing === "none" ? source.name : `${source.name} in ${packing}`,
    bytes: isInside ? packed : mutate(packed, sources, random),
  };
}

/**
 * `read`, or the code of the AssetError of the reader of people's files; the subnet's reads it as well, and what holds
 * values that are wrong is repaired. Anything else that is thrown comes through: it is a fault.
 */
export async function outcomeOf({ original, bytes }: Input): Promise<string> {
  // A SOG's pictures go to their decoder directly: inside a SOG a checksum keeps most broken ones away from it.
  if (original.startsWith("webp")) {
    return await codeOf(async () => decodeWebp(bytes, fuzzLimits.maxSplats).rgba.length > 0);
  }
  const named = original === "splat" ? { format: "splat" } : {};
  // An HDF5 file costs a thread each time, so it is read once.
  const isHdf5 = original.startsWith("hdf5");
  const options = { limits: fuzzLimits, ...named };
  const isGood = ({ count }: Splat): boolean => count >= 1 && count <= fuzzLimits.maxSplats;
  if (!isHdf5) {
    await codeOf(async () => isGood(await readAsset(bytes, options)));
  }
  const outcome = await codeOf(async () =>
    isGood((await readAnySplat(bytes, { ...options, readHdf5 })).splat),
  );
  if (valueCodes.includes(outcome) && !isHdf5) {
    const { splat } = await readAnySplat(bytes, { ...options, unjudged: true });
    const { splat: kept } = repairSplat(splat, fuzzLimits);
    if (kept.count > splat.count) {
      throw new RangeError(`${kept.count} of ${splat.count} are left`);
    }
  }
  return outcome;
}

/** What repairing is for. */
const valueCodes = ["non-finite", "zero-quaternion", "all-transparent", "extent"];

async function codeOf(read: () => Promise<boolean>): Promise<string> {
  try {
    if (!(await read())) {
      throw new RangeError("more came out than the limits allow, or nothing");
    }
    return "read";
  } catch (error) {
    if (error instanceof AssetError) {
      return error.code;
    }
    throw error;
  }
}

function colouredPly(): Uint8Array {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => i * 6);
  const column = { type: "uchar", values: bytes } as const;
  return makePly({ ...placedColumns(40), red: column, green: column, blue: column, alpha: column });
}

function pack(bytes: Uint8Array, packing: Packing): Uint8Array {
  const gzip = (part: Uint8Array): Uint8Array => gzipSync(part, { level: 1 });
  const half = bytes.length / 2;
  const halves = [bytes.subarray(0, half), bytes.subarray(half)];
  switch (packing) {
    case "none":
      return bytes;
    case "gzip":
      return gzip(bytes);
    case "zstd":
      return zstdCompressSync(bytes);
    case "two gzip members":
      return joined(...halves.map(gzip));
    case "two zstd frames":
      return joined(...halves.map((part) => zstdCompressSync(part)));
    default:
      return packing satisfies never;
  }
}

type Mutation = (bytes: Uint8Array, random: Random, sources: readonly Original[]) => Uint8Array;

function mutate(bytes: Uint8Array, sources: readonly Original[], random: Random): Uint8Array {
  let changed: Uint8Array = Uint8Array.from(bytes);
  const times = 1 + Math.floor(random() ** 3 * 12);
  for (let i = 0; i < times; i++) {
    changed = pick(mutations, random)(changed, random, sources);
  }
  return changed;
}

/** Half of the places are in the first bytes, where the headers are. */
function placeIn(length: number, random: Random): number {
  return Math.floor(random() * (random() < 0.5 ? Math.min(length, 256) : length));
}

/** Numbers that sizes and counts are often wrong with. */
const oddNumbers = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const oddFloats = [Number.NaN, Infinity, -Infinity, 1e38, -1e38, 1e-45, 0];
const oddWords = [
  "-1",
  "0",
  "99999999999",
  "1e9",
  "nan",
  "inf",
  "list",
  "double",
  "uchar",
  "\n",
  " ",
];

const mutations: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = placeIn(bytes.length, random);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    return bytes;
  },
  function setByte(bytes, random) {
    bytes[placeIn(bytes.length, random)] = Math.floor(random() * 256);
    return bytes;
  },
  function setNumber(bytes, random) {
    if (bytes.length < 8) {
      return bytes;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const at = Math.min(placeIn(bytes.length, random), bytes.length - 4);
    if (random() < 0.5) {
      view.setUint32(at, pick(oddNumbers, random), random() < 0.7);
    } else {
      view.setFloat32(at, pick(oddFloats, random), random() < 0.7);
    }
    return bytes;
  },
  function cut(bytes, random) {
    return bytes.slice(0, placeIn(bytes.length, random));
  },
  function remove(bytes, random) {
    const at = placeIn(bytes.length, random);
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + Math.floor(random() * 16)));
  },
  function repeat(bytes, random) {
    const at = placeIn(bytes.length, random);
    const end = at + Math.floor(random() * 200);
    return joined(bytes.subarray(0, end), bytes.subarray(at));
  },
  function insertWord(bytes, random) {
    const at = placeIn(bytes.length, random);
    const word = Buffer.from(pick(oddWords, random));
    const replaced = random() < 0.5 ? word.length : 0;
    return joined(bytes.subarray(0, at), word, bytes.subarray(at + replaced));
  },
  function splice(bytes, random, sources) {
    const other = pick(sources, random).bytes;
    const at = placeIn(bytes.length, random);
    return joined(bytes.subarray(0, at), other.subarray(placeIn(other.length, random)));
  },
];

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

function pick<T>(items: readonly T[], random: Random): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) {
    throw new RangeError("nothing to pick from");
  }
  return item;
}

function pickWeighted(sources: readonly Original[], random: Random): Original {
  let left = random() * sources.reduce((sum, { weight }) => sum + weight, 0);
  for (const source of sources) {
    left -= source.weight;
    if (left <= 0) {
      return source;
    }
  }
  return pick(sources, random);
}

/** The same PLY with its bytes the other way round; only for one whose properties are all floats. */
function bigEndian(ply: Uint8Array): Uint8Array {
  const text = Buffer.from(ply).toString("latin1");
  const start = text.indexOf("end_header\n") + "end_header\n".length;
  const header = text.slice(0, start).replace("little", "big");
  const body = Buffer.from(ply.subarray(start)).swap32();
  return joined(Buffer.from(header, "latin1"), body);
}

/** With an element before the vertices whose records have no fixed length. */
function behindLists(ply: Uint8Array): Uint8Array {
  const text = Buffer.from(ply).toString("latin1");
  const start = text.indexOf("end_header\n") + "end_header\n".length;
  const lists = "element face 3\nproperty list uchar short corners\nelement vertex";
  const header = text.slice(0, start).replace("element vertex", lists);
  const faces = Uint8Array.of(3, 1, 0, 2, 0, 3, 0, 0, 1, 7, 0);
  return joined(Buffer.from(header, "latin1"), faces, ply.subarray(start));
}

/** An ascii PLY of the same values. */
export function asciiPly(splat: Splat): Uint8Array {
  const rows = Array.from({ length: splat.count }, (_, i) => [
    ...splat.positions.subarray(i * 3, i * 3 + 3),
    ...splat.shDc.subarray(i * 3, i * 3 + 3),
    splat.opacities[i],
    ...splat.scales.subarray(i * 3, i * 3 + 3),
    ...splat.rotations.subarray(i * 4, i * 4 + 4),
  ]);
  const names =
    "x y z f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3";
  const lines = [
    ...["ply", "format ascii 1.0", `element vertex ${splat.count}`],
    ...names.split(" ").map((name) => `property float ${name}`),
    "end_header",
    ...rows.map((row) => row.join(" ")),
  ];
  return Buffer.from(`${lines.join("\n")}\n`);
}

function compressedPly(random: Random): Uint8Array {
  const count = 300;
  const bounds = ["x", "y", "z", "scale_x", "scale_y", "scale_z", "r", "g", "b"];
  const limits = ["min", "max"].flatMap((end) => bounds.map((name) => `${end}_${name}`));
  const header = [
    ...["ply", "format binary_little_endian 1.0", "element chunk 2"],
    ...limits.map((name) => `property float ${name}`),
    `element vertex ${count}`,
    ...["position", "rotation", "scale", "color"].map((name) => `property uint packed_${name}`),
    `element sh ${count}`,
    ...Array.from({ length: 9 }, (_, i) => `property uchar f_rest_${i}`),
    "end_header\n",
  ].join("\n");
  const body = Buffer.alloc(2 * limits.length * 4 + count * (16 + 9));
  for (let i = 0; i < 2 * limits.length; i++) {
    body.writeFloatLE(i % limits.length < bounds.length ? -1 : 1, i * 4);
  }
  for (let at = 2 * limits.length * 4; at < body.length; at++) {
    body[at] = Math.floor(random() * 256);
  }
  return joined(Buffer.from(header), body);
}

function dotSplat(random: Random): Uint8Array {
  const bytes = Buffer.alloc(32 * 40);
  for (let i = 0; i < 40; i++) {
    for (let k = 0; k < 6; k++) {
      bytes.writeFloatLE(k < 3 ? random() : 0.05, i * 32 + k * 4);
    }
    for (let k = 24; k < 32; k++) {
      bytes[i * 32 + k] = Math.floor(random() * 256);
    }
  }
  return bytes;
}
