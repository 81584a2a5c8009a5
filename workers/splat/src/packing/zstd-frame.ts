/**
 * One zstd frame, block by block, where there is no Node. Each block is handed to the decoder by itself, so that no more
 * than one of them, 128 KiB, is ever unpacked before whoever asked has seen it; lengths, the window and the checksum,
 * which the decoder leaves alone, are judged here. Source: RFC 8878, 3.1.1.
 */
import { Decompress } from "fzstd";
import { AssetError } from "../splat.ts";
import { startXxh64 } from "./xxh64.ts";

const mostBlockBytes = 1 << 17;
/** What zstd and Node unpack unless told otherwise. */
const mostWindowBytes = 2 ** 27 + 1;
const magicBytes = 4;

interface FrameHeader {
  readonly bytes: number;
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
}

/** The content in parts; returns the frame's length. What follows it is left alone. @throws AssetError */
export function* unpackFrame(bytes: Uint8Array): Generator<Uint8Array, number> {
  const header = headerOf(bytes);
  const parts: Uint8Array[] = [];
  const decoder = new Decompress((part) => parts.push(part));
  const checksum = header.hasChecksum ? startXxh64() : undefined;
  let [from, at, size] = [0, header.bytes, 0];
  for (let isLast = false; !isLast; ) {
    const block = blockAt(bytes, at);
    at = block.end;
    isLast = block.isLast;
    const end = isLast && header.hasChecksum ? at + 4 : at;
    if (end > bytes.length) {
      throw truncated();
    }
    decode(decoder, bytes.subarray(from, end), isLast);
    from = end;
    for (const part of parts.splice(0)) {
      size += part.length;
      checksum?.add(part);
      yield part;
    }
  }
  if (header.contentBytes !== undefined && header.contentBytes !== size) {
    throw damaged("its length is another");
  }
  if (checksum !== undefined && checksum.low() !== viewOf(bytes, at, 4).getUint32(0, true)) {
    throw damaged("its checksum is another");
  }
  return from;
}

/** The decoder reads past what it was given without a word, or throws whatever that leads to. */
function decode(decoder: Decompress, bytes: Uint8Array, isLast: boolean): void {
  try {
    decoder.push(bytes, isLast);
  } catch (cause) {
    throw damaged("it cannot be unpacked", cause);
  }
}

/** Source: RFC 8878, 3.1.1.1. */
function headerOf(bytes: Uint8Array): FrameHeader {
  const descriptor = viewOf(bytes, magicBytes, 1).getUint8(0);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const atWindow = magicBytes + 1;
  const atDictionary = atWindow + (isSingleSegment ? 0 : 1);
  const atSize = atDictionary + dictionaryBytes;
  const view = viewOf(bytes, 0, atSize + sizeBytes);
  if ((descriptor & 8) !== 0) {
    throw damaged("a reserved bit is set");
  }
  for (let at = atDictionary; at < atSize; at++) {
    if (view.getUint8(at) !== 0) {
      throw damaged("it needs a dictionary");
    }
  }
  const contentBytes = sizeBytes === 0 ? undefined : sizeAt(view, atSize, sizeBytes);
  const windowBytes = isSingleSegment ? contentBytes : windowOf(view.getUint8(atWindow));
  if ((windowBytes ?? 0) > mostWindowBytes) {
    throw damaged(`it asks for a window of ${windowBytes} bytes; ${mostWindowBytes} may be`);
  }
  return { bytes: atSize + sizeBytes, contentBytes, hasChecksum: (descriptor & 4) !== 0 };
}

function sizeAt(view: DataView, at: number, bytes: number): number {
  switch (bytes) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** Source: RFC 8878, 3.1.1.2. */
function blockAt(
  bytes: Uint8Array,
  at: number,
): { readonly end: number; readonly isLast: boolean } {
  const header = viewOf(bytes, at, 3);
  const bits = header.getUint16(0, true) | (header.getUint8(2) << 16);
  const [type, size] = [(bits >> 1) & 3, bits >> 3];
  if (type === 3 || size > mostBlockBytes) {
    throw damaged("a block is of no known kind or size");
  }
  const isRepeatedByte = type === 1;
  return { end: at + 3 + (isRepeatedByte ? 1 : size), isLast: (bits & 1) !== 0 };
}

function viewOf(bytes: Uint8Array, at: number, size: number): DataView {
  if (at + size > bytes.length) {
    throw truncated();
  }
  return new DataView(bytes.buffer, bytes.byteOffset + at, size);
}

function truncated(): AssetError {
  return new AssetError("truncated", "the zstd data ends too early");
}

function damaged(why: string, cause?: unknown): AssetError {
  return new AssetError("malformed", `the zstd data is damaged: ${why}`, { cause });
}
