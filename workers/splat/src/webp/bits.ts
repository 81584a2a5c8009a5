import { AssetError } from "../splat.ts";

export function malformed(what: string): AssetError {
  return new AssetError("malformed", `a WebP picture is damaged: ${what}`);
}

/** Bits of a byte string, lowest first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Up to 16 at once. @throws AssetError behind the end */
  read(count: number): number {
    this.#fill(count);
    const value = this.#held & ((1 << count) - 1);
    this.skip(count);
    return value;
  }

  /** The next 8, with zeros behind the end; nothing is taken. */
  peekByte(): number {
    while (this.#count < 8 && this.#at < this.#bytes.length) {
      this.#take();
    }
    return this.#held & 0xff;
  }

  /** Takes `count` of the bits that were seen. @throws AssetError behind the end */
  skip(count: number): void {
    this.#fill(count);
    this.#held >>>= count;
    this.#count -= count;
  }

  #fill(count: number): void {
    while (this.#count < count) {
      if (this.#at >= this.#bytes.length) {
        throw new AssetError("truncated", "a WebP picture ends too early");
      }
      this.#take();
    }
  }

  #take(): void {
    this.#held |= (this.#bytes[this.#at++] ?? 0) << this.#count;
    this.#count += 8;
  }
}
