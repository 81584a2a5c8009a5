/** Lossless WebP in its plainest form: each channel of each pixel as eight bits. */

class BitWriter {
  readonly bytes: number[] = [];
  #held = 0;
  #count = 0;

  /** Lowest bit first. */
  push(value: number, bits: number): void {
    for (let i = 0; i < bits; i++) {
      this.#held |= ((value >> i) & 1) << this.#count++;
      if (this.#count === 8) this.flush();
    }
  }

  flush(): void {
    if (this.#count > 0) this.bytes.push(this.#held);
    [this.#held, this.#count] = [0, 0];
  }
}

/** @param rgba row by row */
export function makeWebp(width: number, height: number, rgba: Uint8Array): Uint8Array {
  const bits = new BitWriter();
  bits.push(0x2f, 8);
  bits.push(width - 1, 14);
  bits.push(height - 1, 14);
  bits.push(1, 1);
  bits.push(0, 3);
  bits.push(0, 3); // no transform, no colour cache, one group of codes
  for (const size of [256 + 24, 256, 256, 256]) pushBytesCode(bits, size);
  bits.push(0b0001, 4); // distances: a code of one symbol, 0
  for (let i = 0; i < rgba.length; i += 4) {
    for (const channel of [1, 0, 2, 3]) bits.push(mirrored(rgba[i + channel] ?? 0), 8);
  }
  bits.flush();
  const chunk = Buffer.from(bits.bytes);
  const padding = Buffer.alloc(chunk.length & 1);
  const head = Buffer.from("RIFF\0\0\0\0WEBPVP8L\0\0\0\0", "latin1");
  head.writeUInt32LE(12 + chunk.length + padding.length, 4);
  head.writeUInt32LE(chunk.length, 16);
  return Buffer.concat([head, chunk, padding]);
}

/** The first 256 symbols have eight bits each, the others none. */
function pushBytesCode(bits: BitWriter, size: number): void {
  bits.push(0, 1);
  bits.push(12 - 4, 4);
  // In the order 17 18 0 1 2 3 4 5 16 6 7 8: lengths 0 and 8 take one bit each.
  for (const length of [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]) bits.push(length, 3);
  bits.push(0, 1);
  for (let symbol = 0; symbol < size; symbol++) bits.push(symbol < 256 ? 1 : 0, 1);
}

/** Codes are written from their highest bit. */
function mirrored(byte: number): number {
  let result = 0;
  for (let bit = 0; bit < 8; bit++) result |= ((byte >> bit) & 1) << (7 - bit);
  return result;
}
