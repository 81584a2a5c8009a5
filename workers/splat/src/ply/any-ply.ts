/**
 * PLY as people have it: beside what the subnet knows, colours instead of coefficients, values that are activated
 * already, discs, round splats without rotations. What could mean two things is refused, what is left out is noted.
 */
import { activatedOpacity, dcOfColour, logitOf, logOfDeviation } from "../activation.ts";
import { AssetError, type AssetLimits, type Splat, shRestCount } from "../splat.ts";
import { isCompressedPly, readCompressedPly } from "./compressed.ts";
import type { PlyElement } from "./header.ts";
import {
  openPly,
  plyNames,
  shDegreeOf,
  shRestNames,
  shRestStored,
  valuesReader,
} from "./reader.ts";
import type { PlyType } from "./types.ts";

/** Not yet checked. @throws AssetError */
export function decodeAnyPly(
  bytes: Uint8Array,
  limits: AssetLimits,
  { activated }: { readonly activated: boolean },
): { readonly splat: Splat; readonly notes: readonly string[] } {
  const { header, vertices } = openPly(bytes, limits);
  if (isCompressedPly(header)) {
    if (activated) {
      throw malformed("a compressed PLY says itself what its values mean");
    }
    return { splat: readCompressedPly(bytes, header), notes: [] };
  }
  const notes: string[] = [];
  const source: Source = {
    vertices,
    has: (names) => names.every((name) => vertices.properties.has(name)),
    read: valuesReader(bytes, header, vertices),
    activated,
    note: (text) => notes.push(text),
  };
  checkKind(source, header.names.has("face"));
  const scales = readScales(source);
  const splat: Splat = {
    count: vertices.count,
    positions: source.read(plyNames.positions),
    scales,
    rotations: readRotations(source, scales),
    opacities: readOpacities(source),
    shDc: readColours(source),
    ...readSh(source),
  };
  if (vertices.properties.has("filter_3D")) {
    notes.push("filter_3D of Mip-Splatting is not applied: splats come out smaller and bolder");
  }
  return { splat, notes };
}

interface Source {
  readonly vertices: PlyElement;
  readonly has: (names: readonly string[]) => boolean;
  readonly read: (names: readonly string[]) => Float32Array;
  readonly activated: boolean;
  readonly note: (text: string) => void;
}

/** Meshes and point clouds are PLY as well, and so are splats packed by rules that stand elsewhere. */
function checkKind({ has, vertices }: Source, hasFaces: boolean): void {
  if (!has(plyNames.positions)) {
    throw malformed('its vertices have no "x", "y" and "z"');
  }
  if (has(["scale_0"])) {
    const isWhole = (name: string): boolean => /int|char|short/.test(typeOf(vertices, name));
    const packed = [...plyNames.scales, ...plyNames.shDc].find(isWhole);
    if (packed === undefined) {
      return;
    }
    throw malformed(
      `"${packed}" is of whole numbers (${typeOf(vertices, packed)}), packed in a way that the file does not tell; export it with floats`,
    );
  }
  const others = [...vertices.properties.keys()].filter((name) => /scal|^s[xyz]$/i.test(name));
  if (others.length > 0) {
    throw malformed(
      `its vertices have no "scale_0" to "scale_2" but ${others.join(", ").slice(0, 80)}; name them so if they are logarithms of deviations`,
    );
  }
  throw malformed(
    hasFaces
      ? "it is a mesh; turntable takes splats, which a trainer makes of pictures of it"
      : 'its vertices have no "scale_0": it is a point cloud, whose points have no size',
  );
}

/** Empty when there is no such property. */
function typeOf({ properties }: PlyElement, name: string): string {
  return properties.get(name)?.type ?? "";
}

function readScales({ vertices, has, read, activated, note }: Source): Float32Array {
  const deviations = (values: Float32Array): Float32Array =>
    activated ? values.map(logOfDeviation) : values;
  if (has(plyNames.scales)) {
    return deviations(read(plyNames.scales));
  }
  const scales = new Float32Array(vertices.count * 3);
  if (has(["scale_0", "scale_1"])) {
    note("two scales a splat: discs, flat along their third axis");
    const flat = logOfDeviation(0);
    const two = deviations(read(["scale_0", "scale_1"]));
    for (let i = 0; i < vertices.count; i++) {
      scales.set([two[i * 2] ?? 0, two[i * 2 + 1] ?? 0, flat], i * 3);
    }
    return scales;
  }
  note("one scale a splat: round ones");
  const one = deviations(read(["scale_0"]));
  for (let i = 0; i < vertices.count; i++) {
    scales.fill(one[i] ?? 0, i * 3, i * 3 + 3);
  }
  return scales;
}

