/**
 * SPZ 4: a header of 32 bytes in plain, extension records where a flag says so, a table with the packed and unpacked
 * size of each column, then the columns that are not empty as one zstd frame each.
 */

import { unzstdOf, zstd } from "#codecs";
import { checkCount } from "../checks.ts";
import { checkMemory } from "../memory.ts";
import { AssetError, type AssetLimits, type ShDegree, type Splat } from "../splat.ts";
import { decodeColumns } from "./columns.ts";
import {
  type SpzColumn,
  type SpzHeader,
  spzColumnNames,
  spzColumns,
  spzFlagNotes,
  spzMagic,
  spzVersionOf,
} from "./format.ts";
import { columnsBy } from "./reader.ts";

const headerBytes = 32;
const tableEntryBytes = 16;
/** SH coefficients a channel above band 0, by degree; degree 4 is read without its highest band. */
const coefficients = [0, 3, 8, 15, 24] as const;
const mostDegree = 3;

export function isSpzContainer(bytes: Uint8Array): boolean {
  return spzVersionOf(bytes) === 4;
}

/**
 * Not yet checked, with what a reader should know of it.
 * @throws AssetError
 */
export function decodeSpzContainer(
  bytes: Uint8Array,
  limits: AssetLimits,
): { readonly splat: Splat; readonly notes: readonly string[] } {
  if (bytes.length < headerBytes) {
    throw truncated(`${bytes.length} bytes are no SPZ 4 header`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [count, degree] = [view.getUint32(8, true), view.getUint8(12)];
  const perChannel = coefficients[degree];
  if (perChannel === undefined) {
    throw new AssetError("malformed", `an SPZ of SH degree ${degree}; 0 to 4 are known`);
  }
  checkCount(count, limits);
  const header: SpzHeader = {
    version: 4,
    count,
    shDegree: shDegreeAtMost(degree),
    fractionBits: view.getUint8(13),
  };
  const widths = { ...spzColumns(header), sh: perChannel * 3 };
  const wanted = spzColumnNames.filter((name) => widths[name] > 0);
  const unpacked = wanted.reduce((sum, name) => sum + widths[name] * count, 0);
  if (unpacked > limits.maxDecompressedBytes) {
    throw new AssetError(
      "too-large",
      `the SPZ unpacks to ${unpacked} bytes; at most ${limits.maxDecompressedBytes} are allowed`,
    );
  }
  const restCount = Math.min(perChannel, coefficients[mostDegree]) * 3;
  const contentBytes = bytes.length;
  checkMemory({ count, restCount, contentBytes, scratchBytes: unpacked }, limits);
  const [streams, tableAt] = [view.getUint8(15), view.getUint32(16, true)];
  if (streams !== wanted.length) {
    throw new AssetError("malformed", `the SPZ has ${streams} columns, not ${wanted.length}`);
  }
  if (tableAt < headerBytes || bytes.length < tableAt + streams * tableEntryBytes) {
    throw truncated(`the SPZ has its table at ${tableAt} of ${bytes.length} bytes`);
  }
  let at = tableAt + streams * tableEntryBytes;
  const frames = wanted.map((name, index) => {
    const entry = tableAt + index * tableEntryBytes;
    const [packed, size] = [view.getBigUint64(entry, true), view.getBigUint64(entry + 8, true)];
    if (size !== BigInt(widths[name] * count)) {
      throw new AssetError("malformed", `the ${name} column of the SPZ has ${size} bytes`);
    }
    if (packed > BigInt(bytes.length - at)) {
      throw truncated(`the SPZ ends in its ${name} column`);
    }
    const frame = bytes.subarray(at, at + Number(packed));
    at += frame.length;
    return [name, frame] as const;
  });
  const packedBy = new Map<SpzColumn, Uint8Array>(frames);
  const columns = columnsBy((name) => {
    const frame = packedBy.get(name);
    return frame === undefined ? new Uint8Array(0) : unzstdOf(frame, widths[name] * count);
  });
  if (degree > mostDegree) {
    columns.sh = lowestBands(columns.sh, count, degree);
  }
  return { splat: decodeColumns(header, columns), notes: notesOf(bytes, degree, tableAt) };
}

function shDegreeAtMost(degree: number): ShDegree {
  return ([0, 1, 2] as const).find((known) => known === degree) ?? mostDegree;
}

function lowestBands(sh: Uint8Array, count: number, degree: number): Uint8Array {
  const [from, to] = [(coefficients[degree] ?? 0) * 3, coefficients[mostDegree] * 3];
  const kept = new Uint8Array(count * to);
  for (let i = 0; i < count; i++) {
    kept.set(sh.subarray(i * from, i * from + to), i * to);
  }
  return kept;
}

function notesOf(bytes: Uint8Array, degree: number, tableAt: number): readonly string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const first = tableAt >= headerBytes + 4 ? view.getUint32(headerBytes, true).toString(16) : "?";
  return [
    ...(degree > mostDegree ? ["SH band 4 is left out: degrees 0 to 3 are kept"] : []),
    ...spzFlagNotes(bytes, ` (the first is ${first})`),
  ];
}

function truncated(message: string): AssetError {
  return new AssetError("truncated", message);
}

/** `plain` holds the columns one after the other, behind the header of versions 1 to 3. */
export function packSpzContainer(plain: Uint8Array, header: SpzHeader): Uint8Array {
  const { count, shDegree, fractionBits } = header;
  const widths = spzColumns(header);
  const names = spzColumnNames.filter((name) => widths[name] > 0);
  let from = 0;
  const frames = names.map((name) => {
    from += widths[name] * count;
    return zstd(plain.subarray(from - widths[name] * count, from));
  });
  const tableEnd = headerBytes + names.length * tableEntryBytes;
  const bytes = new Uint8Array(frames.reduce((sum, { length }) => sum + length, tableEnd));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, spzMagic, true);
  view.setUint32(4, 4, true);
  view.setUint32(8, count, true);
  bytes.set([shDegree, fractionBits, 0, names.length], 12);
  view.setUint32(16, headerBytes, true);
  let at = tableEnd;
  for (const [index, frame] of frames.entries()) {
    const entry = headerBytes + index * tableEntryBytes;
    view.setBigUint64(entry, BigInt(frame.length), true);
    view.setBigUint64(entry + 8, BigInt(widths[names[index] ?? "sh"] * count), true);
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}
