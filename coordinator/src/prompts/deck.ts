/**
 * The order in which prompts are drawn: round after round through the whole list, each round in an order of its own that
 * follows from a seed. The same seed and list give the same order anywhere.
 */
import { createCipheriv, createHash, hash } from "node:crypto";

export interface Deck {
  readonly size: number;
  /** The same for the same seed and prompts alone; who knows it can tell the order of a list. */
  readonly key: string;
  /** The prompt of this draw, counted from 0 over all rounds; the deck is not empty. */
  at(draw: number): string;
}

/** @param seed any text; who knows it and the list knows what comes */
export function createDeck(prompts: readonly string[], seed: string): Deck {
  const digest = createHash("sha256").update(seed);
  for (const prompt of prompts) {
    digest.update("\n").update(prompt);
  }
  const key = digest.digest("hex");
  let round = -1;
  let order = new Uint32Array();
  return {
    size: prompts.length,
    key,
    at(draw) {
      const wanted = Math.floor(draw / prompts.length);
      if (wanted !== round) {
        round = wanted;
        order = shuffled(prompts.length, `${key} ${round}`);
      }
      const prompt = prompts[order[draw % prompts.length] ?? 0];
      if (prompt === undefined) {
        throw new RangeError("there are no prompts to draw from");
      }
      return prompt;
    },
  };
}

const numberBytes = 4;

/** The numbers below `size` in an order that follows from `key` (Fisher and Yates, on a cipher's key stream). */
function shuffled(size: number, key: string): Uint32Array<ArrayBuffer> {
  const cipher = createCipheriv("aes-256-ctr", hash("sha256", key, "buffer"), Buffer.alloc(16));
  const random = cipher.update(Buffer.alloc(size * numberBytes));
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  for (let last = size - 1; last > 0; last--) {
    // Of 2^32 numbers: what is left of evenness does not show in lists of thousands.
    const chosen = Math.floor((random.readUInt32LE(last * numberBytes) / 2 ** 32) * (last + 1));
    const kept = order[last] ?? 0;
    order[last] = order[chosen] ?? 0;
    order[chosen] = kept;
  }
  return order;
}
