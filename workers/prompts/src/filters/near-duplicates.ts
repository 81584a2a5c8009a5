/**
 * Prompts that say the same: the same words in another order, number or with other fillers. Each is a set of content
 * words; sets are near each other when what they share is at least `threshold` of what they have (Jaccard).
 *
 * MinHash finds the candidates: of each set 64 minima in 16 bands of 4, so that sets at 0.75 share a band in 99.8 % of
 * cases. Candidates are then compared word by word, so that nothing is called near that is not. All of it lies in typed
 * arrays of a size that is fixed beforehand: the latest `capacity` prompts are remembered, older ones forgotten.
 */
import { contentWords } from "./words.ts";

export interface NearDuplicates {
  /** Whether one like it is remembered; if not, it is remembered from now on. */
  isNew(prompt: string): boolean;
  readonly remembered: number;
}

export const defaultThreshold = 0.75;
const bands = 16;
const rows = 4;
const hashes = bands * rows;
/** Words of a prompt that are compared; prompts that pass the other filters have no more. */
const maxWords = 12;

/** @param capacity how many prompts are remembered at most; about 130 bytes each */
export function createNearDuplicates(
  capacity: number,
  threshold = defaultThreshold,
): NearDuplicates {
  const buckets = 2 ** Math.ceil(Math.log2(Math.max(16, capacity)));
  const heads = Array.from({ length: bands }, () => new Int32Array(buckets).fill(-1));
  const next = Array.from({ length: bands }, () => new Int32Array(capacity));
  const words = new Uint32Array(capacity * maxWords);
  const counts = new Uint8Array(capacity);
  /** The number of the prompt that a place has; prompts are numbered from 0. */
  const numbers = new Float64Array(capacity).fill(-1);
  let count = 0;

  const isNear = (place: number, own: Uint32Array): boolean => {
    const from = place * maxWords;
    const theirs = words.subarray(from, from + (counts[place] ?? 0));
    let shared = 0;
    for (const word of own) {
      shared += theirs.includes(word) ? 1 : 0;
    }
    return shared / (own.length + theirs.length - shared) >= threshold;
  };

  return {
    isNew(prompt) {
      const own = Uint32Array.from(contentWords(prompt).slice(0, maxWords), hashWord);
      const keys = bandKeys(own, buckets);
      for (const [band, key] of keys.entries()) {
        let previous = Number.POSITIVE_INFINITY;
        let place = heads[band]?.[key] ?? -1;
        // Numbers fall along a chain; where they do not, a forgotten prompt's place has another one.
        while (place >= 0) {
          const number = numbers[place] ?? -1;
          if (number >= previous || number < count - capacity) {
            break;
          }
          if (isNear(place, own)) {
            return false;
          }
          previous = number;
          place = next[band]?.[place] ?? -1;
        }
      }
      const place = count % capacity;
      for (const [band, key] of keys.entries()) {
        const head = heads[band];
        const chain = next[band];
        if (head !== undefined && chain !== undefined) {
          chain[place] = head[key] === place ? -1 : (head[key] ?? -1);
          head[key] = place;
        }
      }
      words.set(own, place * maxWords);
      counts[place] = own.length;
      numbers[place] = count++;
      return true;
    },
    get remembered() {
      return Math.min(count, capacity);
    },
  };
}

/** For each band the bucket of its minima. */
function bandKeys(own: Uint32Array, buckets: number): Uint32Array {
  const keys = new Uint32Array(bands);
  for (let band = 0; band < bands; band++) {
    let key = 0x811c9dc5;
    for (let row = 0; row < rows; row++) {
      const { multiplier, offset } = permutations[band * rows + row] ?? {
        multiplier: 1,
        offset: 0,
      };
      let least = 0xffffffff;
      for (const word of own) {
        const hashed = mix(Math.imul(word, multiplier) + offset);
        least = hashed < least ? hashed : least;
      }
      key = Math.imul(key ^ least, 0x01000193) >>> 0;
    }
    keys[band] = mix(key) & (buckets - 1);
  }
  return keys;
}

const permutations = Array.from({ length: hashes }, (_, index) => ({
  multiplier: mix(2 * index + 1) | 1,
  offset: mix(0x9e3779b9 + index),
}));

/** FNV-1a over UTF-16 units. */
function hashWord(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) {
    hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  }
  return mix(hash);
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
