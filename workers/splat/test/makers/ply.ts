/** PLY files with any columns. */

type ColumnType = "float" | "double" | "uchar" | "ushort" | "char" | "int";

export interface PlyColumn {
  readonly type?: ColumnType;
  readonly values: ArrayLike<number>;
}

const writers = {
  float: [4, (view: DataView, at: number, value: number) => view.setFloat32(at, value, true)],
  double: [8, (view: DataView, at: number, value: number) => view.setFloat64(at, value, true)],
  uchar: [1, (view: DataView, at: number, value: number) => view.setUint8(at, value)],
  char: [1, (view: DataView, at: number, value: number) => view.setInt8(at, value)],
  ushort: [2, (view: DataView, at: number, value: number) => view.setUint16(at, value, true)],
  int: [4, (view: DataView, at: number, value: number) => view.setInt32(at, value, true)],
} as const;

/** Little endian, columns in the order that they are given. */
export function makePly(columns: Readonly<Record<string, PlyColumn>>, comments = ""): Uint8Array {
  const all = Object.entries(columns).map(([name, { type = "float", values }]) => ({
    name,
    type,
    values,
  }));
  const count = all[0]?.values.length ?? 0;
  const stride = all.reduce((sum, { type }) => sum + writers[type][0], 0);
  const header = Buffer.from(
    [
      "ply",
      "format binary_little_endian 1.0",
      ...(comments === "" ? [] : [comments]),
      `element vertex ${count}`,
      ...all.map(({ name, type }) => `property ${type} ${name}`),
      "end_header\n",
    ].join("\n"),
  );
  const body = new DataView(new ArrayBuffer(count * stride));
  let at = 0;
  for (let i = 0; i < count; i++) {
    for (const { type, values } of all) {
      const [size, write] = writers[type];
      write(body, at, values[i] ?? 0);
      at += size;
    }
  }
  return Buffer.concat([header, Buffer.from(body.buffer)]);
}

/** Numbers that differ from row to row, between two bounds. */
export function wave(count: number, low: number, high: number, salt = 0): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => low + ((high - low) * (Math.sin(i * 12.9898 + salt) + 1)) / 2,
  );
}

/** What every splat needs: place, three scales, a rotation. */
export function placedColumns(count: number): Record<string, PlyColumn> {
  const named = (names: readonly string[], low: number, high: number) =>
    Object.fromEntries(names.map((name, k) => [name, { values: wave(count, low, high, k) }]));
  return {
    ...named(["x", "y", "z"], -1, 1),
    ...named(["scale_0", "scale_1", "scale_2"], -6, -3),
    ...named(["rot_0", "rot_1", "rot_2", "rot_3"], -1, 1),
  };
}
