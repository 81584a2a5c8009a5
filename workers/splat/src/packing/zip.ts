/** ZIP files of a few entries, as a bundle of pictures is. Source: PKWARE's APPNOTE 6.3, sections 4.3.7 to 4.3.16. */

import { crc32, inflateOf } from "#codecs";
import { AssetError } from "../splat.ts";
import { textOf } from "../text.ts";

export interface ZipEntry {
  readonly name: string;
  /** As it says, unpacked. */
  readonly sizeBytes: number;
  /** @throws AssetError when the content is of another length, or damaged */
  read(): Uint8Array;
}

const endSignature = 0x06054b50;
const endBytes = 22;
const longestComment = 0xffff;
const directorySignature = 0x02014b50;
const directoryBytes = 46;
const localSignature = 0x04034b50;
const localBytes = 30;
const encryptedFlag = 0x1;
/** Bundles of splats have about ten. */
const mostEntries = 1_000;

export function isZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === localSignature;
}

/** Nothing is unpacked yet. Of two entries of one name the last counts. @throws AssetError */
export function openZip(bytes: Uint8Array): ReadonlyMap<string, ZipEntry> {
  const view = viewOf(bytes);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  if (count > mostEntries) {
    throw new AssetError(
      "too-large",
      `the ZIP has ${count} entries; at most ${mostEntries} are read`,
    );
  }
  const entries = new Map<string, ZipEntry>();
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    if (at + directoryBytes > bytes.length) {
      throw truncated();
    }
    if (view.getUint32(at, true) !== directorySignature) {
      throw damaged();
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) =>
      view.getUint16(at + offset, true),
    );
    const nameAt = at + directoryBytes;
    const name = textOf(bytes.subarray(nameAt, nameAt + (nameBytes ?? 0)));
    entries.set(name, entryAt(bytes, at, name));
    at = nameAt + (nameBytes ?? 0) + (extraBytes ?? 0) + (commentBytes ?? 0);
  }
  return entries;
}

/** The record that ends the file, before a comment of unknown length. */
function findEnd(view: DataView): number {
  const first = Math.max(0, view.byteLength - endBytes - longestComment);
  for (let at = view.byteLength - endBytes; at >= first; at--) {
    if (view.getUint32(at, true) === endSignature) {
      return at;
    }
  }
  throw truncated();
}

function entryAt(bytes: Uint8Array, at: number, name: string): ZipEntry {
  const view = viewOf(bytes);
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const [packedBytes, sizeBytes] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
  const sum = view.getUint32(at + 16, true);
  const localAt = view.getUint32(at + 42, true);
  const read = (): Uint8Array => {
    if ((flags & encryptedFlag) !== 0) {
      throw malformed(`"${name}" in the ZIP is encrypted`);
    }
    if (localAt + localBytes > bytes.length) {
      throw truncated();
    }
    if (view.getUint32(localAt, true) !== localSignature) {
      throw damaged();
    }
    const start =
      localAt +
      localBytes +
      view.getUint16(localAt + 26, true) +
      view.getUint16(localAt + 28, true);
    if (start + packedBytes > bytes.length) {
      throw truncated();
    }
    const packed = bytes.subarray(start, start + packedBytes);
    if (method !== 8 && (method !== 0 || packedBytes !== sizeBytes)) {
      throw malformed(`"${name}" in the ZIP is packed by method ${method}; 0 and 8 are read`);
    }
    const content = method === 8 ? inflateOf(packed, sizeBytes) : packed;
    if (crc32(content) === sum) {
      return content;
    }
    throw malformed(`"${name}" in the ZIP is damaged: its checksum is another`);
  };
  return { name, sizeBytes, read };
}

function truncated(): AssetError {
  return new AssetError("truncated", "the ZIP is cut short, or no ZIP");
}

function damaged(): AssetError {
  return malformed("the ZIP is damaged: an entry is not where its directory says");
}

function malformed(message: string): AssetError {
  return new AssetError("malformed", message);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
