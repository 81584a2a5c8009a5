/**
 * SOG, lossless WebP pictures with a `meta.json`, in a ZIP or a folder: each pixel is a splat, each picture some of its values in 8
 * bits. Version 2 looks most of them up in tables of 256 numbers; version 1 (no version in the file) goes between a
 * least and a largest. Positions are logarithms of 16 bits, rotations three parts of which the largest is left out,
 * harmonics above band 0 a palette. Source: the format's description at developer.playcanvas.com.
 */
import { logitOfByte } from "../activation.ts";
import { checkCount } from "../checks.ts";
import {
  isObject,
  type JsonObject,
  list,
  numbers,
  object,
  parseJson,
  text,
  whole,
} from "../json.ts";
import { type AssetNeeds, checkMemory } from "../memory.ts";
import type { ZipEntry } from "../packing/zip.ts";
import { AssetError, type AssetLimits, type ShDegree, type Splat, shRestCount } from "../splat.ts";
import { textOf } from "../text.ts";
import { decodeWebp, type Picture } from "../webp/decode.ts";

const metaName = "meta.json";
const maxMetaBytes = 1024 * 1024;

/** Undefined for a ZIP of these entries that is no SOG. @throws AssetError for one that is damaged */
export function openSog(entries: ReadonlyMap<string, ZipEntry>): Sog | undefined {
  // Some are packed with the folder that they were in.
  const path = [...entries.keys()]
    .filter((name) => name === metaName || name.endsWith(`/${metaName}`))
    .toSorted((a, b) => a.length - b.length)[0];
  const entry = path === undefined ? undefined : entries.get(path);
  if (path === undefined || entry === undefined) {
    return undefined;
  }
  if (entry.sizeBytes > maxMetaBytes) {
    throw new AssetError(
      "too-large",
      `meta.json has ${entry.sizeBytes} bytes, over ${maxMetaBytes}`,
    );
  }
  return {
    meta: parseJson(entry.read(), metaName),
    entries,
    folder: path.slice(0, path.length - metaName.length),
  };
}

/**
 * A SOG that is a folder of files, by its meta.json.
 * @param beside a file of that folder; undefined when it is not there
 * @throws AssetError for a meta.json that is damaged
 */
export async function openSogFolder(
  metaBytes: Uint8Array,
  beside: (name: string) => Promise<Uint8Array | undefined>,
): Promise<Sog> {
  const meta = parseJson(metaBytes, metaName);
  const named = Object.values(meta).flatMap((part) =>
    isObject(part) && Array.isArray(part.files) ? part.files.map(String) : [],
  );
  const entries = new Map<string, SogFile>();
  for (const name of named.slice(0, mostFiles)) {
    const bytes = isPlainName(name) ? await beside(name) : undefined;
    if (bytes !== undefined) {
      entries.set(name, { sizeBytes: bytes.length, read: () => bytes });
    }
  }
  return { meta, entries, folder: "" };
}

/** SOGs have seven or eight pictures. */
const mostFiles = 100;

/** Nothing that leads out of the folder. */
function isPlainName(name: string): boolean {
  return /^[\w. -]+$/.test(name) && !/^\.*$/.test(name);
}

