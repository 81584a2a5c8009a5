/** `turntable-worker convert`: an asset in another format. */
import { writeFile } from "node:fs/promises";
import {
  type Matrix3,
  multiply,
  rotationAround,
  type Splat,
  transformSplat,
  writeSpz,
} from "@turntable/splat";
import { type Command, parseArguments, parseChoice, UsageError } from "./arguments.ts";
import {
  assetHelp,
  assetOptions,
  checkOutput,
  readSplatFile,
  writeAssetFile,
} from "./asset-file.ts";

const help = `Usage: turntable-worker convert IN OUT [options]

Reads PLY (also PlayCanvas' compressed PLY), SPZ 1 to 4, GLB with KHR_gaussian_splatting, SOG (also as a folder), .ksplat,
.splat and HDF5, also inside gzip and zstd; writes by the extension of OUT: .ply, .spz, .glb, .splat, .h5. Axes stay as they are, unless:

  --rotate X,Y,Z     turn by degrees around x, then y, then z: 180,0,0 for what stands on its head, 90,0,0 or -90,0,0
                     for what lies on its back or face
  --flip AXIS        mirror along x, y or z, before it is turned
  --spz-version N        1, 2, 3 or 4 [2]
  --spz-compression NAME zstd or gzip, of versions 1 to 3 [zstd]
${assetHelp}`;

const options = {
  rotate: { type: "string" },
  flip: { type: "string" },
  "spz-version": { type: "string" },
  "spz-compression": { type: "string" },
  ...assetOptions,
} as const;

export const convertCommand: Command = {
  summary: "an asset in another format, turned or mirrored",
  help,
  async run(argv, env) {
    const { values, positionals } = parseArguments(argv, options, ["IN", "OUT"]);
    const [input = "", output = ""] = positionals;
    const version = parseChoice("spz-version", values["spz-version"], ["2", "1", "3", "4"]);
    const compression = parseChoice("spz-compression", values["spz-compression"], ["zstd", "gzip"]);
    const matrix = parseTurn(values.rotate, values.flip);
    const isSpz = /\.spz$/i.test(output);
    if (!isSpz && (values["spz-version"] ?? values["spz-compression"]) !== undefined) {
      throw new UsageError("--spz-version and --spz-compression go with an OUT that ends in .spz");
    }
    if (version === "4" && values["spz-compression"] !== undefined) {
      throw new UsageError("--spz-compression goes with SPZ 1 to 3; version 4 has zstd inside");
    }
    checkOutput(output);
    const read = await readSplatFile(input, values, env);
    const splat: Splat = matrix === undefined ? read : transformSplat(read, { matrix });
    if (!isSpz) {
      return await writeAssetFile(output, splat);
    }
    const spzVersion = { "1": 1, "2": 2, "3": 3, "4": 4 } as const;
    await writeFile(output, writeSpz(splat, { version: spzVersion[version], compression }));
  },
};

/** Mirrored first, then turned around x, y and z. @throws UsageError */
function parseTurn(rotate: string | undefined, flip: string | undefined): Matrix3 | undefined {
  if (rotate === undefined && flip === undefined) {
    return undefined;
  }
  const parts = rotate === undefined ? [] : rotate.split(",");
  const degrees = parts.map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (rotate !== undefined && (degrees.length !== 3 || !degrees.every(Number.isFinite))) {
    throw new UsageError(`--rotate ${rotate}: three numbers of degrees are needed, as 180,0,0`);
  }
  const mirrored = flip === undefined ? undefined : parseChoice("flip", flip, ["x", "y", "z"]);
  const sign = (axis: "x" | "y" | "z"): number => (axis === mirrored ? -1 : 1);
  const mirror: Matrix3 = [
    [sign("x"), 0, 0],
    [0, sign("y"), 0],
    [0, 0, sign("z")],
  ];
  const [x = 0, y = 0, z = 0] = degrees;
  const turns = [rotationAround(0, x), rotationAround(1, y), rotationAround(2, z)];
  return turns.reduce((before, turn) => multiply(turn, before), mirror);
}
