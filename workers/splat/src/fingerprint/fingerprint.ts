/**
 * What makes an asset known again. `content` is the same for the same bytes; `geometry` nearly so for the same object:
 * moments of position and colour over all splats, weighted by opacity. They do not depend on the order of the splats,
 * errors of encoding and noise average out in them, and invisible splats weigh nothing. They are statistics, so what
 * rotates, mirrors, repaints or scales the object is another object.
 */
import { sha256Hex } from "#sha256";
import { type Splat, shC0 } from "../splat.ts";
import { momentCount, sumMoments } from "./moments.ts";

export interface Fingerprint {
  /** SHA-256 of the bytes, in hex. */
  readonly content: string;
  readonly geometry: GeometryFingerprint;
}

/** `geometryLength` numbers, see `geometryOf`. Versions differ in length. */
export type GeometryFingerprint = Float32Array;

export function fingerprint(bytes: Uint8Array, splat: Splat): Fingerprint {
  return { content: sha256Hex(bytes), geometry: geometryOf(splat) };
}

/** Logarithm of the size, mean position, moments of position of degree 2 to 4, colour, both together. */
const layout = {
  size: 1,
  mean: 3,
  second: 6,
  third: 10,
  fourth: 15,
  colour: 9,
  cross: 27,
} as const;
export const geometryLength = layout.size + layout.mean + momentCount;

/** Positions are measured from their mean in units of their root mean square distance from it. */
export function geometryOf(splat: Splat): GeometryFingerprint {
  const { count, positions, opacities } = splat;
  const geometry = new Float32Array(geometryLength);
  const weights = new Float32Array(count);
  let total = 0;
  let [mx, my, mz] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    weights[i] = 1 / (1 + Math.exp(-(opacities[i] ?? 0)));
    const weight = weights[i] ?? 0;
    total += weight;
    mx += weight * (positions[i * 3] ?? 0);
    my += weight * (positions[i * 3 + 1] ?? 0);
    mz += weight * (positions[i * 3 + 2] ?? 0);
  }
  if (!(total > 0)) {
    return geometry;
  }
  mx /= total;
  my /= total;
  mz /= total;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const dx = (positions[i * 3] ?? 0) - mx;
    const dy = (positions[i * 3 + 1] ?? 0) - my;
    const dz = (positions[i * 3 + 2] ?? 0) - mz;
    squares += (weights[i] ?? 0) * (dx * dx + dy * dy + dz * dz);
  }
  const size = Math.sqrt(squares / total) || 1;
  const sums = sumMoments(splat, weights, { mean: [mx, my, mz], size });
  geometry.set([Math.log(size), mx / size, my / size, mz / size]);
  geometry.set(
    sums.map((sum) => sum / total),
    layout.size + layout.mean,
  );
  return geometry;
}

/**
 * The largest error that an SPZ's bytes make in a colour. Of an object in one colour every splat has the same, so it
 * does not average out; products of two colours have it twice.
 */
const colourStep = (0.5 / 255 / 0.15) * shC0;

/** Fingerprints of one object differ by at most this in their first number, the logarithm of the size. */
export const logSizeTolerance = 0.001;

/**
 * Change by part of the fingerprint that noise and encoding may make: of shape about four times the largest that the
 * variants of `npm run bench:fingerprint` show on 1,000 splats (more splats average better), of colour a little above
 * the step of SPZ. Positions and colours are numbers around 1; higher moments grow faster.
 */
const tolerances = Float32Array.from([
  logSizeTolerance,
  ...new Array<number>(layout.mean).fill(0.001),
  ...new Array<number>(layout.second).fill(0.0008),
  ...new Array<number>(layout.third).fill(0.0015),
  ...new Array<number>(layout.fourth).fill(0.004),
  // Three means, then six products.
  ...new Array<number>(3).fill(1.2 * colourStep),
  ...new Array<number>(layout.colour - 3).fill(2.4 * colourStep),
  ...new Array<number>(layout.cross).fill(1.2 * colourStep),
]);

/** As it travels and is stored: float32, little-endian. */
export function geometryBytes(geometry: GeometryFingerprint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(geometry.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of geometry.entries()) {
    view.setFloat32(index * 4, value, true);
  }
  return bytes;
}

/** The fingerprint in `bytes`; undefined when they are none, or one of another version. */
export function parseGeometry(bytes: Uint8Array): GeometryFingerprint | undefined {
  if (bytes.length !== geometryLength * 4) {
    return undefined;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const geometry = Float32Array.from({ length: geometryLength }, (_, index) =>
    view.getFloat32(index * 4, true),
  );
  return geometry.every(Number.isFinite) ? geometry : undefined;
}

/** 1 for equal ones; 0.5 where the largest change is as large as noise can make it; towards 0 beyond. */
export function similarity(a: GeometryFingerprint, b: GeometryFingerprint): number {
  return 2 ** -distance(a, b, Infinity);
}

/** Whether both come from the same object. */
export function isSame(a: GeometryFingerprint, b: GeometryFingerprint): boolean {
  return distance(a, b, 1) <= 1;
}

/** Largest change in units of its tolerance; not looked for any further once it is above `enough`. */
function distance(a: GeometryFingerprint, b: GeometryFingerprint, enough: number): number {
  if (a.length !== geometryLength || b.length !== geometryLength) {
    return Infinity;
  }
  let largest = 0;
  for (let i = 0; i < geometryLength && largest <= enough; i++) {
    const change = Math.abs((a[i] ?? 0) - (b[i] ?? 0)) / (tolerances[i] ?? 1);
    largest = Math.max(largest, change);
  }
  return largest;
}
