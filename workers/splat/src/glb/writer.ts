/** Floats throughout, one buffer view a column. */
import { opacityOf } from "../activation.ts";
import { type Splat, shRestCount } from "../splat.ts";
import { packGlb } from "./container.ts";
import { shName, splatExtension } from "./reader.ts";

const floatType = 5126;
const arrayBuffer = 34962;
const types = { 1: "SCALAR", 3: "VEC3", 4: "VEC4" } as const;

interface Column {
  readonly name: string;
  readonly width: keyof typeof types;
  readonly values: Float32Array;
}

export function writeGlb(splat: Splat): Uint8Array<ArrayBuffer> {
  const columns = columnsOf(splat);
  const binary = new Float32Array(columns.reduce((sum, { values }) => sum + values.length, 0));
  const bufferViews: unknown[] = [];
  let at = 0;
  for (const { values } of columns) {
    binary.set(values, at);
    bufferViews.push({
      buffer: 0,
      byteOffset: at * 4,
      byteLength: values.length * 4,
      target: arrayBuffer,
    });
    at += values.length;
  }
  const json = {
    asset: { version: "2.0", generator: "turntable" },
    extensionsUsed: [splatExtension],
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0 }],
    meshes: [
      {
        primitives: [
          {
            mode: 0,
            attributes: Object.fromEntries(columns.map(({ name }, index) => [name, index])),
            extensions: {
              [splatExtension]: { kernel: "ellipse", colorSpace: "srgb_rec709_display" },
            },
          },
        ],
      },
    ],
    accessors: columns.map(({ name, width }, index) => ({
      bufferView: index,
      componentType: floatType,
      count: splat.count,
      type: types[width],
      ...(name === "POSITION" ? boundsOf(splat.positions) : {}),
    })),
    bufferViews,
    buffers: [{ byteLength: binary.byteLength }],
  };
  return packGlb(json, littleEndian(binary));
}

function columnsOf(splat: Splat): readonly Column[] {
  const { count, shDegree, rotations } = splat;
  const unit = new Float32Array(count * 4);
  for (let i = 0; i < count * 4; i += 4) {
    const [w = 1, x = 0, y = 0, z = 0] = rotations.subarray(i, i + 4);
    const length = Math.hypot(w, x, y, z);
    unit.set([x / length, y / length, z / length, w / length], i);
  }
  const columns: Column[] = [
    { name: "POSITION", width: 3, values: splat.positions },
    { name: `${splatExtension}:SCALE`, width: 3, values: splat.scales.map(Math.exp) },
    { name: `${splatExtension}:ROTATION`, width: 4, values: unit },
    { name: `${splatExtension}:OPACITY`, width: 1, values: splat.opacities.map(opacityOf) },
    { name: shName(0, 0), width: 3, values: splat.shDc },
  ];
  const perSplat = shRestCount(shDegree) * 3;
  let index = 0;
  for (let degree = 1; degree <= shDegree; degree++) {
    for (let k = 0; k < 2 * degree + 1; k++) {
      const values = new Float32Array(count * 3);
      for (let i = 0; i < count; i++) {
        const from = i * perSplat + index * 3;
        values.set(splat.shRest.subarray(from, from + 3), i * 3);
      }
      columns.push({ name: shName(degree, k), width: 3, values });
      index++;
    }
  }
  return columns;
}

function boundsOf(positions: Float32Array): { min: readonly number[]; max: readonly number[] } {
  const [min, max] = [Array<number>(3).fill(Infinity), Array<number>(3).fill(-Infinity)];
  for (let i = 0; i < positions.length; i++) {
    const value = positions[i] ?? 0;
    min[i % 3] = Math.min(min[i % 3] ?? value, value);
    max[i % 3] = Math.max(max[i % 3] ?? value, value);
  }
  return { min, max };
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.byteLength);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) {
    view.setFloat32(i * 4, values[i] ?? 0, true);
  }
  return bytes;
}
