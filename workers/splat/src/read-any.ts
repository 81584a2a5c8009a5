/**
 * A splat out of any file that people have. The formats and names that the subnet's validators take are fewer:
 * `readAsset` is for what miners hand in, and nothing here changes what they may.
 */

import type { Compression } from "#codecs";
import { flattenScales, looksActivated } from "./activation.ts";
import { checkSplat } from "./checks.ts";
import { decodeDotSplat, mayBeDotSplat } from "./dot-splat.ts";
import { foreignKind, zipKind } from "./foreign.ts";
import { isGlb } from "./glb/container.ts";
import { decodeGlb } from "./glb/reader.ts";
import { isHdf5 } from "./hdf5-signature.ts";
import { decodeKsplat, isKsplat } from "./ksplat.ts";
import { limitsBeside } from "./memory.ts";
import { compressionOf } from "./packing/frames.ts";
import { isZip, openZip } from "./packing/zip.ts";
import { decodeAnyPly } from "./ply/any-ply.ts";
import { isPly } from "./ply/header.ts";
import { type ReadAssetOptions, unpackAny } from "./read-asset.ts";
import { decodeSog, isSogMeta, openSog, openSogFolder } from "./sog/reader.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat } from "./splat.ts";
import { decodeSpzContainer, isSpzContainer } from "./spz/container.ts";
import { isSpz, spzFlagNotes, spzVersionOf } from "./spz/format.ts";
import { decodePlainSpz } from "./spz/reader.ts";
import { firstBytes } from "./text.ts";

export interface ReadAnySplatOptions extends ReadAssetOptions {
  /**
   * Values are taken as they are, however broken: for those who mend them. Sizes and counts have their limits all the
   * same.
   */
  readonly unjudged?: boolean;
  /** A file beside this one, for formats of several files (the meta.json of a SOG); undefined when it is not there. */
  readonly beside?: (name: string) => Promise<Uint8Array | undefined>;
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
  const { content, layers } = await unpackAll(bytes, limits);
  const inner = content === bytes ? limits : limitsBeside(bytes.length, limits);
  const { splat, name, notes } = await decode(content, inner, options);
  if (activated && name !== "ply" && name !== "hdf5") {
    throw new AssetError(
      "malformed",
      `${name} says itself what its values mean; activated goes with PLY and HDF5`,
    );
  }
  const flat = flattenScales(splat.scales);
  const format = [name, ...layers].join(" in ");
  const told = [...notes];
  if (flat > 0) {
    told.push(`${flat} scales of −∞: deviations of 0, flat splats`);
  }
  const looks = activated ? undefined : looksActivated(splat);
  if (looks === "both") {
    told.push("its values look activated already (opacities 0 to 1, deviations): see --activated");
  } else if (looks === "opacities") {
    told.push("its opacities look activated already: they go from 0 to 1, and are read as logits");
  } else if (looks === "deviations") {
    told.push("its scales look activated already: they go from 0 to 1, and are read as logarithms");
  }
  return { splat: unjudged ? splat : checkSplat(splat, limits), format, notes: told };
}

/** Servers and programs compress what is compressed already, so there may be some around each other. */
const mostLayers = 4;

/** Out of all compression, whose names come innermost first. @throws AssetError */
async function unpackAll(
  bytes: Uint8Array,
  limits: AssetLimits,
): Promise<{ readonly content: Uint8Array; readonly layers: readonly Compression[] }> {
  const layers: Compression[] = [];
  let content = bytes;
  for (;;) {
    const compression = compressionOf(content);
    content = await unpackAny(content, limits);
    if (compression === undefined) {
      return { content, layers };
    }
    layers.unshift(compression);
    if (layers.length > mostLayers) {
      throw new AssetError("too-large", `the asset is packed more than ${mostLayers} times`);
    }
  }
}

interface Decoded {
  readonly splat: Splat;
  readonly name: string;
  readonly notes: readonly string[];
}

async function decode(
  content: Uint8Array,
  limits: AssetLimits,
  { format, readHdf5, beside, activated = false, unjudged = false }: ReadAnySplatOptions,
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
    const entries = openZip(content);
    const sog = openSog(entries);
    if (sog !== undefined) {
      return plain("sog", decodeSog(sog, limits));
    }
    throw unknownFormat(zipKind([...entries.keys()]));
  }
  if (beside !== undefined && isSogMeta(content)) {
    return plain("sog", decodeSog(await openSogFolder(content, beside), limits));
  }
  if (format === "splat" && mayBeDotSplat(content)) {
    return plain("splat", decodeDotSplat(content, limits));
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
  throw new AssetError(
    "unknown-format",
    `it begins with ${firstBytes(content)}, as no format that is read; a .splat without its name needs --format splat`,
  );
}

function decodeSpz(content: Uint8Array, limits: AssetLimits): Decoded {
  const version = spzVersionOf(content);
  if (!(version >= 1 && version <= 4)) {
    throw new AssetError("unsupported-version", `SPZ version ${version}; 1 to 4 are read`);
  }
  const name = `spz ${version}`;
  return isSpzContainer(content)
    ? { name, ...decodeSpzContainer(content, limits) }
    : { name, splat: decodePlainSpz(content, limits), notes: spzFlagNotes(content) };
}

async function decodePackedSpz(bytes: Uint8Array, limits: AssetLimits): Promise<Decoded> {
  return decodeSpz(await unpackAny(bytes, limits), limits);
}

function unknownFormat(what: string): AssetError {
  return new AssetError("unknown-format", `it is ${what}`);
}
