/**
 * Gaussian splats in PLY: properties in any order, found by name; `nx ny nz` and unknown ones are skipped.
 * `f_rest_*` is stored channel by channel (all red, then green, then blue) and comes out coefficient by coefficient.
 */
import { checkCount, checkSplat } from "../checks.ts";
import { type AssetNeeds, checkMemory } from "../memory.ts";
import {
  AssetError,
  type AssetLimits,
  defaultAssetLimits,
  type ShDegree,
  type Splat,
  shRestCount,
} from "../splat.ts";
import { plyColumns } from "./columns.ts";
import { isCompressedPly, readCompressedPly } from "./compressed.ts";
import { isPly, type PlyElement, type PlyHeader, parsePlyHeader } from "./header.ts";

/**
 * By the names and meanings that the subnet's validators know. `decodeAnyPly` takes more.
 * @throws AssetError
 */
export function readPly(bytes: Uint8Array, limits: AssetLimits = defaultAssetLimits): Splat {
  const { header, vertices } = openPly(bytes, limits);
  if (isCompressedPly(header)) {
    return checkSplat(readCompressedPly(bytes, header), limits);
  }

  const shDegree = shDegreeOf(vertices);
  const read = valuesReader(bytes, header, vertices);
  const splat: Splat = {
    count: vertices.count,
    shDegree,
    positions: read(plyNames.positions),
    scales: read(plyNames.scales),
    rotations: read(plyNames.rotations),
    opacities: read(plyNames.opacities),
    shDc: read(plyNames.shDc),
    shRest: read(shRestNames(shDegree, shRestCount(shDegree))),
  };
  return checkSplat(splat, limits);
}

export const plyNames = {
  positions: ["x", "y", "z"],
  scales: ["scale_0", "scale_1", "scale_2"],
  rotations: ["rot_0", "rot_1", "rot_2", "rot_3"],
  opacities: ["opacity"],
  shDc: ["f_dc_0", "f_dc_1", "f_dc_2"],
} as const;

/** @throws AssetError before anything is allocated for what the header declares */
export function openPly(
  bytes: Uint8Array,
  limits: AssetLimits,
): { readonly header: PlyHeader; readonly vertices: PlyElement } {
  const header = parsePlyHeader(bytes);
  const vertices = header.elements.get("vertex");
  if (vertices === undefined) {
    throw new AssetError("malformed", "the PLY has no vertices");
  }
  checkCount(vertices.count, limits);
  checkMemory(needsOf(bytes.length, header, vertices), limits);
  return { header, vertices };
}

/**
 * Of what a header declares, wherever it is known: all of the file is `contentBytes`. Binary records are copied to where
 * floats may lie, ascii ones are read as doubles. Files with more bands than are kept have them left out.
 */
function needsOf(contentBytes: number, header: PlyHeader, vertices: PlyElement): AssetNeeds {
  const { count, start, stride } = vertices;
  const harmonics = header.elements.get("sh")?.properties.size ?? 0; // of a compressed one
  return {
    count,
    restCount: Math.min(shRestCount(3) * 3, Math.max(harmonics, shRestStored(vertices))),
    contentBytes,
    scratchBytes: header.encoding === "ascii" ? count * stride * 8 : start + count * stride,
  };
}

/**
 * Of a file of which only the beginning is there: whether its header alone says that it will not be read. What else is
 * wrong with it is for whoever reads all of it.
 * @throws AssetError for what a limit forbids
 */
export function checkPlyStart(start: Uint8Array, limits: AssetLimits): void {
  if (!isPly(start)) {
    return;
  }
  try {
    const header = parsePlyHeader(start);
    const vertices = header.elements.get("vertex");
    if (vertices !== undefined) {
      checkCount(vertices.count, limits);
      checkMemory(needsOf(header.dataOffset, header, vertices), limits);
    }
  } catch (error) {
    if (error instanceof AssetError && limitCodes.includes(error.code)) {
      throw error;
    }
  }
}

const limitCodes = ["empty", "too-many-splats", "too-much-memory"];

/** Reads properties side by side, those of the first splat first. */
export function valuesReader(
  bytes: Uint8Array,
  header: PlyHeader,
  element: PlyElement,
): (names: readonly string[]) => Float32Array {
  const readColumns = plyColumns(bytes, header, element);
  return (names) => {
    const values = new Float32Array(element.count * names.length);
    readColumns(names, values, 0, names.length);
    return values;
  };
}

/**
 * The properties of bands 1 and above, coefficient by coefficient.
 * @param stored coefficients a channel in the file, which may have more bands
 */
export function shRestNames(degree: ShDegree, stored: number): readonly string[] {
  return Array.from({ length: shRestCount(degree) * 3 }, (_, i) => {
    const channel = i % 3;
    return `f_rest_${channel * stored + Math.floor(i / 3)}`;
  });
}

/** Number of `f_rest_*`. */
export function shRestStored({ properties }: PlyElement): number {
  return [...properties.keys()].filter((name) => name.startsWith("f_rest_")).length;
}

export function shDegreeOf(element: PlyElement): ShDegree {
  const count = shRestStored(element);
  const degree = ([0, 1, 2, 3] as const).find((d) => shRestCount(d) * 3 === count);
  if (degree === undefined) {
    throw new AssetError(
      "malformed",
      `${count} f_rest properties; degrees 0 to 3 have 0, 9, 24 or 45`,
    );
  }
  return degree;
}
