/** Lossless WebP: in its plainest form, and as libwebp packs it with all that the format knows. */

class BitWriter {
  readonly bytes: number[] = [];
  #held = 0;
  #count = 0;

  /** Lowest bit first. */
  push(value: number, bits: number): void {
    for (let i = 0; i < bits; i++) {
      this.#held |= ((value >> i) & 1) << this.#count++;
      if (this.#count === 8) {
        this.flush();
      }
    }
  }

  flush(): void {
    if (this.#count > 0) {
      this.bytes.push(this.#held);
    }
    [this.#held, this.#count] = [0, 0];
  }
}

/** Each channel of each pixel as eight bits. @param rgba row by row */
export function makeWebp(width: number, height: number, rgba: Uint8Array): Uint8Array {
  const bits = new BitWriter();
  bits.push(0x2f, 8);
  bits.push(width - 1, 14);
  bits.push(height - 1, 14);
  bits.push(1, 1);
  bits.push(0, 3);
  bits.push(0, 3); // no transform, no colour cache, one group of codes
  for (const size of [256 + 24, 256, 256, 256]) {
    pushBytesCode(bits, size);
  }
  bits.push(0b0001, 4); // distances: a code of one symbol, 0
  for (let i = 0; i < rgba.length; i += 4) {
    for (const channel of [1, 0, 2, 3]) {
      bits.push(mirrored(rgba[i + channel] ?? 0), 8);
    }
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
  for (const length of [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]) {
    bits.push(length, 3);
  }
  bits.push(0, 1);
  for (let symbol = 0; symbol < size; symbol++) {
    bits.push(symbol < 256 ? 1 : 0, 1);
  }
}

/** Codes are written from their highest bit. */
function mirrored(byte: number): number {
  let result = 0;
  for (let bit = 0; bit < 8; bit++) {
    result |= ((byte >> bit) & 1) << (7 - bit);
  }
  return result;
}

export interface PackedPicture {
  readonly width: number;
  readonly height: number;
  readonly webp: Uint8Array;
  /** What libwebp was given. */
  readonly rgba: Uint8Array;
}

/** By libwebp at its best: one with predicted pixels, correlated channels and copies, one with a table of colours. */
export const packedPictures: Readonly<Record<"smooth" | "few", PackedPicture>> = {
  smooth: {
    width: 20,
    height: 20,
    rgba: pixels(20, 20, (x, y, c) => 128 + ((x * (c + 2) + y * 3 + ((x * y) >> 2)) % 90)),
    webp: Buffer.from(
      "UklGRnwBAABXRUJQVlA4TG8BAAAvE8AEEA2QSdvQ/vUveBMR0f8Q4JvWHChq2wYyf8Td8SuJMNO2jfkjbrsd/Q9ERM" +
        "J774O+B30WyK1tx20W/F922anHU48kZaeGOeHDA6UFQUik+Y2mbSOZ4e0FGIY/P2JGkrTFczL7X8B2ODoGjSQpOhiy" +
        "c+/w7RxJ+7egMG0bprs65c287uO6OvhOOlZ2prfWBOWcH/gr59bEYGd+NIWd6cTWWgzeuTGLREcXMAbvU9jki/RhZo" +
        "pJgqRyyBd4uhPNxgDn80mVeb4zEUcMgHiqTKwgNI7sQDVDaGAFvoDItdY6kSfG5S7AVwIQ2apAm7iYlDVhSpCQENmq" +
        "laZyTh9IKSG1yENhV5aKl60mNEXuQS+lFGEKw8zuQMPea60Ci/CV+eX3eUsN911gLWUIS3lEmO/Fd+8hoi3qa75D72" +
        "GUkQ/4qBzJbZsZL5F7L+X3+yBv1603szHyaYtgYQ2Byr9srdbZlmC29/H7rZ7ath0TAA==",
      "base64",
    ),
  },
  few: {
    width: 32,
    height: 24,
    rgba: pixels(32, 24, (x, y, c) => ((x + 2 * y) % 5) * 40 + c * 10),
    webp: Buffer.from(
      "UklGRjYAAABXRUJQVlA4TCoAAAAvH8AFECdwBZRBOQXKPVAC/v+hmJEkaC6AVRiFVVh/t31G9L8Ks+l9/go=",
      "base64",
    ),
  },
};

function pixels(
  width: number,
  height: number,
  value: (x: number, y: number, channel: number) => number,
): Uint8Array {
  return Uint8Array.from({ length: width * height * 4 }, (_, i) => {
    const pixel = i >> 2;
    return value(pixel % width, Math.floor(pixel / width), i & 3);
  });
}
