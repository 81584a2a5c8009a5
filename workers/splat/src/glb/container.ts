/** Binary glTF 2.0: a header, a chunk of JSON, and one of bytes. Source: glTF 2.0 specification, 4.4. */
import { isObject, type JsonObject, list, object, parseJson, whole } from "../json.ts";
import { AssetError } from "../splat.ts";
import { bytesOf } from "../text.ts";

/** "glTF" */
const magic = 0x46546c67;
const headerBytes = 12;
const chunkHeaderBytes = 8;
const jsonChunk = 0x4e4f534a;
const binaryChunk = 0x004e4942;
/** A scene of splats has a few kilobytes; one of a city some megabytes. */
const maxJsonBytes = 16 * 1024 * 1024;

export interface Glb {
  /** Of the whole file. */
  readonly sizeBytes: number;
  readonly json: JsonObject;
  readonly binary: Uint8Array;
}

export function isGlb(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === magic;
}

/** @throws AssetError */
export function parseGlb(bytes: Uint8Array): Glb {
  if (bytes.length < headerBytes + chunkHeaderBytes) {
    throw cut();
  }
  const view = viewOf(bytes);
  const version = view.getUint32(4, true);
  if (version !== 2) {
    throw new AssetError("unsupported-version", `glTF version ${version}; version 2 is read`);
  }
  const length = view.getUint32(8, true);
  if (length > bytes.length) {
    throw cut();
  }
  let json: JsonObject | undefined;
  let binary: Uint8Array = new Uint8Array(0);
  let at = headerBytes;
  while (at + chunkHeaderBytes <= length) {
    const [size, kind] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    at += chunkHeaderBytes;
    if (at + size > length) {
      throw cut();
    }
    const chunk = bytes.subarray(at, at + size);
    if (kind === jsonChunk && json === undefined) {
      if (size > maxJsonBytes) {
        throw new AssetError("too-large", `the GLB's JSON has ${size} bytes, over ${maxJsonBytes}`);
      }
      json = parseJson(chunk, "the GLB's JSON");
    } else if (kind === binaryChunk && binary.length === 0) {
      binary = chunk;
    }
    at += size;
  }
  if (json === undefined) {
    throw new AssetError("malformed", "the GLB has no JSON");
  }
  return { json, binary, sizeBytes: length };
}

function cut(): AssetError {
  return new AssetError("truncated", "the GLB is cut short");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Chunks are padded to whole words. */
export function packGlb(json: unknown, binary: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = bytesOf(JSON.stringify(json));
  const [jsonSize, binarySize] = [padded(text.length), padded(binary.length)];
  const size = headerBytes + 2 * chunkHeaderBytes + jsonSize + binarySize;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const words = [magic, 2, size, jsonSize, jsonChunk];
  for (const [index, word] of words.entries()) {
    view.setUint32(index * 4, word, true);
  }
  const jsonAt = headerBytes + chunkHeaderBytes;
  bytes.fill(0x20, jsonAt, jsonAt + jsonSize);
  bytes.set(text, jsonAt);
  view.setUint32(jsonAt + jsonSize, binarySize, true);
  view.setUint32(jsonAt + jsonSize + 4, binaryChunk, true);
  bytes.set(binary, jsonAt + jsonSize + chunkHeaderBytes);
  return bytes;
}

function padded(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/** The bytes of a buffer view. @throws AssetError */
export function bufferView({ json, binary }: Glb, index: unknown): ViewOfBuffer {
  const views = list(json.bufferViews, "bufferViews");
  const view = object(views[whole(index, "a bufferView")], "a bufferView");
  const buffer = whole(view.buffer, "the buffer of a bufferView");
  const described = object(list(json.buffers, "buffers")[buffer], "a buffer");
  if (buffer !== 0 || described.uri !== undefined) {
    throw new AssetError("malformed", "the GLB keeps its data in other files; pack them into it");
  }
  if (isObject(view.extensions) && Object.keys(view.extensions).length > 0) {
    const names = Object.keys(view.extensions).join(", ");
    throw new AssetError("unsupported-version", `the GLB packs its data with ${names}, not read`);
  }
  const at = whole(view.byteOffset, "byteOffset", 0);
  const length = whole(view.byteLength, "byteLength");
  if (at + length > binary.length) {
    throw new AssetError("truncated", "a bufferView of the GLB goes beyond its data");
  }
  return {
    bytes: binary.subarray(at, at + length),
    stride: view.byteStride === undefined ? undefined : whole(view.byteStride, "byteStride"),
  };
}

export interface ViewOfBuffer {
  readonly bytes: Uint8Array;
  /** Bytes from one element to the next; undefined when they follow each other. */
  readonly stride: number | undefined;
}