function readRotations({ vertices, has, read, note }: Source, scales: Float32Array): Float32Array {
  if (has(plyNames.rotations)) {
    return read(plyNames.rotations);
  }
  const isRound = scales.every((scale, i) => scale === scales[i - (i % 3)]);
  if (!isRound) {
    throw malformed('its vertices have no "rot_0", and are not round: how they lie is not known');
  }
  note("no rotations, which round splats do not need");
  return new Float32Array(vertices.count * 4).map((_, i) => (i % 4 === 0 ? 1 : 0));
}

function readOpacities({ vertices, has, read, activated, note }: Source): Float32Array {
  if (has(plyNames.opacities)) {
    const values = read(plyNames.opacities);
    const type = typeOf(vertices, "opacity");
    if (/int|char|short/.test(type)) {
      note(`opacities of the type ${type} are taken as shares of its largest number`);
      return sharesOf(vertices, plyNames.opacities, values).map(logitOf);
    }
    if (!activated) {
      return values;
    }
    return values.map((value, i) => activatedOpacity(value, `opacity of splat ${i}`));
  }
  const alpha = ["alpha", "a"].find((name) => has([name]));
  if (alpha !== undefined) {
    note(`${alpha} is taken as the opacity`);
    const shares = sharesOf(vertices, [alpha], read([alpha]));
    return shares.map((share, i) => activatedOpacity(share, `${alpha} of splat ${i}`));
  }
  note("no opacities: all splats are opaque");
  return new Float32Array(vertices.count).fill(Number.POSITIVE_INFINITY);
}

const colourNames = [
  ["red", "green", "blue"],
  ["r", "g", "b"],
  ["diffuse_red", "diffuse_green", "diffuse_blue"],
] as const;

function readColours({ vertices, has, read, note }: Source): Float32Array {
  if (has(plyNames.shDc)) {
    return read(plyNames.shDc);
  }
  const names = colourNames.find(has);
  if (names === undefined) {
    const known = colourNames.map((three) => three.join(" ")).join(", ");
    throw malformed(`its vertices have no colour: neither f_dc_0 to f_dc_2 nor any of ${known}`);
  }
  note(`${names.join(", ")} are taken as colours`);
  return sharesOf(vertices, names, read(names)).map(dcOfColour);
}

/** What whole numbers of each type reach. */
const largest: Partial<Record<PlyType, number>> = {
  uchar: 255,
  uint8: 255,
  ushort: 65535,
  uint16: 65535,
};

/** 0 to 1, of bytes, words, or floats of either range. @throws AssetError where it could be both */
function sharesOf(
  { properties }: PlyElement,
  names: readonly string[],
  values: Float32Array,
): Float32Array {
  const types = new Set(names.map((name) => properties.get(name)?.type));
  const [type] = types;
  const most = types.size === 1 && type !== undefined ? largest[type] : undefined;
  if (most !== undefined) {
    return values.map((value) => value / most);
  }
  const areFloats = [...types].every((one) => one !== undefined && /^(float|double)/.test(one));
  if (!areFloats) {
    const given = [...types].join(" and ");
    throw malformed(
      `${names.join(", ")}: of the type ${given}, which no colours or opacities have`,
    );
  }
  // Not by spreading: there may be a million of them.
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((peak, value) => Math.max(peak, value), -Infinity);
  if (low >= 0 && high <= 1) {
    return values;
  }
  if (low >= 0 && high <= 255 && values.every(Number.isInteger)) {
    return values.map((value) => value / 255);
  }
  throw malformed(
    `${names.join(", ")} go from ${low} to ${high}; floats from 0 to 1, or whole numbers from 0 to 255, are colours`,
  );
}

/** Coefficients a channel of degree 4. */
const degree4Count = 24;

function readSh({ vertices, read, note }: Source): Pick<Splat, "shDegree" | "shRest"> {
  if (shRestStored(vertices) === degree4Count * 3) {
    note("SH band 4 is left out: degrees 0 to 3 are kept");
    return { shDegree: 3, shRest: read(shRestNames(3, degree4Count)) };
  }
  const shDegree = shDegreeOf(vertices);
  return { shDegree, shRest: read(shRestNames(shDegree, shRestCount(shDegree))) };
}

function malformed(what: string): AssetError {
  return new AssetError("malformed", `not a PLY of Gaussian splats: ${what}`);
}
