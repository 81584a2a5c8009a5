/**
 * CLIP's tokenizer as transformers' CLIPTokenizerFast runs it, but for one thing: the text of a special token in a
 * prompt stays text. (There a `<|endoftext|>` hides whatever follows it from the model.)
 *
 * T1 White space is Unicode's White_Space, so U+0085 is and U+FEFF is not: not JavaScript's `\s`.
 * T2 Lower case goes letter by letter: a final Σ becomes σ, where a whole string's `toLowerCase` gives ς.
 * T3 The end token is always there, also when the text is cut.
 */
import { z } from "zod";
import { ModelError } from "./errors.ts";

export interface Tokenizer {
  /** Fills up shorter texts of a batch. */
  readonly endId: number;
  /** Input ids of the longest text. */
  readonly maxTokens: number;
  /** Input ids of a text, start and end token included, cut to `maxTokens`. */
  encode(text: string): readonly number[];
  /**
   * The words of a text that are no tokens by themselves, each once, in lower case. With a vocabulary of whole words,
   * which demonstration models have, these are the ones that it does not know.
   */
  wordsInPieces(text: string): readonly string[];
}

/** The files of a directory that hold a tokenizer: one JSON, or the older pair. */
export type TokenizerFiles =
  | { readonly tokenizerJson: string }
  | { readonly vocabJson: string; readonly mergesTxt: string };

const startToken = "<|startoftext|>";
const endToken = "<|endoftext|>";
const wordEnd = "</w>";

const vocabSchema = z.record(z.string(), z.int().min(0));
const tokenizerSchema = z.object({
  model: z.object({
    type: z.literal("BPE"),
    end_of_word_suffix: z.literal(wordEnd),
    vocab: vocabSchema,
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
  added_tokens: z.array(z.object({ id: z.int().min(0), content: z.string() })).default([]),
});

/**
 * @param maxTokens positions of the text tower, 77 for CLIP
 * @throws ModelError when the files are not those of a CLIP tokenizer
 */
export function createTokenizer(files: TokenizerFiles, maxTokens: number): Tokenizer {
  const { vocab, merges } =
    "tokenizerJson" in files ? parseTokenizerJson(files.tokenizerJson) : parsePair(files);
  const startId = specialId(vocab, startToken);
  const endId = specialId(vocab, endToken);
  const ranks = new Map(merges.map((merge, rank) => [merge, rank]));
  return {
    endId,
    maxTokens,
    encode(text) {
      const ids = [startId];
      const normal = normalise(text);
      for (const [piece] of normal.matchAll(pieces)) {
        if (ids.length >= maxTokens) {
          break;
        }
        for (const token of mergePairs(byteSymbols(piece), ranks)) {
          ids.push(vocab.get(token) ?? endId);
        }
      }
      return [...ids.slice(0, maxTokens - 1), endId];
    },
    wordsInPieces(text) {
      const words = new Set(Array.from(normalise(text).matchAll(pieces), ([piece]) => piece));
      return [...words].filter(
        (word) => /^\p{L}{2,}$/u.test(word) && mergePairs(byteSymbols(word), ranks).length > 1,
      );
    },
  };
}

/** Splits what was normalised. Source: openai/CLIP's simple_tokenizer, less its special tokens. */
const pieces = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;

function normalise(text: string): string {
  const spaced = text
    .toWellFormed()
    .normalize("NFC")
    .replace(/\p{White_Space}+/gu, " "); // T1
  let lower = "";
  for (const letter of spaced) {
    lower += letter.toLowerCase(); // T2
  }
  return lower;
}

function byteSymbols(piece: string): string[] {
  const symbols = Array.from(new TextEncoder().encode(piece), (byte) => symbolOfByte[byte] ?? "");
  const last = symbols.pop();
  return last === undefined ? [] : [...symbols, last + wordEnd];
}

/** Byte-pair encoding: the pair of the lowest rank is joined everywhere, until there is none. */
function mergePairs(symbols: string[], ranks: ReadonlyMap<string, number>): readonly string[] {
  let parts = symbols;
  while (parts.length > 1) {
    let best: { readonly pair: string; readonly rank: number } | undefined;
    for (let i = 1; i < parts.length; i++) {
      const pair = `${parts[i - 1]} ${parts[i]}`;
      const rank = ranks.get(pair);
      if (rank !== undefined && (best === undefined || rank < best.rank)) {
        best = { pair, rank };
      }
    }
    if (best === undefined) {
      break;
    }
    const joined: string[] = [];
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] ?? "";
      const next = parts[i + 1];
      if (next !== undefined && `${part} ${next}` === best.pair) {
        joined.push(part + next);
        i++;
      } else {
        joined.push(part);
      }
    }
    parts = joined;
  }
  return parts;
}

/** A letter for every byte: itself where it can be printed, else one from U+0100 on. Source: GPT-2. */
export const symbolOfByte: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(printable ? byte : next++);
  });
})();

interface Vocabulary {
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs as "a b", best first. */
  readonly merges: readonly string[];
}

function parseTokenizerJson(text: string): Vocabulary {
  const { model, added_tokens: added } = parseJson("tokenizer.json", text, tokenizerSchema);
  const vocab = new Map(Object.entries(model.vocab));
  for (const { content, id } of added) {
    vocab.set(content, id);
  }
  const merges = model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
  return { vocab, merges };
}

function parsePair(files: { readonly vocabJson: string; readonly mergesTxt: string }): Vocabulary {
  const vocab = new Map(Object.entries(parseJson("vocab.json", files.vocabJson, vocabSchema)));
  const [first = "", ...rest] = files.mergesTxt.split(/\r?\n/);
  const lines = first.startsWith("#version") ? rest : [first, ...rest];
  return { vocab, merges: lines.filter((line) => line !== "") };
}

function specialId(vocab: ReadonlyMap<string, number>, token: string): number {
  const id = vocab.get(token);
  if (id === undefined) {
    throw new ModelError("tokenizer-damaged", `the tokenizer has no ${token}; it is not CLIP's`);
  }
  return id;
}

function parseJson<T>(file: string, text: string, schema: z.ZodType<T>): T {
  const notClip = "; a CLIP model has a byte-pair encoding with word ends";
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ModelError("tokenizer-damaged", `${file} is not JSON: ${String(cause)}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) {
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  throw new ModelError(
    "tokenizer-damaged",
    `${file}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}${notClip}`,
    { cause: parsed.error },
  );
}
