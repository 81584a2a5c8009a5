/**
 * The words of an ascii PLY, one after the other: over the bytes themselves, since text and an object a word would take
 * several times the file's memory, and minutes for the largest files that are taken.
 */
import { AssetError } from "../splat.ts";
import { textOf } from "../text.ts";

export interface Words {
  /** Passes over words; false when there are not so many. */
  skip(count: number): boolean;
  /** The number that the next word is; undefined behind the last one. @throws AssetError when it is none */
  number(): number | undefined;
}

const [zero, nine, point, plus, minus] = [0x30, 0x39, 0x2e, 0x2b, 0x2d];
/** An integer of so many digits and a power of ten are exact doubles, so their quotient is the nearest one. */
const mostDigits = 15;
const powersOfTen = Float64Array.from({ length: mostDigits + 1 }, (_, power) => 10 ** power);

/** The words from a place in the bytes to their end. */
export function wordsOf(bytes: Uint8Array, start: number): Words {
  let at = start;
  /** Goes to the next word; false when there is none. */
  const find = (): boolean => {
    while (at < bytes.length && isBlank(bytes[at] ?? 0)) {
      at += 1;
    }
    return at < bytes.length;
  };
  const pass = (): void => {
    while (at < bytes.length && !isBlank(bytes[at] ?? 0)) {
      at += 1;
    }
  };
  return {
    skip(count) {
      for (let i = 0; i < count; i++) {
        if (!find()) {
          return false;
        }
        pass();
      }
      return true;
    },
    number() {
      if (!find()) {
        return undefined;
      }
      const begin = at;
      const sign = bytes[at] ?? 0;
      if (sign === minus || sign === plus) {
        at += 1;
      }
      let value = 0;
      let digits = 0;
      let decimals = 0;
      let isBehindPoint = false;
      for (; at < bytes.length; at++) {
        const byte = bytes[at] ?? 0;
        if (byte >= zero && byte <= nine) {
          value = value * 10 + (byte - zero);
          digits += 1;
          decimals += isBehindPoint ? 1 : 0;
        } else if (byte === point && !isBehindPoint) {
          isBehindPoint = true;
        } else {
          break;
        }
      }
      const isPlain = at === bytes.length || isBlank(bytes[at] ?? 0);
      if (isPlain && digits > 0 && digits <= mostDigits) {
        const number = value / (powersOfTen[decimals] ?? 1);
        return sign === minus ? -number : number;
      }
      pass();
      return parseNumber(textOf(bytes.subarray(begin, at)));
    },
  };
}

/** As `\s` of a regular expression, of the characters of one byte. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0xa0;
}

function parseNumber(word: string): number {
  const value = Number(word);
  if (!Number.isNaN(value)) {
    return value;
  }
  // As C writes them, and the C library of Windows.
  const special = /^([+-]?)(?:1\.#)?(infinity|inf|s?nan|qnan|ind)0*(?:\(\w*\))?$/i.exec(word);
  if (special === null) {
    throw new AssetError("malformed", `"${word.slice(0, 40)}" is not a number`);
  }
  if (!/^inf/i.test(special[2] ?? "")) {
    return Number.NaN;
  }
  return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
