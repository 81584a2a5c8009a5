/** Assets that were made to harm whoever reads them. */
import { constants, zstdCompressSync } from "node:zlib";

/** Properties beside those of a splat, which nobody reads. */
const uselessProperties = 67;

/**
 * An ascii PLY of a million splats within all other limits, a few kilobytes in zstd: every word of two bytes is a
 * double of eight once it is read.
 */
export function asciiBomb(): Uint8Array {
  const count = 1_000_000;
  const names = [
    ...["x", "y", "z", "opacity", "f_dc_0", "f_dc_1", "f_dc_2"],
    ...["scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"],
    ...Array.from({ length: 45 }, (_, index) => `f_rest_${index}`),
    ...Array.from({ length: uselessProperties }, (_, index) => `useless_${index}`),
  ];
  const properties = names.map((name) => `property float ${name}\n`).join("");
  const header = `ply\nformat ascii 1.0\nelement vertex ${count}\n${properties}end_header\n`;
  const line = `${names.map((name) => (name === "rot_0" ? 1 : 0)).join(" ")}\n`;
  const content = Buffer.concat([Buffer.from(header), Buffer.alloc(line.length * count, line)]);
  return zstdCompressSync(content, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}