/** Whether it looks like a SOG's meta.json. */
export function isSogMeta(bytes: Uint8Array): boolean {
  const start = textOf(bytes.subarray(0, maxMetaBytes));
  return /^\s*\{/.test(start) && /"means"\s*:\s*\{/.test(start) && /"files"/.test(start);
}

type SogFile = Pick<ZipEntry, "sizeBytes" | "read">;

export interface Sog {
  readonly meta: JsonObject;
  readonly entries: ReadonlyMap<string, SogFile>;
  readonly folder: string;
}

/** Not yet checked. @throws AssetError */
export function decodeSog(sog: Sog, limits: AssetLimits): Splat {
  const { meta } = sog;
  const version = meta.version ?? 1;
  if (version !== 1 && version !== 2) {
    throw new AssetError("unsupported-version", `SOG ${String(version)}; 1 and 2 are read`);
  }
  const [means, scales, quats, sh0] = ["means", "scales", "quats", "sh0"].map((name) =>
    object(meta[name], name),
  );
  if (!means || !scales || !quats || !sh0) {
    throw malformed("meta.json is not complete");
  }
  const count = whole(meta.count ?? list(means.shape, "the shape of means")[0], "count");
  checkCount(count, limits);
  checkMemory({ count, ...needsOf(sog, limits) }, limits);
  const open = (part: JsonObject, index: number, name: string): Picture =>
    picture(sog, part, index, name, limits);
  const column = (part: JsonObject, index: number, name: string): Uint8Array => {
    const { width, height, rgba } = open(part, index, name);
    if (width * height >= count) {
      return rgba.subarray(0, count * 4);
    }
    throw malformed(`${name} has ${width}×${height} pixels for ${count} splats`);
  };
  const colours = column(sh0, 0, "sh0");
  return {
    count,
    positions: decodeMeans(means, column(means, 0, "means"), column(means, 1, "means")),
    scales: threeOfFour(column(scales, 0, "scales"), stepsOf(scales, version, 3, "scales")),
    rotations: decodeRotations(column(quats, 0, "quats")),
    opacities: decodeOpacities(colours, version, sh0),
    shDc: threeOfFour(colours, stepsOf(sh0, version, 4, "sh0")),
    ...decodeHarmonics(meta.shN, version, count, open),
  };
}

/** SOG's palette of harmonics is a picture of a million pixels at most. */
const palettePixels = 2 ** 20;

/** Pictures with what decodes them, all at their largest, beside the file that one of them is unpacked from. */
function needsOf({ meta, entries }: Sog, limits: AssetLimits): Omit<AssetNeeds, "count"> {
  const sizes = [...entries.values()].map(({ sizeBytes }) => sizeBytes);
  const pictureBytes = mostPixels(limits) * 4 * 2;
  return {
    restCount: isObject(meta.shN) ? shRestCount(3) * 3 : 0,
    contentBytes: sizes.reduce((sum, size) => sum + size, 0),
    scratchBytes: mostPictures * pictureBytes,
  };
}

const mostPictures = 8;

function mostPixels({ maxSplats }: AssetLimits): number {
  return Math.max(4 * maxSplats, palettePixels);
}

function picture(
  { entries, folder }: Sog,
  part: JsonObject,
  index: number,
  name: string,
  limits: AssetLimits,
): Picture {
  const file = text(list(part.files, `the files of ${name}`)[index], `a file of ${name}`);
  const entry = entries.get(folder + file);
  if (entry === undefined) {
    throw malformed(`"${file}" of ${name} is not there`);
  }
  if (entry.sizeBytes > limits.maxDecompressedBytes) {
    throw new AssetError("too-large", `"${file}" has ${entry.sizeBytes} bytes`);
  }
  return decodeWebp(entry.read(), mostPixels(limits));
}

/** What a byte of each channel means; in version 2 the same for all. */
type Steps = readonly Float32Array[];

function stepsOf(part: JsonObject, version: 1 | 2, channels: number, name: string): Steps {
  if (version === 2) {
    const codebook = Float32Array.from(numbers(part.codebook, 256, `the codebook of ${name}`));
    return Array.from({ length: channels }, () => codebook);
  }
  const low = numbers(part.mins, channels, `mins of ${name}`);
  const high = numbers(part.maxs, channels, `maxs of ${name}`);
  return low.map((least, channel) => between(least, high[channel] ?? least));
}

function between(low: number, high: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => low + ((high - low) * byte) / 255);
}

function threeOfFour(rgba: Uint8Array, steps: Steps): Float32Array {
  const values = new Float32Array((rgba.length / 4) * 3);
  for (let channel = 0; channel < 3; channel++) {
    const meaning = steps[channel] ?? new Float32Array(0);
    for (let from = channel, to = channel; from < rgba.length; from += 4, to += 3) {
      values[to] = meaning[rgba[from] ?? 0] ?? Number.NaN;
    }
  }
  return values;
}

/** Version 1 holds logits, between the fourth of `mins` and `maxs`; version 2 opacities. */
function decodeOpacities(rgba: Uint8Array, version: 1 | 2, sh0: JsonObject): Float32Array {
  const [, , , logits] = version === 1 ? stepsOf(sh0, version, 4, "sh0") : [];
  return Float32Array.from({ length: rgba.length / 4 }, (_, i) => {
    const byte = rgba[i * 4 + 3] ?? 0;
    return logits === undefined ? logitOfByte(byte) : (logits[byte] ?? Number.NaN);
  });
}

/** sign(v)·(e^|v| − 1) of 16 bits between two bounds an axis. */
function decodeMeans(means: JsonObject, low: Uint8Array, high: Uint8Array): Float32Array {
  const [mins, maxs] = [numbers(means.mins, 3, "mins"), numbers(means.maxs, 3, "maxs")];
  const positions = new Float32Array((low.length / 4) * 3);
  for (let axis = 0; axis < 3; axis++) {
    const [least, most] = [mins[axis] ?? 0, maxs[axis] ?? 0];
    for (let from = axis, to = axis; from < low.length; from += 4, to += 3) {
      const step = (low[from] ?? 0) + (high[from] ?? 0) * 256;
      const value = least + ((most - least) * step) / 65535;
      positions[to] = Math.sign(value) * Math.expm1(Math.abs(value));
    }
  }
  return positions;
}

/** Alpha is 252 and the number of the largest of w, x, y, z; the others follow in that order. */
function decodeRotations(rgba: Uint8Array): Float32Array {
  const rotations = new Float32Array(rgba.length);
  for (let at = 0; at < rgba.length; at += 4) {
    const largest = (rgba[at + 3] ?? 0) - 252;
    if (largest < 0) {
      throw malformed(`the rotation of splat ${at / 4} names no largest part`);
    }
    let [squares, from] = [0, at];
    for (let part = 0; part < 4; part++) {
      if (part === largest) {
        continue;
      }
      const value = ((rgba[from++] ?? 0) / 255 - 0.5) * Math.SQRT2;
      rotations[at + part] = value;
      squares += value * value;
    }
    rotations[at + largest] = Math.sqrt(Math.max(0, 1 - squares));
  }
  return rotations;
}

/** Entries of the palette beside each other. */
const paletteColumns = 64;

function decodeHarmonics(
  value: unknown,
  version: 1 | 2,
  count: number,
  open: (part: JsonObject, index: number, name: string) => Picture,
): Pick<Splat, "shDegree" | "shRest"> {
  if (!isObject(value)) {
    return { shDegree: 0, shRest: new Float32Array(0) };
  }
  const centroids = open(value, 0, "shN");
  const shDegree = ([1, 2, 3] as const).find(
    (degree) => centroids.width === paletteColumns * shRestCount(degree),
  );
  if (shDegree === undefined || (value.bands ?? shDegree) !== shDegree) {
    throw malformed(`the palette of harmonics is ${centroids.width} pixels wide`);
  }
  const meaning = paletteSteps(value, version);
  const labels = open(value, 1, "shN");
  if (labels.width * labels.height < count) {
    throw malformed("there are too few labels");
  }
  return { shDegree, shRest: lookUp(labels.rgba, centroids, meaning, count, shDegree) };
}

function paletteSteps(shN: JsonObject, version: 1 | 2): Float32Array {
  if (version === 2) {
    return Float32Array.from(numbers(shN.codebook, 256, "the codebook of shN"));
  }
  const [low = 0, high = 0] = numbers([shN.mins, shN.maxs], 2, "mins and maxs of shN");
  return between(low, high);
}

function lookUp(
  labels: Uint8Array,
  { width, height, rgba }: Picture,
  meaning: Float32Array,
  count: number,
  shDegree: ShDegree,
): Float32Array {
  const rest = shRestCount(shDegree);
  const shRest = new Float32Array(count * rest * 3);
  for (let i = 0; i < count; i++) {
    const label = (labels[i * 4] ?? 0) + (labels[i * 4 + 1] ?? 0) * 256;
    const row = Math.floor(label / paletteColumns);
    if (row >= height) {
      throw malformed(`splat ${i} has label ${label}, beyond the palette`);
    }
    const start = (row * width + (label % paletteColumns) * rest) * 4;
    for (let k = 0; k < rest; k++) {
      for (let channel = 0; channel < 3; channel++) {
        const byte = rgba[start + k * 4 + channel] ?? 0;
        shRest[(i * rest + k) * 3 + channel] = meaning[byte] ?? Number.NaN;
      }
    }
  }
  return shRest;
}

function malformed(what: string): AssetError {
  return new AssetError("malformed", `not a SOG of Gaussian splats: ${what}`);
}
