/** Columns of a glTF. Source: glTF 2.0 specification, 3.6.2. */
import { type JsonObject, list, object, whole } from "../json.ts";
import { AssetError } from "../splat.ts";
import { bufferView, type Glb } from "./container.ts";

const widths: Readonly<Record<string, number>> = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };

interface ComponentType {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
  /** What 1 is stored as where values are normalised; undefined for floats. */
  readonly one?: number;
}

const componentTypes: Readonly<Record<number, ComponentType>> = {
  5120: { bytes: 1, read: (view, at) => view.getInt8(at), one: 127 },
  5121: { bytes: 1, read: (view, at) => view.getUint8(at), one: 255 },
  5122: { bytes: 2, read: (view, at) => view.getInt16(at, true), one: 32767 },
  5123: { bytes: 2, read: (view, at) => view.getUint16(at, true), one: 65535 },
  5126: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
};

/** How many elements an accessor declares, known before any of them is read. @throws AssetError */
export function accessorCount(glb: Glb, index: unknown): number {
  return whole(accessorOf(glb, index).count, "the count of an accessor");
}

/** @throws AssetError when it is not of `width` numbers an element, or not in the file */
export function readAccessor(glb: Glb, index: unknown, width: number, name: string): Float32Array {
  const accessor = accessorOf(glb, index);
  const count = whole(accessor.count, `the count of ${name}`);
  if (widths[String(accessor.type)] !== width) {
    throw malformed(`${name} is of type ${String(accessor.type)}`);
  }
  const type = componentTypes[whole(accessor.componentType, "componentType")];
  if (type === undefined) {
    throw malformed(`${name} is of component type ${accessor.componentType}`);
  }
  const isNormalised = accessor.normalized === true && type.one !== undefined;
  const layout = { width, type, unit: isNormalised ? type.one : undefined, name };
  // Without a bufferView it is all zeros, of which some are replaced.
  const values =
    accessor.bufferView === undefined
      ? new Float32Array(count * width)
      : readElements(glb, accessor, count, layout);
  if (accessor.sparse !== undefined) {
    replaceSome(glb, object(accessor.sparse, `sparse of ${name}`), values, layout);
  } else if (accessor.bufferView === undefined) {
    throw malformed(`${name} has no data`);
  }
  return values;
}

interface Layout {
  /** Numbers an element. */
  readonly width: number;
  readonly type: ComponentType;
  /** What 1 is stored as; undefined: values are stored as they are. */
  readonly unit: number | undefined;
  readonly name: string;
}

/** Elements of a buffer view, one after the other or at its stride. */
function readElements(
  glb: Glb,
  { bufferView: index, byteOffset }: JsonObject,
  count: number,
  { width, type, unit, name }: Layout,
): Float32Array {
  const { bytes, stride = width * type.bytes } = bufferView(glb, index);
  const start = whole(byteOffset, "byteOffset", 0);
  const needed = count === 0 ? 0 : start + (count - 1) * stride + width * type.bytes;
  if (needed > bytes.length || stride < width * type.bytes) {
    throw new AssetError("truncated", `${name} goes beyond its bufferView`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < width; k++) {
      const value = type.read(view, start + i * stride + k * type.bytes);
      values[i * width + k] = unit === undefined ? value : Math.max(-1, value / unit);
    }
  }
  return values;
}

const index32: ComponentType = { bytes: 4, read: (view, at) => view.getUint32(at, true) };
const indexTypes: Readonly<Record<number, ComponentType>> = { ...componentTypes, 5125: index32 };

/** Source: glTF 2.0 specification, 3.6.2.3. */
function replaceSome(
  glb: Glb,
  sparse: JsonObject,
  values: Float32Array,
  { name, ...layout }: Layout,
): void {
  const count = whole(sparse.count, `the count of sparse ${name}`);
  const indices = object(sparse.indices, `the indices of ${name}`);
  const type = indexTypes[whole(indices.componentType, "componentType")];
  if (type === undefined) {
    throw malformed(`${name} has indices of component type ${indices.componentType}`);
  }
  if (count > values.length) {
    throw malformed(`${name} replaces more than there is`);
  }
  const what = { width: 1, type, unit: undefined, name: `the indices of ${name}` };
  const places = readElements(glb, indices, count, what);
  const others = object(sparse.values, `the sparse values of ${name}`);
  const replacements = readElements(glb, others, count, { ...layout, name });
  for (const [i, place] of places.entries()) {
    const to = place * layout.width;
    if (!(to >= 0 && to < values.length)) {
      throw malformed(`${name} replaces element ${place}, which is not there`);
    }
    values.set(replacements.subarray(i * layout.width, (i + 1) * layout.width), to);
  }
}

function accessorOf({ json }: Glb, index: unknown): JsonObject {
  return object(list(json.accessors, "accessors")[whole(index, "an accessor")], "an accessor");
}

function malformed(what: string): AssetError {
  return new AssetError("malformed", `not a GLB of Gaussian splats: ${what}`);
}
