/** Numbers and names at places of an HDF5 file; P1 is kept here. */
import { textOf } from "../text.ts";

/** Not for this reader; perhaps for the library. */
export class Unusual extends Error {
  override name = "Unusual";
}

const mostNodes = 100_000;

/** Numbers of a file at places of it; a `DataView` throws a RangeError beyond its end (P1). */
export class PlainFile {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Nodes of trees that were seen. */
  readonly #seen = new Set<number>();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(at: number): number {
    return this.view.getUint8(at);
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  /** An address or a length. */
  u64(at: number): number {
    const value = this.view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new Unusual("an address of nothing");
    }
    return Number(value);
  }

  slice(at: number, length: number): Uint8Array {
    if (at + length > this.bytes.length) {
      throw new Unusual("beyond the end");
    }
    return this.bytes.subarray(at, at + length);
  }

  expect(at: number, signature: string): void {
    if (textOf(this.slice(at, signature.length)) !== signature) {
      throw new Unusual(signature);
    }
  }

  /** A node of a tree, once. */
  visit(at: number): void {
    if (this.#seen.has(at) || this.#seen.size > mostNodes) {
      throw new Unusual("a loop");
    }
    this.#seen.add(at);
  }
}
