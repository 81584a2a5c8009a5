/** Assets as files, in whatever format people have them: the extension says what the bytes cannot. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type AnySplat,
  AssetError,
  type AssetLimits,
  type ReadAnySplatOptions,
  readAnySplat,
  type Splat,
  writeDotSplat,
  writeGlb,
  writePly,
  writeSpz,
} from "@turntable/splat";
import { readHdf5, writeHdf5 } from "@turntable/splat/hdf5";
import { assetLimits, limitsSchema } from "../config.ts";
import type { Environment } from "../gpu/index.ts";
import { parseChoice, UsageError } from "./arguments.ts";
import { parseAsConfig } from "./config-options.ts";

/** The options of every command that reads an asset. */
export const limitOptions = {
  "limits-splats": { type: "string" },
  "limits-asset-mebibytes": { type: "string" },
  "limits-memory-mebibytes": { type: "string" },
  "limits-extent": { type: "string" },
} as const;

export const limitsHelp = `\
  --limits-splats N  most splats [${limitsSchema.parse({ limits: {} }).limits.splats}]
  --limits-asset-mebibytes N  largest asset once it is decompressed [${limitsSchema.parse({ limits: {} }).limits.assetMebibytes}]
  --limits-memory-mebibytes N  most memory to read and draw it, by its header [${limitsSchema.parse({ limits: {} }).limits.memoryMebibytes}]
  --limits-extent N  largest absolute coordinate [${limitsSchema.parse({ limits: {} }).limits.extent}]
`;

/** The options of the commands that take an asset in any format. */
export const assetOptions = {
  format: { type: "string" },
  activated: { type: "boolean" },
  ...limitOptions,
} as const;

export const assetHelp = `\
  --format splat     the asset is a .splat, which cannot be told by its content; a name that ends so says it as well
  --activated        a PLY or HDF5 of opacities from 0 to 1 and standard deviations (HDF5: colours too), not of their
                     logits, logarithms and coefficients
${limitsHelp}`;

type Values = Readonly<{ [Name in keyof typeof assetOptions]?: string | boolean | undefined }>;

/** By flag and variable (`TURNTABLE_LIMITS_SPLATS` …), as `run` and `serve` have them. @throws UsageError */
export function parseLimits(values: Values, env: Environment): AssetLimits {
  return assetLimits(parseAsConfig(limitsSchema, values, env));
}

/**
 * @param unjudged values are taken as they are, however broken
 * @throws AssetError, UsageError, or Node's own error when the file cannot be read
 */
export async function readAssetFile(
  file: string,
  values: Values,
  env: Environment,
  { unjudged = false }: { readonly unjudged?: boolean } = {},
): Promise<AnySplat & { readonly sizeBytes: number }> {
  const limits = parseLimits(values, env);
  const isNamed = values.format !== undefined;
  if (isNamed) {
    parseChoice("format", String(values.format), ["splat"]);
  }
  const path = await pathOfAsset(file);
  const bytes = await readFile(path);
  const read = await readAnySplat(bytes, {
    ...readingOptions(path, limits),
    unjudged,
    activated: values.activated === true,
    ...(isNamed ? { format: "splat" } : {}),
  });
  if (isNamed && !read.format.startsWith("splat")) {
    throw new UsageError(`--format splat: ${file} is ${read.format}, as it says itself`);
  }
  return { ...read, sizeBytes: bytes.length };
}

/** The file itself, or of a folder the meta.json that makes it a SOG. @throws UsageError for any other folder */
export async function pathOfAsset(file: string): Promise<string> {
  if (!(await stat(file)).isDirectory()) {
    return file;
  }
  const meta = join(file, "meta.json");
  const isSog = await stat(meta).then(
    () => true,
    () => false,
  );
  if (isSog) {
    return meta;
  }
  throw new UsageError(`${file} is a folder without a SOG's meta.json; give a file`);
}

/** What a file's name and place add to its bytes. */
export function readingOptions(path: string, limits: AssetLimits): ReadAnySplatOptions {
  return {
    ...{ limits, readHdf5 },
    ...(hasDotSplatName(path) ? { format: "splat" } : {}),
    async beside(name) {
      const other = join(dirname(path), name);
      const size = await stat(other).then(
        (found) => (found.isFile() ? found.size : undefined),
        () => undefined,
      );
      if (size !== undefined && size > limits.maxDecompressedBytes) {
        throw new AssetError("too-large", `${other} has ${size} bytes`);
      }
      return size === undefined ? undefined : await readFile(other);
    },
  };
}

function hasDotSplatName(file: string): boolean {
  return /\.splat(\.gz|\.zst)?$/i.test(file);
}

/** What was taken for granted goes to people, not into the output. */
export function tellNotes(file: string, notes: readonly string[]): void {
  for (const note of notes) {
    process.stderr.write(`${file}: ${note}\n`);
  }
}

/** `readAssetFile` for commands that only need the splats. */
export async function readSplatFile(
  file: string,
  values: Values,
  env: Environment,
): Promise<Splat> {
  const { splat, notes } = await readAssetFile(file, values, env);
  tellNotes(file, notes);
  return splat;
}

/** By extension: `.spz` is version 2 in zstd, what the subnet reads. */
const writers: Readonly<Record<string, (splat: Splat) => Promise<Uint8Array> | Uint8Array>> = {
  ply: writePly,
  spz: writeSpz,
  glb: writeGlb,
  splat: writeDotSplat,
  h5: writeHdf5,
  hdf5: writeHdf5,
};

/** @throws UsageError when the extension is none of a format that is written */
export function checkOutput(file: string): void {
  writerOf(file);
}

/** Tells what the format has no place for. @throws UsageError as `checkOutput` does */
export async function writeAssetFile(file: string, splat: Splat): Promise<void> {
  const bytes = await writerOf(file)(splat);
  if (hasDotSplatName(file) && splat.shDegree > 0) {
    tellNotes(file, ["SH bands above 0 are left out: a .splat has no place for them"]);
  }
  await writeFile(file, bytes);
}

function writerOf(file: string): (splat: Splat) => Promise<Uint8Array> | Uint8Array {
  const extension = /\.([a-z0-9]+)$/i.exec(file)?.[1]?.toLowerCase() ?? "";
  const write = Object.hasOwn(writers, extension) ? writers[extension] : undefined;
  if (write !== undefined) {
    return write;
  }
  throw new UsageError(`${file}: the name must end in .${Object.keys(writers).join(", .")}`);
}
