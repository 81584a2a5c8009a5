/**
 * Gaussian splats in GLB, as KHR_gaussian_splatting of October 2025 and after has them: each a point, opacities 0 to 1,
 * standard deviations as they are, rotations x y z w; or packed as SPZ. Axes are glTF's, +y up, which are ours.
 */
import { activatedOpacity, logOfDeviation } from "../activation.ts";
import { checkCount } from "../checks.ts";
import { isObject, type JsonObject, list, object, whole } from "../json.ts";
import { checkMemory } from "../memory.ts";
import { AssetError, type AssetLimits, type ShDegree, type Splat, shRestCount } from "../splat.ts";
import { joinSplats } from "../splats.ts";
import { transformSplat } from "../transform/index.ts";
import { accessorCount, readAccessor } from "./accessor.ts";
import { bufferView, type Glb, parseGlb } from "./container.ts";
import { type PlacedMesh, placedMeshes } from "./scene.ts";

export const splatExtension = "KHR_gaussian_splatting";
/** Names that the draft of the compression had. */
const spzExtensions = [
  "KHR_gaussian_splatting_compression_spz_2",
  "KHR_gaussian_splatting_compression_spz",
  "KHR_spz_compression",
];
/** The name that the first drafts gave to SPZ in glTF, before there was an extension for splats as such. */
const oldSpzExtension = "KHR_spz_gaussian_splats_compression";
const pointsMode = 0;

export interface Decoded {
  readonly splat: Splat;
  readonly notes: readonly string[];
}

/**
 * Not yet checked.
 * @param decodeSpz of an SPZ of any version, packed or not
 * @throws AssetError
 */
export async function decodeGlb(
  bytes: Uint8Array,
  limits: AssetLimits,
  decodeSpz: (bytes: Uint8Array, limits: AssetLimits) => Promise<Decoded>,
): Promise<Decoded> {
  const glb = parseGlb(bytes);
  const primitives = placedMeshes(glb.json).flatMap(({ mesh, place }) =>
    list(mesh.primitives, "primitives").map((one) => ({
      primitive: object(one, "a primitive"),
      place,
    })),
  );
  const splats = primitives.filter(({ primitive }) => extensionOf(primitive) !== undefined);
  if (splats.length === 0) {
    throw noSplats(glb.json, primitives.length);
  }
  let left = limits.maxSplats;
  const notes = new Set<string>();
  const parts: Splat[] = [];
  for (const { primitive, place } of splats) {
    const spz = spzViewOf(primitive);
    const within = { ...limits, maxSplats: left };
    const decoded =
      spz === undefined
        ? decodeAttributes(glb, primitive, within)
        : await decodeSpz(bufferView(glb, spz).bytes, within);
    left -= decoded.splat.count;
    for (const note of decoded.notes) {
      notes.add(note);
    }
    parts.push(isIdentity(place) ? decoded.splat : transformSplat(decoded.splat, place));
  }
  if (splats.length < primitives.length) {
    notes.add("meshes beside the splats are left out");
  }
  if (parts.length > 1) {
    checkJoined(parts, bytes.length, limits);
  }
  return { splat: joinSplats(parts), notes: [...notes] };
}

/** One part of many bands gives all others as many. */
function checkJoined(parts: readonly Splat[], contentBytes: number, limits: AssetLimits): void {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const restCount = Math.max(...parts.map(({ shDegree }) => shRestCount(shDegree) * 3));
  const scratchBytes = parts.reduce(
    (sum, part) => sum + (14 * part.count + part.shRest.length) * 4,
    0,
  );
  checkMemory({ count, restCount, contentBytes, scratchBytes }, limits);
}

function isIdentity({ matrix, scale, offset }: PlacedMesh["place"]): boolean {
  const isPlain = matrix.every((row, r) => row.every((value, c) => value === (r === c ? 1 : 0)));
  return isPlain && scale === 1 && offset?.every((value) => value === 0) === true;
}

function extensionOf({ extensions }: JsonObject): JsonObject | undefined {
  if (!isObject(extensions)) {
    return undefined;
  }
  const own = extensions[splatExtension] ?? extensions[oldSpzExtension];
  return own === undefined ? undefined : object(own, splatExtension);
}

function spzViewOf(primitive: JsonObject): unknown {
  const extension = object(extensionOf(primitive), splatExtension);
  const outer = object(primitive.extensions, "extensions");
  const inner = isObject(extension.extensions) ? extension.extensions : {};
  const found = [...spzExtensions, oldSpzExtension]
    .map((name) => inner[name] ?? outer[name])
    .find((value) => value !== undefined);
  if (found !== undefined) {
    return object(found, "the SPZ extension").bufferView;
  }
  const [unknown] = Object.keys(inner);
  if (unknown === undefined) {
    return undefined;
  }
  throw new AssetError("unsupported-version", `the GLB packs its splats with ${unknown}, not read`);
}

