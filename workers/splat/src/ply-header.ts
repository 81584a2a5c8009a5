import { AssetError } from "./splat.ts";

export type PlyEncoding = "binary_little_endian" | "binary_big_endian" | "ascii";

export interface PlyProperty {
  readonly name: string;
  readonly type: PlyType;
  /** Bytes from the start of a vertex; in ascii the column. */
  readonly offset: number;
}

export type PlyType = keyof typeof typeSizes;

export interface PlyHeader {
  readonly encoding: PlyEncoding;
  /** Number of vertices as declared. */
  readonly count: number;
  readonly properties: ReadonlyMap<string, PlyProperty>;
  /** Bytes a vertex (binary), columns a line (ascii). */
  readonly stride: number;
  /** Where the first vertex begins. */
  readonly dataOffset: number;
}

const typeSizes = {
  char: 1,
  int8: 1,
  uchar: 1,
  uint8: 1,
  short: 2,
  int16: 2,
  ushort: 2,
  uint16: 2,
  int: 4,
  int32: 4,
  uint: 4,
  uint32: 4,
  float: 4,
  float32: 4,
  double: 8,
  float64: 8,
} as const;

/** Longer headers are not read: 62 properties of degree 3 and many comments stay far below. */
const maxHeaderBytes = 64 * 1024;

export function isPly(bytes: Uint8Array): boolean {
  return bytes[0] === 0x70 && bytes[1] === 0x6c && bytes[2] === 0x79 && isLineEnd(bytes[3]);
}

/** @throws AssetError `truncated` when the header does not end, `malformed` when it makes no sense. */
export function parsePlyHeader(bytes: Uint8Array): PlyHeader {
  const { text, dataOffset } = headerText(bytes);
  let encoding: PlyEncoding | undefined;
  let count: number | undefined;
  let inVertex = false;
  const properties = new Map<string, PlyProperty>();
  let stride = 0;
  for (const line of text.split(/\r?\n/).slice(1)) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "format") encoding = parseEncoding(words);
    else if (keyword === "element") {
      if (words[0] !== "vertex") {
        // Elements after the vertices are skipped by never reading that far; before them they would move the data.
        if (count === undefined) throw malformed(`element "${words[0]}" comes before the vertices`);
        inVertex = false;
      } else {
        inVertex = true;
        count = parseCount(words[1]);
      }
    } else if (keyword === "property" && inVertex) {
      const [type, name] = words;
      if (type === undefined || name === undefined || !isType(type)) {
        throw malformed(`"${line.trim().slice(0, 80)}" is no property of a splat`);
      }
      if (properties.has(name)) throw malformed(`property "${name}" appears twice`);
      const offset = encoding === "ascii" ? properties.size : stride;
      properties.set(name, { name, type, offset });
      stride += encoding === "ascii" ? 1 : typeSizes[type];
    }
  }
  if (encoding === undefined) throw malformed("the header has no format line");
  if (count === undefined) throw malformed("the header has no vertex element");
  return { encoding, count, properties, stride, dataOffset };
}

function headerText(bytes: Uint8Array): { readonly text: string; readonly dataOffset: number } {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    "latin1",
    0,
    Math.min(bytes.length, maxHeaderBytes),
  );
  const end = /\nend_header[ \t]*\r?\n/.exec(text);
  if (end === null) {
    throw new AssetError(
      bytes.length < maxHeaderBytes ? "truncated" : "malformed",
      "the PLY header has no end_header line",
    );
  }
  return { text: text.slice(0, end.index), dataOffset: end.index + end[0].length };
}

function parseEncoding(words: readonly string[]): PlyEncoding {
  const [name] = words;
  if (name === "binary_little_endian" || name === "binary_big_endian" || name === "ascii") {
    return name;
  }
  throw malformed(`format "${name}" is not known`);
}

function parseCount(word: string | undefined): number {
  const count = word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : undefined;
  if (count === undefined) throw malformed(`"${word}" is no number of vertices`);
  return count;
}

function isType(word: string): word is PlyType {
  return Object.hasOwn(typeSizes, word);
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d;
}

function malformed(what: string): AssetError {
  return new AssetError("malformed", `not a PLY of Gaussian splats: ${what}`);
}
