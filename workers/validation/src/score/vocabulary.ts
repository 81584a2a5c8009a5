/** A vocabulary of a few whole words in CLIP's form; all other words come out as bytes. */
import { symbolOfByte } from "./tokenizer.ts";

export interface Vocabulary {
  /** Token to id, in the order of the ids. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Best first. */
  readonly merges: readonly (readonly [string, string])[];
  readonly startId: number;
  readonly endId: number;
}

/** @param words lower-case ASCII; each becomes one token when it stands alone */
export function createVocabulary(words: readonly string[]): Vocabulary {
  const merges: (readonly [string, string])[] = [];
  for (const word of words) {
    // A merge that comes later never acts before an earlier one, so words that are whole stay whole.
    let parts = [...word.slice(0, -1), `${word.at(-1)}</w>`];
    for (const [left, right] of merges) {
      parts = join(parts, left, right);
    }
    for (
      let [left, right] = parts;
      left !== undefined && right !== undefined;
      [left, right] = parts
    ) {
      merges.push([left, right]);
      parts = join(parts, left, right);
    }
  }
  // A set: two pairs may join to the same token.
  const tokens = new Set([
    ...symbolOfByte,
    ...symbolOfByte.map((symbol) => `${symbol}</w>`),
    ...merges.map(([left, right]) => left + right),
  ]);
  const vocab = new Map(Array.from(tokens, (token, id) => [token, id]));
  const startId = vocab.size;
  const endId = vocab.size + 1;
  vocab.set("<|startoftext|>", startId).set("<|endoftext|>", endId);
  return { vocab, merges, startId, endId };
}

function join(parts: readonly string[], left: string, right: string): string[] {
  const joined: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const isPair = parts[i] === left && parts[i + 1] === right;
    joined.push(isPair ? left + right : (parts[i] ?? ""));
    if (isPair) {
      i++;
    }
  }
  return joined;
}

/** The vocabulary as the file that the `tokenizers` libraries read, normalising and splitting as CLIP does. */
export function tokenizerJson({ vocab, merges, startId, endId }: Vocabulary): unknown {
  const special = (content: string, id: number) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: true,
    special: true,
  });
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [special("<|startoftext|>", startId), special("<|endoftext|>", endId)],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        {
          type: "Split",
          pattern: {
            Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
          },
          behavior: "Removed",
          invert: true,
        },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: "RobertaProcessing",
      sep: ["<|endoftext|>", endId],
      cls: ["<|startoftext|>", startId],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<|endoftext|>",
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocab),
      merges,
    },
  };
}
