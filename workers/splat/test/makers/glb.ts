/** GLB files with any JSON, and with SPZ inside. */
import { packGlb, parseGlb } from "../../src/glb/container.ts";
import { type Splat, type WriteSpzOptions, writeGlb, writeSpz } from "../../src/index.ts";

type Json = Record<string, unknown>;

/** `writeGlb`'s, with its JSON changed. */
export function changedGlb(splat: Splat, change: (json: Json) => void): Uint8Array {
  const { json, binary } = parseGlb(writeGlb(splat));
  const copy: Json = structuredClone({ ...json });
  change(copy);
  return packGlb(copy, binary);
}

/** The compression extension under either of its names. */
export function spzGlb(
  splat: Splat,
  options: WriteSpzOptions & { readonly name: string },
): Uint8Array {
  const spz = writeSpz(splat, options);
  const json = {
    asset: { version: "2.0" },
    extensionsUsed: ["KHR_gaussian_splatting", options.name],
    nodes: [{ mesh: 0 }],
    meshes: [
      {
        primitives: [
          {
            mode: 0,
            attributes: {},
            extensions: {
              KHR_gaussian_splatting: { extensions: { [options.name]: { bufferView: 0 } } },
            },
          },
        ],
      },
    ],
    bufferViews: [{ buffer: 0, byteLength: spz.length }],
    buffers: [{ byteLength: spz.length }],
  };
  return packGlb(json, spz);
}