function decodeAttributes(glb: Glb, primitive: JsonObject, limits: AssetLimits): Decoded {
  const extension = object(extensionOf(primitive), splatExtension);
  checkMeaning(extension, whole(primitive.mode, "mode", 4));
  if (primitive.indices !== undefined) {
    throw malformed("its splats are chosen by indices, which is not read");
  }
  const attributes = object(primitive.attributes, "attributes");
  const count = accessorCount(glb, attributes.POSITION);
  checkCount(count, limits);
  const shDegree = shDegreeOf(attributes);
  const restCount = shRestCount(shDegree) * 3;
  // A column a band and coefficient, before they lie side by side; scales, rotations and opacities are read before they are turned.
  const scratchBytes = count * (restCount + 8) * 4;
  checkMemory({ count, restCount, contentBytes: glb.sizeBytes, scratchBytes }, limits);
  const read = (name: string, width: number): Float32Array => {
    const index = attributes[name];
    if (index === undefined) {
      throw malformed(`it has no ${name}`);
    }
    if (accessorCount(glb, index) !== count) {
      throw malformed(`${name} is of another length`);
    }
    return readAccessor(glb, index, width, name);
  };
  const notes: string[] = [];
  const splat: Splat = {
    count,
    shDegree,
    positions: read("POSITION", 3),
    scales: readScales(read(`${splatExtension}:SCALE`, 3), notes),
    rotations: wFirst(read(`${splatExtension}:ROTATION`, 4)),
    opacities: read(`${splatExtension}:OPACITY`, 1).map((value, i) =>
      activatedOpacity(value, `opacity of splat ${i}`),
    ),
    shDc: read(shName(0, 0), 3),
    shRest: readBands(shDegree, count, (degree, k) => read(shName(degree, k), 3)),
  };
  return { splat, notes };
}

/** Everything that would make other pictures of the same numbers. */
function checkMeaning({ kernel, colorSpace }: JsonObject, mode: number): void {
  if (mode !== pointsMode) {
    throw malformed(`its splats are of mode ${mode}, not points`);
  }
  if (kernel !== undefined && kernel !== "ellipse") {
    throw malformed(`its splats are of the kernel ${String(kernel)}; ellipse is read`);
  }
  if (colorSpace !== undefined && colorSpace !== "srgb_rec709_display" && colorSpace !== "BT.709") {
    throw malformed(`its colours are ${String(colorSpace)}; srgb_rec709_display is read`);
  }
}

/** A draft of 2025 had the logarithms of the deviations, of which some are below 0; deviations are not. */
function readScales(values: Float32Array, notes: string[]): Float32Array {
  if (!values.some((value) => value < 0)) {
    return values.map(logOfDeviation);
  }
  notes.push("scales below 0: taken as logarithms, which a draft of the format had");
  return values;
}

function wFirst(rotations: Float32Array): Float32Array {
  const turned = new Float32Array(rotations.length);
  for (let i = 0; i < rotations.length; i += 4) {
    turned[i] = rotations[i + 3] ?? 0;
    turned.set(rotations.subarray(i, i + 3), i + 1);
  }
  return turned;
}

export function shName(degree: number, coefficient: number): string {
  return `${splatExtension}:SH_DEGREE_${degree}_COEF_${coefficient}`;
}

function shDegreeOf(attributes: JsonObject): ShDegree {
  return ([3, 2, 1] as const).find((degree) => attributes[shName(degree, 0)] !== undefined) ?? 0;
}

function readBands(
  shDegree: ShDegree,
  count: number,
  read: (degree: number, coefficient: number) => Float32Array,
): Float32Array {
  const columns: Float32Array[] = [];
  for (let degree = 1; degree <= shDegree; degree++) {
    for (let k = 0; k < 2 * degree + 1; k++) {
      columns.push(read(degree, k));
    }
  }
  const width = columns.length * 3;
  const values = new Float32Array(count * width);
  for (const [index, column] of columns.entries()) {
    for (let i = 0; i < count; i++) {
      for (let c = 0; c < 3; c++) {
        values[i * width + index * 3 + c] = column[i * 3 + c] ?? 0;
      }
    }
  }
  return values;
}

function noSplats({ extensionsUsed }: JsonObject, primitives: number): AssetError {
  const used = list(extensionsUsed, "extensionsUsed").map(String);
  const isMesh = primitives > 0 && !used.includes(splatExtension);
  return malformed(
    isMesh
      ? "it is a mesh (no primitive has KHR_gaussian_splatting); turntable takes splats, which a trainer makes of pictures of it"
      : "its scene shows no primitive with KHR_gaussian_splatting",
  );
}

function malformed(what: string): AssetError {
  return new AssetError("malformed", `not a GLB of Gaussian splats: ${what}`);
}
