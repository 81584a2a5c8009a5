/** `turntable-worker convert`: an asset in another format. */
import { writeFile } from "node:fs/promises";
import { writeSpz } from "@turntable/splat";
import { type Command, parseArguments, parseChoice, UsageError } from "./arguments.ts";
import { readAssetFile, writeAssetFile } from "./asset-file.ts";

const help = `Usage: turntable-worker convert IN OUT [options]

Reads PLY (also PlayCanvas' compressed PLY), SPZ 1 to 3, HDF5 and .splat; writes by the extension of OUT: .ply, .spz,
.h5. SPZ keeps 8 bits of most values.

  --spz-version N        1, 2 or 3 [2]
  --spz-compression NAME zstd or gzip [zstd]
  --activated            IN is an HDF5 of the subnet's data_ver 1 and above: opacities from 0 to 1, standard deviations
                         and colours, not their logits, logarithms and coefficients
`;

const options = {
  "spz-version": { type: "string" },
  "spz-compression": { type: "string" },
  activated: { type: "boolean" },
} as const;

export const convertCommand: Command = {
  summary: "an asset in another format",
  help,
  async run(argv) {
    const { values, positionals } = parseArguments(argv, options, ["IN", "OUT"]);
    const [input = "", output = ""] = positionals;
    const version = parseChoice("spz-version", values["spz-version"], ["2", "1", "3"]);
    const compression = parseChoice("spz-compression", values["spz-compression"], ["zstd", "gzip"]);
    const isSpz = /\.spz$/i.test(output);
    if (!isSpz && (values["spz-version"] ?? values["spz-compression"]) !== undefined) {
      throw new UsageError("--spz-version and --spz-compression go with an OUT that ends in .spz");
    }
    const splat = await readAssetFile(input, values.activated);
    if (!isSpz) return await writeAssetFile(output, splat);
    const spzVersion = { "1": 1, "2": 2, "3": 3 } as const;
    await writeFile(output, writeSpz(splat, { version: spzVersion[version], compression }));
  },
};
