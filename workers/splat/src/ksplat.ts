/**
 * `.ksplat` of GaussianSplats3D: a header of 4,096 bytes, one of 1,024 for each section, then each section's bucket
 * sizes, bucket centres and splats. Level 0 holds floats; levels 1 and 2 hold positions as 16 bits from the centre of
 * a bucket, 16-bit floats, and harmonics as 16-bit floats or bytes. It has no signature: all its sizes must fit.
 */
import { dcOfColour, logitOfByte, logOfDeviation } from "./activation.ts";
import { checkCount } from "./checks.ts";
import { decodeHalf } from "./half.ts";
import { checkMemory } from "./memory.ts";
import { AssetError, type AssetLimits, type ShDegree, type Splat, shRestCount } from "./splat.ts";
import { createSplat, joinSplats } from "./splats.ts";

const headerBytes = 4096;
const sectionHeaderBytes = 1024;
/** Real ones have one, or some dozens where several scenes were put together. */
const mostSections = 1_000;
/** The largest absolute coefficient that a byte can store, where the file names no range. */
const usualRange = 1.5;

/** Bytes of a splat's parts by level; scales, rotations, colours and harmonics follow the centre. */
const levels = [
  { centre: 12, scale: 12, rotation: 16, harmonic: 4 },
  { centre: 6, scale: 6, rotation: 8, harmonic: 2 },
  { centre: 6, scale: 6, rotation: 8, harmonic: 1 },
] as const;
type Level = 0 | 1 | 2;

interface Layout {
  readonly level: Level;
  /** The coefficients that the bytes 0 and 255 stand for, where harmonics are stored in bytes. */
  readonly range: readonly [number, number];
  readonly sections: readonly Section[];
  readonly count: number;
}

interface Section {
  readonly count: number;
  readonly bucketSize: number;
  readonly fullBuckets: number;
  /** Splats in each of the other buckets. */
  readonly partial: readonly number[];
  /** Where the centres of the buckets lie, in bytes. */
  readonly centresAt: number;
  readonly buckets: number;
  readonly splatsAt: number;
  readonly splatBytes: number;
  readonly shDegree: ShDegree;
  /** Units of a position's step, and the step of a bucket's centre. */
  readonly step: number;
  readonly middle: number;
}

/** By its sizes alone, which no other file has by chance. */
export function isKsplat(bytes: Uint8Array): boolean {
  return layOut(bytes) !== undefined;
}

