/** SOG files as tools write them, of any splat: each value as near as its bytes allow. */
import { type Splat, shRestCount } from "../../src/index.ts";
import { makeWebp } from "./webp.ts";
import { makeZip } from "./zip.ts";

export interface MakeSogOptions {
  readonly version?: 1 | 2;
  readonly folder?: string;
  readonly isStored?: boolean;
  /** Changes what is written into `meta.json`. */
  readonly change?: (meta: Record<string, unknown>) => void;
}

export interface RawPicture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

export function makeSog(splat: Splat, options: MakeSogOptions = {}): Uint8Array {
  const { version = 2, folder = "", isStored = true } = options;
  const { meta, pictures } = sogParts(splat, version, options.change);
  const files: Record<string, Uint8Array> = { [`${folder}meta.json`]: meta };
  for (const [name, { width, height, rgba }] of Object.entries(pictures)) {
    files[folder + name] = makeWebp(width, height, rgba);
  }
  return makeZip(files, isStored);
}

/** Before the pictures are packed. */
export function sogParts(
  splat: Splat,
  version: 1 | 2 = 2,
  change?: MakeSogOptions["change"],
): { readonly meta: Uint8Array; readonly pictures: Readonly<Record<string, RawPicture>> } {
  const { count } = splat;
  const width = 4 * Math.ceil(Math.sqrt(count / 16));
  const height = Math.ceil(count / width);
  const picture = (pixel: (i: number) => readonly number[]): RawPicture => {
    const rgba = new Uint8Array(width * height * 4);
    for (let i = 0; i < count; i++) {
      rgba.set(pixel(i), i * 4);
    }
    return { width, height, rgba };
  };
  const logs = splat.positions.map((value) => Math.sign(value) * Math.log1p(Math.abs(value)));
  const mins = [0, 1, 2].map((axis) => edge(logs, axis, Math.min));
  const maxs = [0, 1, 2].map((axis) => edge(logs, axis, Math.max));
  const step = (i: number, axis: number): number => {
    const [low, high] = [mins[axis] ?? 0, maxs[axis] ?? 0];
    return Math.round((((logs[i * 3 + axis] ?? 0) - low) / (high - low)) * 65535);
  };
  const steps = (i: number): readonly number[] => [0, 1, 2].map((axis) => step(i, axis));
  const scales = quantiser(splat.scales);
  const colours = quantiser(splat.shDc);
  const three = (values: Float32Array, i: number, to: (value: number) => number) =>
    [0, 1, 2].map((k) => to(values[i * 3 + k] ?? 0));
  const alpha = (i: number): number => {
    const logit = splat.opacities[i] ?? 0;
    if (version === 2) {
      return Math.round(255 / (1 + Math.exp(-logit)));
    }
    return Math.round(((Math.min(10, Math.max(-10, logit)) + 10) / 20) * 255);
  };
  const ranged = (q: Quantiser, extra: readonly number[] = []) => ({
    mins: [q.low, q.low, q.low, ...extra.slice(0, 1)],
    maxs: [q.high, q.high, q.high, ...extra.slice(1)],
  });
  const values = (q: Quantiser, extra?: readonly number[]) =>
    version === 2 ? { codebook: q.codebook } : ranged(q, extra);
  const meta: Record<string, unknown> = {
    ...(version === 2 ? { version: 2, count } : {}),
    means: { shape: [count, 3], mins, maxs, files: ["means_l.webp", "means_u.webp"] },
    scales: { ...values(scales), files: ["scales.webp"] },
    quats: { files: ["quats.webp"] },
    sh0: { ...values(colours, [-10, 10]), files: ["sh0.webp"] },
  };
  const files: Record<string, RawPicture> = {
    "means_l.webp": picture((i) => [...steps(i).map((value) => value & 255), 255]),
    "means_u.webp": picture((i) => [...steps(i).map((value) => value >> 8), 255]),
    "scales.webp": picture((i) => [...three(splat.scales, i, scales.byte), 255]),
    "quats.webp": picture((i) => rotation(splat.rotations.subarray(i * 4, i * 4 + 4))),
    "sh0.webp": picture((i) => [...three(splat.shDc, i, colours.byte), alpha(i)]),
  };
  if (splat.shDegree > 0) {
    addHarmonics(splat, version, meta, files, picture);
  }
  change?.(meta);
  return { meta: Buffer.from(JSON.stringify(meta)), pictures: files };
}

/** Each splat has a palette entry of its own. */
function addHarmonics(
  splat: Splat,
  version: 1 | 2,
  meta: Record<string, unknown>,
  files: Record<string, RawPicture>,
  picture: (pixel: (i: number) => readonly number[]) => RawPicture,
): void {
  const { count, shDegree, shRest } = splat;
  const rest = shRestCount(shDegree);
  const q = quantiser(shRest);
  const rows = Math.ceil(count / 64);
  const palette = new Uint8Array(64 * rest * rows * 4);
  for (let i = 0; i < count; i++) {
    const start = (Math.floor(i / 64) * 64 * rest + (i % 64) * rest) * 4;
    for (let k = 0; k < rest * 3; k++) {
      palette[start + Math.floor(k / 3) * 4 + (k % 3)] = q.byte(shRest[i * rest * 3 + k] ?? 0);
    }
  }
  meta.shN = {
    ...(version === 2
      ? { count, bands: shDegree, codebook: q.codebook }
      : { mins: q.low, maxs: q.high }),
    files: ["shN_centroids.webp", "shN_labels.webp"],
  };
  files["shN_centroids.webp"] = { width: 64 * rest, height: rows, rgba: palette };
  files["shN_labels.webp"] = picture((i) => [i & 255, i >> 8, 0, 255]);
}

interface Quantiser {
  readonly low: number;
  readonly high: number;
  readonly codebook: readonly number[];
  readonly byte: (value: number) => number;
}

/** 256 equal steps. */
function quantiser(values: Float32Array): Quantiser {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const codebook = Array.from({ length: 256 }, (_, i) => low + ((high - low) * i) / 255);
  return { low, high, codebook, byte: (value) => Math.round(((value - low) / (high - low)) * 255) };
}

function rotation(quaternion: Float32Array): readonly number[] {
  const length = Math.hypot(...quaternion);
  const parts = [...quaternion].map((part) => part / length);
  const sizes = parts.map(Math.abs);
  const largest = sizes.indexOf(Math.max(...sizes));
  const sign = (parts[largest] ?? 0) < 0 ? -1 : 1;
  const others = parts.filter((_, part) => part !== largest);
  return [
    ...others.map((value) => Math.round(((value * sign) / Math.SQRT2 + 0.5) * 255)),
    252 + largest,
  ];
}

function edge(values: Float32Array, axis: number, pick: (a: number, b: number) => number): number {
  return values.reduce(
    (found, value, i) => (i % 3 === axis ? pick(found, value) : found),
    values[axis] ?? 0,
  );
}
