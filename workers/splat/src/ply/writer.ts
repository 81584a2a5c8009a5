import { type Splat, shRestCount } from "../splat.ts";
import { bytesOf } from "../text.ts";

/** Writes binary little endian PLY in the order that 3D Gaussian splatting tools use. */
export function writePly(splat: Splat): Uint8Array<ArrayBuffer> {
  const restCount = shRestCount(splat.shDegree);
  const names = [
    ...["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"],
    ...Array.from({ length: restCount * 3 }, (_, i) => `f_rest_${i}`),
    ...["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"],
  ];
  const header = bytesOf(
    [
      "ply",
      "format binary_little_endian 1.0",
      `element vertex ${splat.count}`,
      ...names.map((name) => `property float ${name}`),
      "end_header\n",
    ].join("\n"),
  );
  const bytes = new Uint8Array(header.length + splat.count * names.length * 4);
  bytes.set(header);
  const view = new DataView(bytes.buffer, header.length);
  let at = 0;
  const put = (values: Float32Array, index: number): void => {
    view.setFloat32(at, values[index] ?? 0, true);
    at += 4;
  };
  for (let i = 0; i < splat.count; i++) {
    for (let axis = 0; axis < 3; axis++) {
      put(splat.positions, i * 3 + axis);
    }
    at += 12; // normals: zero
    for (let channel = 0; channel < 3; channel++) {
      put(splat.shDc, i * 3 + channel);
    }
    for (let channel = 0; channel < 3; channel++) {
      for (let k = 0; k < restCount; k++) {
        put(splat.shRest, (i * restCount + k) * 3 + channel);
      }
    }
    put(splat.opacities, i);
    for (let axis = 0; axis < 3; axis++) {
      put(splat.scales, i * 3 + axis);
    }
    for (let part = 0; part < 4; part++) {
      put(splat.rotations, i * 4 + part);
    }
  }
  return bytes;
}