/** Undefined when it is none. */
function layOut(bytes: Uint8Array): Layout | undefined {
  if (bytes.length < headerBytes) {
    return undefined;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [major, minor] = [view.getUint8(0), view.getUint8(1)];
  const sectionCount = view.getUint32(4, true);
  const count = view.getUint32(16, true);
  const level = ([0, 1, 2] as const).find((known) => known === view.getUint16(20, true));
  const isHeader = major === 0 && minor >= 1 && sectionCount >= 1 && sectionCount <= mostSections;
  if (!isHeader || level === undefined) {
    return undefined;
  }
  let at = headerBytes + sectionCount * sectionHeaderBytes;
  const sections: Section[] = [];
  for (let i = 0; i < sectionCount; i++) {
    const section = sectionAt(view, headerBytes + i * sectionHeaderBytes, at, level);
    if (section === undefined) {
      return undefined;
    }
    sections.push(section.section);
    at = section.end;
  }
  if (sections.reduce((sum, section) => sum + section.count, 0) !== count) {
    return undefined;
  }
  const [low, high] = [view.getFloat32(36, true), view.getFloat32(40, true)];
  return { level, range: [low || -usualRange, high || usualRange], sections, count };
}

function sectionAt(
  view: DataView,
  headerAt: number,
  at: number,
  level: Level,
): { readonly section: Section; readonly end: number } | undefined {
  if (headerAt + sectionHeaderBytes > view.byteLength) {
    return undefined;
  }
  const word = (offset: number): number => view.getUint32(headerAt + offset, true);
  const [count, stored, bucketSize, buckets] = [word(0), word(4), word(8), word(12)];
  const [fullBuckets, partials] = [word(32), word(36)];
  const bucketBytes = view.getUint16(headerAt + 20, true);
  const shDegree = ([0, 1, 2, 3] as const).find(
    (degree) => degree === view.getUint16(headerAt + 40, true),
  );
  if (shDegree === undefined || count > stored || fullBuckets + partials > buckets) {
    return undefined;
  }
  const { centre, scale, rotation, harmonic } = levels[level];
  const splatBytes = centre + scale + rotation + 4 + shRestCount(shDegree) * 3 * harmonic;
  const centresAt = at + partials * 4;
  const splatsAt = centresAt + buckets * bucketBytes;
  const end = splatsAt + stored * splatBytes;
  if (end > view.byteLength || (buckets > 0 && bucketBytes < 12)) {
    return undefined;
  }
  const middle = word(24) || 32767;
  return {
    section: {
      ...{ count, bucketSize, fullBuckets, centresAt, buckets, splatsAt, splatBytes, shDegree },
      partial: Array.from({ length: partials }, (_, i) => view.getUint32(at + i * 4, true)),
      step: view.getFloat32(headerAt + 16, true) / 2 / middle,
      middle,
    },
    end,
  };
}

/** Not yet checked. @throws AssetError */
export function decodeKsplat(bytes: Uint8Array, limits: AssetLimits): Splat {
  const layout = layOut(bytes);
  if (layout === undefined) {
    throw new AssetError("malformed", "not a .ksplat: its sizes do not fit, or it is cut short");
  }
  const { count, sections: stored } = layout;
  checkCount(count, limits);
  const restCount = Math.max(...stored.map(({ shDegree }) => shRestCount(shDegree) * 3));
  // Sections are splats of their own before they are one.
  const scratchBytes = count * (14 + restCount) * 4;
  checkMemory({ count, restCount, contentBytes: bytes.length, scratchBytes }, limits);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sections = layout.sections.filter(({ count }) => count > 0);
  return joinSplats(sections.map((section) => decodeSection(view, section, layout)));
}

function decodeSection(view: DataView, section: Section, { level, range }: Layout): Splat {
  const { count, shDegree, splatsAt, splatBytes } = section;
  const { centre, scale, rotation } = levels[level];
  const isFloats = level === 0;
  const size = isFloats ? 4 : 2;
  const number = (at: number): number =>
    isFloats ? view.getFloat32(at, true) : decodeHalf(view.getUint16(at, true));
  const rest = shRestCount(shDegree);
  const splat = createSplat(count, shDegree);
  const centreOf = isFloats ? undefined : bucketCentres(view, section);
  for (let i = 0; i < count; i++) {
    const at = splatsAt + i * splatBytes;
    const middle = centreOf?.(i);
    const scaleAt = at + centre;
    const rotationAt = scaleAt + scale;
    const colourAt = rotationAt + rotation;
    for (let axis = 0; axis < 3; axis++) {
      splat.positions[i * 3 + axis] =
        middle === undefined
          ? number(at + axis * 4)
          : (view.getUint16(at + axis * 2, true) - section.middle) * section.step +
            view.getFloat32(middle + axis * 4, true);
      splat.scales[i * 3 + axis] = logOfDeviation(number(scaleAt + axis * size));
      splat.shDc[i * 3 + axis] = dcOfColour(view.getUint8(colourAt + axis) / 255);
    }
    for (let part = 0; part < 4; part++) {
      splat.rotations[i * 4 + part] = number(rotationAt + part * size);
    }
    splat.opacities[i] = logitOfByte(view.getUint8(colourAt + 3));
    for (let k = 0; k < rest * 3; k++) {
      splat.shRest[i * rest * 3 + k] = harmonicAt(view, colourAt + 4, storedPlace(k), level, range);
    }
  }
  return splat;
}

/** Full buckets come first, then those of each size that is listed. Returns the place of a splat's centre in bytes. */
function bucketCentres(view: DataView, section: Section): (index: number) => number {
  const { bucketSize, fullBuckets, partial, centresAt, buckets } = section;
  const stride = (section.splatsAt - centresAt) / Math.max(1, buckets);
  const full = fullBuckets * bucketSize;
  let [bucket, end] = [fullBuckets, full + (partial[0] ?? 0)];
  return (index) => {
    if (index < full) {
      return centresAt + Math.floor(index / bucketSize) * stride;
    }
    while (index >= end && bucket - fullBuckets < partial.length) {
      bucket++;
      end += partial[bucket - fullBuckets] ?? 0;
    }
    if (bucket >= buckets || centresAt + (bucket + 1) * stride > view.byteLength) {
      throw new AssetError("malformed", `splat ${index} of the .ksplat is in no bucket`);
    }
    return centresAt + bucket * stride;
  };
}

/** Stored band by band and in each channel by channel; ours is coefficient by coefficient. */
function storedPlace(index: number): number {
  const [coefficient, channel] = [Math.floor(index / 3), index % 3];
  const [start, size] = coefficient < 3 ? [0, 3] : coefficient < 8 ? [3, 5] : [8, 7];
  return start * 3 + channel * size + (coefficient - start);
}

function harmonicAt(
  view: DataView,
  start: number,
  place: number,
  level: Level,
  [low, high]: readonly [number, number],
): number {
  if (level === 0) {
    return view.getFloat32(start + place * 4, true);
  }
  if (level === 1) {
    return decodeHalf(view.getUint16(start + place * 2, true));
  }
  return low + ((high - low) * view.getUint8(start + place)) / 255;
}
