/**
 * A splat out of any file that people have. The formats and names that the subnet's validators take are fewer:
 * `readAsset` is for what miners hand in, and nothing here changes what they may.
 */
import { flattenScales, looksActivated } from "./activation.ts";
import { checkSplat } from "./checks.ts";
import { decodeDotSplat } from "./dot-splat.ts";
import { foreignKind } from "./foreign.ts";
import { isGlb } from "./glb/container.ts";
import { decodeGlb } from "./glb/reader.ts";
import { isHdf5 } from "./hdf5-signature.ts";
import { decodeKsplat, isKsplat } from "./ksplat.ts";
import { compressionOf } from "./packing/frames.ts";
import { isZip } from "./packing/zip.ts";
import { decodeAnyPly } from "./ply/any-ply.ts";
import { isPly } from "./ply/header.ts";
import { type ReadAssetOptions, unpackAny } from "./read-asset.ts";
import { decodeSog, openSog } from "./sog/reader.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat } from "./splat.ts";
import { decodeSpzContainer, isSpzContainer } from "./spz/container.ts";
import { isSpz, spzVersionOf } from "./spz/format.ts";
import { decodePlainSpz } from "./spz/reader.ts";

export interface ReadAnySplatOptions extends ReadAssetOptions {
  /**
   * Values are taken as they are, however broken: for those who mend them. Sizes and counts have their limits all the
   * same.
   */
  readonly unjudged?: boolean;
}

export interface AnySplat {
  readonly splat: Splat;
  /** Such as `spz 4`, `ply in gzip`. */
  readonly format: string;
  /** What was left out or taken for granted, a sentence each. */
  readonly notes: readonly string[];
}

/** @throws AssetError, whose code says what is wrong with the bytes; never anything else because of them. */
export async function readAnySplat(
  bytes: Uint8Array,
  options: ReadAnySplatOptions = {},
): Promise<AnySplat> {
  const { limits = defaultAssetLimits, activated = false, unjudged = false } = options;
  const content = await unpackAny(bytes, limits);
  const { splat, name, notes } = await decode(content, limits, options);
  if (activated && name !== "ply" && name !== "hdf5") {
    throw new AssetError(
      "malformed",
      `${name} says itself what its values mean; activated goes with PLY and HDF5`,
    );
  }
  const flat = flattenScales(splat.scales);
  const compression = compressionOf(bytes);
  const format = compression === undefined ? name : `${name} in ${compression}`;
  const told = [...notes];
  if (flat > 0) {
    told.push(`${flat} scales of −∞: deviations of 0, flat splats`);
  }
  if (!activated && looksActivated(splat)) {
    told.push("its values look activated already (opacities 0 to 1, deviations): see --activated");
  }
  return { splat: unjudged ? splat : checkSplat(splat, limits), format, notes: told };
}

interface Decoded {
  readonly splat: Splat;
  readonly name: string;
  readonly notes: readonly string[];
}

async function decode(
  content: Uint8Array,
  limits: AssetLimits,
  { format, readHdf5, activated = false, unjudged = false }: ReadAnySplatOptions,
): Promise<Decoded> {
  const plain = (name: string, splat: Splat): Decoded => ({ name, splat, notes: [] });
  if (isPly(content)) {
    return { name: "ply", ...decodeAnyPly(content, limits, { activated }) };
  }
  if (isSpz(content)) {
    return decodeSpz(content, limits);
  }
  if (isGlb(content)) {
    return { name: "glb", ...(await decodeGlb(content, limits, decodePackedSpz)) };
  }
  if (isHdf5(content) && readHdf5 !== undefined) {
    return plain("hdf5", await readHdf5(content, limits, { activated, unjudged }));
  }
  if (isZip(content)) {
    const sog = openSog(content);
    if (sog !== undefined) {
      return plain("sog", decodeSog(sog, limits));
    }
    throw unknownFormat(
      "a ZIP without a SOG's meta.json: unpack it and give the splat file inside",
    );
  }
  const foreign = foreignKind(content);
  if (foreign !== undefined) {
    throw unknownFormat(foreign);
  }
  if (isKsplat(content)) {
    return plain("ksplat", decodeKsplat(content, limits));
  }
  if (format === "splat") {
    return plain("splat", decodeDotSplat(content, limits));
  }
  throw unknownFormat(undefined, content);
}

function decodeSpz(content: Uint8Array, limits: AssetLimits): Decoded {
  const name = `spz ${spzVersionOf(content)}`;
  return isSpzContainer(content)
    ? { name, ...decodeSpzContainer(content, limits) }
    : { name, splat: decodePlainSpz(content, limits), notes: [] };
}

async function decodePackedSpz(bytes: Uint8Array, limits: AssetLimits): Promise<Decoded> {
  return decodeSpz(await unpackAny(bytes, limits), limits);
}

function unknownFormat(foreign: string | undefined, content?: Uint8Array): AssetError {
  const start = [...(content?.subarray(0, 8) ?? [])].map((byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  return new AssetError(
    "unknown-format",
    foreign === undefined
      ? `it begins with ${start.join("")}, as no format that is read; a .splat without its name needs --format splat`
      : `it is ${foreign}`,
  );
}
