/** Painted cells as Gaussian splats. */
import { createSplat, type Splat, shC0 } from "@turntable/splat";
import { lookAt, type Style } from "./appearance.ts";
import type { CellArrays } from "./cells.ts";
import type { PlacedPart } from "./layout.ts";
import { length3, ln } from "./maths.ts";
import { createPattern, type PatternMap } from "./pattern.ts";
import type { Bounds } from "./point-cloud.ts";

export interface DiscInput {
  readonly placed: readonly PlacedPart[];
  /** One a placed part. */
  readonly styles: readonly Style[];
  readonly cells: CellArrays;
  /** One a cell; negative: nobody sees it. */
  readonly openness: Float32Array;
  /** Coarse cells of the same scene. */
  readonly occluders: CellArrays;
  readonly most: number;
}

/** Standard deviation of a disc against the edge of its cell: neighbours overlap enough to hide what is behind. */
const spread = 0.62;
/** Across the surface, against the smaller of the other two. */
const flatness = 0.12;
/** Nothing gets thinner or smaller, in units of the asset. */
const leastDeviation = 0.0006;

export function discsOf(input: DiscInput): Splat {
  const { cells, styles, openness, most } = input;
  const kept = keptCells(openness, most);
  const patterns = patternsOf(input);
  const count = kept.length;
  const splat = createSplat(count);
  for (let i = 0; i < count; i++) {
    const cell = kept[i] ?? 0;
    const partIndex = cells.parts[cell] ?? 0;
    const style = styles[partIndex];
    if (style === undefined) {
      continue;
    }
    const [x, y, z] = vectorAt(cells.positions, cell);
    const [nx, ny, nz] = vectorAt(cells.normals, cell);
    const isSecond = patterns[partIndex]?.isSecond(x, y, z, nx, ny, nz) ?? false;
    const place = {
      position: [x, y, z],
      normal: [nx, ny, nz],
      openness: openness[cell] ?? 1,
    } as const;
    const { rgb, opacity } = lookAt(style, place, isSecond);
    splat.positions.set(place.position, i * 3);
    splat.opacities[i] = ln(opacity / (1 - opacity));
    for (const channel of [0, 1, 2] as const) {
      splat.shDc[i * 3 + channel] = (rgb[channel] - 0.5) / shC0;
    }
    writeFrame(splat, i, cells, cell);
  }
  return splat;
}

/** All cells that are seen; above `most`, evenly thinned out. */
function keptCells(openness: Float32Array, most: number): Uint32Array {
  const seen = new Uint32Array(openness.length);
  let count = 0;
  for (let i = 0; i < openness.length; i++) {
    if ((openness[i] ?? 0) >= 0) {
      seen[count++] = i;
    }
  }
  if (count <= most) {
    return seen.subarray(0, count);
  }
  return Uint32Array.from({ length: most }, (_, i) => seen[Math.floor((i * count) / most)] ?? 0);
}

/** One pattern for each body that has one, shared by its parts. */
function patternsOf({ placed, styles, occluders }: DiscInput): readonly (PatternMap | undefined)[] {
  const byBody = new Map<number, PatternMap>();
  return placed.map(({ body }, index) => {
    const pattern = styles[index]?.pattern;
    if (pattern === undefined) {
      return undefined;
    }
    let map = byBody.get(body);
    if (map === undefined) {
      const onBody = (part: number): boolean => placed[part]?.body === body;
      map = createPattern(pattern, boundsOf(occluders, onBody), occluders, onBody);
      byBody.set(body, map);
    }
    return map;
  });
}

function boundsOf(
  { count, parts, positions }: CellArrays,
  counts: (part: number) => boolean,
): Bounds {
  const low: [number, number, number] = [Infinity, Infinity, Infinity];
  const high: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    if (!counts(parts[i] ?? 0)) {
      continue;
    }
    for (const axis of [0, 1, 2] as const) {
      const value = positions[i * 3 + axis] ?? 0;
      low[axis] = Math.min(low[axis], value);
      high[axis] = Math.max(high[axis], value);
    }
  }
  return { low, high };
}

function vectorAt(values: Float32Array, cell: number): readonly [number, number, number] {
  const at = cell * 3;
  return [values[at] ?? 0, values[at + 1] ?? 0, values[at + 2] ?? 0];
}

/** The disc's axes u, v and normal as scales and a quaternion. */
function writeFrame(splat: Splat, i: number, cells: CellArrays, cell: number): void {
  const [ux, uy, uz] = vectorAt(cells.u, cell);
  const [vx, vy, vz] = vectorAt(cells.v, cell);
  const [nx, ny, nz] = vectorAt(cells.normals, cell);
  const lengthU = length3(ux, uy, uz);
  const [ax, ay, az] = [ux / lengthU, uy / lengthU, uz / lengthU];
  // n × a completes the frame; v itself may be oblique.
  const [bx, by, bz] = [ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax];
  const lengthV = vx * bx + vy * by + vz * bz;
  const su = Math.max(leastDeviation, lengthU * spread);
  const sv = Math.max(leastDeviation, lengthV * spread);
  const sn = Math.max(leastDeviation, Math.min(su, sv) * flatness);
  splat.scales.set([ln(su), ln(sv), ln(sn)], i * 3);
  splat.rotations.set(quaternionOf(ax, ay, az, bx, by, bz, nx, ny, nz), i * 4);
}

/** The quaternion of the rotation with columns a, b and n. Source: Shepperd's method, the largest component first. */
function quaternionOf(
  ax: number,
  ay: number,
  az: number,
  bx: number,
  by: number,
  bz: number,
  nx: number,
  ny: number,
  nz: number,
): readonly [number, number, number, number] {
  const trace = ax + by + nz;
  if (trace > 0) {
    const s = Math.sqrt(trace + 1) * 2;
    return [s / 4, (bz - ny) / s, (nx - az) / s, (ay - bx) / s];
  }
  if (ax > by && ax > nz) {
    const s = Math.sqrt(1 + ax - by - nz) * 2;
    return [(bz - ny) / s, s / 4, (bx + ay) / s, (nx + az) / s];
  }
  if (by > nz) {
    const s = Math.sqrt(1 + by - ax - nz) * 2;
    return [(nx - az) / s, (bx + ay) / s, s / 4, (ny + bz) / s];
  }
  const s = Math.sqrt(1 + nz - ax - by) * 2;
  return [(ay - bx) / s, (nx + az) / s, (ny + bz) / s, s / 4];
}
