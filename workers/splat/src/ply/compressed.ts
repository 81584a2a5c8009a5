/**
 * PlayCanvas' compressed PLY: chunks of 256 splats with the bounds of each, and four packed 32-bit words a splat;
 * SH above band 0, where there is any, as bytes in an element of its own.
 */

import { dcOfColour, logitOfByte } from "../activation.ts";
import { AssetError, type ShDegree, type Splat, shRestCount } from "../splat.ts";
import { createSplat } from "../splats.ts";
import { plyColumns } from "./columns.ts";
import type { PlyElement, PlyHeader } from "./header.ts";

const chunkSplats = 256;
/** Range that a byte of `f_rest` covers: −4 to 4. */
const shRange = 8;

export function isCompressedPly({ elements }: PlyHeader): boolean {
  return (
    elements.has("chunk") && elements.get("vertex")?.properties.has("packed_position") === true
  );
}

/** Not yet checked. @throws AssetError */
export function readCompressedPly(bytes: Uint8Array, header: PlyHeader): Splat {
  const vertices = element(header, "vertex");
  const chunks = element(header, "chunk");
  const { count } = vertices;
  if (chunks.count !== Math.ceil(count / chunkSplats)) {
    throw new AssetError("malformed", `${chunks.count} chunks do not go with ${count} splats`);
  }
  const words = readWords(bytes, header, vertices);
  const bounds = readBounds(bytes, header, chunks);
  const { shDegree, shRest } = readSh(bytes, header, count);
  const splat: Splat = { ...createSplat(count), shDegree, shRest };
  for (let i = 0; i < count; i++) {
    const chunk = Math.floor(i / chunkSplats);
    unpack111011(words.position[i] ?? 0, bounds.position, chunk, splat.positions, i * 3);
    unpack111011(words.scale[i] ?? 0, bounds.scale, chunk, splat.scales, i * 3);
    unpackRotation(words.rotation[i] ?? 0, splat.rotations, i * 4);
    const colour = words.colour[i] ?? 0;
    for (let channel = 0; channel < 3; channel++) {
      const share = ((colour >>> (24 - channel * 8)) & 255) / 255;
      const value = between(bounds.colour, chunk, channel, share);
      splat.shDc[i * 3 + channel] = dcOfColour(value);
    }
    const alpha = colour & 255;
    splat.opacities[i] = logitOfByte(alpha);
  }
  return splat;
}

function element(header: PlyHeader, name: string): PlyElement {
  const found = header.elements.get(name);
  if (found === undefined) {
    throw new AssetError("malformed", `the PLY has no element "${name}"`);
  }
  return found;
}

function readWords(bytes: Uint8Array, header: PlyHeader, vertices: PlyElement) {
  const readColumns = plyColumns(bytes, header, vertices);
  const read = (name: string): Uint32Array => {
    const values = new Uint32Array(vertices.count);
    readColumns([name], values, 0, 1);
    return values;
  };
  return {
    position: read("packed_position"),
    rotation: read("packed_rotation"),
    scale: read("packed_scale"),
    colour: read("packed_color"),
  };
}

/** Per chunk and axis the least and the largest value. */
type Bounds = Float64Array;

function readBounds(bytes: Uint8Array, header: PlyHeader, chunks: PlyElement) {
  const readColumns = plyColumns(bytes, header, chunks);
  const read = (names: readonly string[]): Bounds => {
    const values = new Float64Array(chunks.count * 6);
    names.forEach((name, axis) => {
      readColumns([`min_${name}`, `max_${name}`], values, axis * 2, 6);
    });
    return values;
  };
  // Early files have no bounds of the colour: it covers 0 to 1.
  const unit = (): Bounds =>
    Float64Array.from({ length: chunks.count * 6 }, (_, index) => index % 2);
  return {
    position: read(["x", "y", "z"]),
    scale: read(["scale_x", "scale_y", "scale_z"]),
    colour: chunks.properties.has("min_r") ? read(["r", "g", "b"]) : unit(),
  };
}

function between(bounds: Bounds, chunk: number, axis: number, share: number): number {
  const at = chunk * 6 + axis * 2;
  return (bounds[at] ?? 0) * (1 - share) + (bounds[at + 1] ?? 0) * share;
}

/** 11, 10 and 11 bits from the top down. */
function unpack111011(
  word: number,
  bounds: Bounds,
  chunk: number,
  target: Float32Array,
  at: number,
): void {
  target[at] = between(bounds, chunk, 0, (word >>> 21) / 2047);
  target[at + 1] = between(bounds, chunk, 1, ((word >>> 11) & 1023) / 1023);
  target[at + 2] = between(bounds, chunk, 2, (word & 2047) / 2047);
}

/** The top two bits say which of w, x, y, z is the largest; the others follow in that order, ten bits each. */
function unpackRotation(word: number, target: Float32Array, at: number): void {
  const largest = word >>> 30;
  let squares = 0;
  let shift = 20;
  for (let part = 0; part < 4; part++) {
    if (part === largest) {
      continue;
    }
    const value = (((word >>> shift) & 1023) / 1023 - 0.5) * Math.SQRT2;
    target[at + part] = value;
    squares += value * value;
    shift -= 10;
  }
  target[at + largest] = Math.sqrt(Math.max(0, 1 - squares));
}

function readSh(
  bytes: Uint8Array,
  header: PlyHeader,
  count: number,
): { readonly shDegree: ShDegree; readonly shRest: Float32Array } {
  const sh = header.elements.get("sh");
  if (sh === undefined) {
    return { shDegree: 0, shRest: new Float32Array(0) };
  }
  const names = [...sh.properties.keys()].filter((name) => name.startsWith("f_rest_"));
  const shDegree = ([1, 2, 3] as const).find((d) => shRestCount(d) * 3 === names.length);
  if (shDegree === undefined || sh.count !== count) {
    throw new AssetError("malformed", `${sh.count} × ${names.length} SH bytes for ${count} splats`);
  }
  const rest = shRestCount(shDegree);
  const readColumns = plyColumns(bytes, header, sh);
  const shRest = new Float32Array(count * rest * 3);
  for (let channel = 0; channel < 3; channel++) {
    for (let k = 0; k < rest; k++) {
      readColumns([`f_rest_${channel * rest + k}`], shRest, k * 3 + channel, rest * 3);
    }
  }
  for (let i = 0; i < shRest.length; i++) {
    const byte = shRest[i] ?? 0;
    // The outermost steps mean the ends of the range exactly, the others their middle.
    const share = byte === 0 ? 0 : byte === 255 ? 1 : (byte + 0.5) / 256;
    shRest[i] = (share - 0.5) * shRange;
  }
  return { shDegree, shRest };
}
