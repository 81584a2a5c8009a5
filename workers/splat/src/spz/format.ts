/**
 * The layout of SPZ. Versions 1 to 3: a header of 16 bytes, then column by column positions, alphas, colours, scales,
 * rotations, spherical harmonics; the whole is one gzip stream (Niantic) or one zstd frame (the subnet's fork).
 * Version 4 has the same columns, each as a zstd frame of its own (`container.ts`).
 */
import { AssetError, type ShDegree, shRestCount } from "../splat.ts";

/** "NGSP" */
export const spzMagic = 0x5053474e;
export const spzHeaderBytes = 16;
/** `f_dc` of one step of the colour range. */
export const colourScale = 0.15;

export interface SpzHeader {
  readonly version: SpzVersion;
  readonly count: number;
  readonly shDegree: ShDegree;
  /** Binary digits after the point of a position; versions 2 and above. */
  readonly fractionBits: number;
}

export type SpzVersion = 1 | 2 | 3 | 4;

export function isSpz(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === spzMagic;
}

/** As it stands in the file, known or not. @throws AssetError when there are too few bytes */
export function spzVersionOf(bytes: Uint8Array): number {
  checkLength(bytes);
  return viewOf(bytes).getUint32(4, true);
}

/** The header that versions 1 to 3 share. @throws AssetError also for any other version */
export function parseSpzHeader(bytes: Uint8Array): SpzHeader {
  const version = spzVersionOf(bytes);
  if (version !== 1 && version !== 2 && version !== 3) {
    throw new AssetError(
      "unsupported-version",
      `SPZ version ${version} is not taken here; write version 1, 2 or 3 (\`turntable-worker convert\` makes version 2)`,
    );
  }
  const view = viewOf(bytes);
  const degree = view.getUint8(12);
  const shDegree = ([0, 1, 2, 3] as const).find((known) => known === degree);
  if (shDegree === undefined) {
    throw new AssetError("malformed", `an SPZ of SH degree ${degree}; 0 to 3 are known`);
  }
  return { version, count: view.getUint32(8, true), shDegree, fractionBits: view.getUint8(13) };
}

const flagsAt = 14;
const antialiasedFlag = 0x1;
const extensionsFlag = 0x2;

/**
 * What the flags of any version ask for and is not done.
 * @param which of the extensions, where that is known
 */
export function spzFlagNotes(bytes: Uint8Array, which = ""): readonly string[] {
  const flags = bytes[flagsAt] ?? 0;
  const notes: string[] = [];
  if ((flags & antialiasedFlag) !== 0) {
    notes.push("it was trained with antialiasing, which is not applied: thin splats look bolder");
  }
  if ((flags & extensionsFlag) !== 0) {
    notes.push(`its extensions are not applied${which}; they may turn or rescale it`);
  }
  return notes;
}

function checkLength(bytes: Uint8Array): void {
  if (bytes.length < spzHeaderBytes) {
    throw new AssetError("truncated", `${bytes.length} bytes are no SPZ header of 16`);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

export const spzColumnNames = ["position", "alpha", "colour", "scale", "rotation", "sh"] as const;
export type SpzColumn = (typeof spzColumnNames)[number];

/** Bytes of each column for one splat. */
export function spzColumns({
  version,
  shDegree,
}: Pick<SpzHeader, "version" | "shDegree">): Readonly<Record<SpzColumn, number>> {
  return {
    position: version === 1 ? 6 : 9,
    alpha: 1,
    colour: 3,
    scale: 3,
    rotation: version >= 3 ? 4 : 3,
    sh: shRestCount(shDegree) * 3,
  };
}

/** Header and columns together, versions 1 to 3. */
export function spzBytes(header: SpzHeader): number {
  const columns = Object.values(spzColumns(header));
  return spzHeaderBytes + header.count * columns.reduce((sum, bytes) => sum + bytes, 0);
}
