/**
 * Gaussian splats in PLY: properties in any order, found by name; `nx ny nz` and unknown ones are skipped.
 * `f_rest_*` is stored channel by channel (all red, then green, then blue) and comes out coefficient by coefficient.
 */
import { checkCount, checkSplat } from "../checks.ts";
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
import { type PlyElement, parsePlyHeader } from "./header.ts";

/** @throws AssetError */
export function readPly(bytes: Uint8Array, limits: AssetLimits = defaultAssetLimits): Splat {
  const header = parsePlyHeader(bytes);
  const vertices = header.elements.get("vertex");
  if (vertices === undefined) throw new AssetError("malformed", "the PLY has no vertices");
  const { count } = vertices;
  checkCount(count, limits);
  if (isCompressedPly(header)) return checkSplat(readCompressedPly(bytes, header), limits);

  const shDegree = shDegreeOf(vertices);
  const readColumn = plyColumns(bytes, header, vertices);
  const read = (names: readonly string[]): Float32Array => {
    const values = new Float32Array(count * names.length);
    for (const [index, name] of names.entries()) readColumn(name, values, index, names.length);
    return values;
  };
  const splat: Splat = {
    count,
    shDegree,
    positions: read(["x", "y", "z"]),
    scales: read(["scale_0", "scale_1", "scale_2"]),
    rotations: read(["rot_0", "rot_1", "rot_2", "rot_3"]),
    opacities: read(["opacity"]),
    shDc: read(["f_dc_0", "f_dc_1", "f_dc_2"]),
    shRest: read(shRestNames(shDegree)),
  };
  return checkSplat(splat, limits);
}

/** The properties of bands 1 and above, coefficient by coefficient. */
function shRestNames(degree: ShDegree): readonly string[] {
  const count = shRestCount(degree);
  return Array.from({ length: count * 3 }, (_, i) => {
    const channel = i % 3;
    return `f_rest_${channel * count + Math.floor(i / 3)}`;
  });
}

function shDegreeOf({ properties }: PlyElement): ShDegree {
  const count = [...properties.keys()].filter((name) => name.startsWith("f_rest_")).length;
  const degree = ([0, 1, 2, 3] as const).find((d) => shRestCount(d) * 3 === count);
  if (degree === undefined) {
    throw new AssetError(
      "malformed",
      `${count} f_rest properties; degrees 0 to 3 have 0, 9, 24 or 45`,
    );
  }
  return degree;
}
