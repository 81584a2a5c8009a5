import { AssetError } from "./splat.ts";

export type PlyEncoding = "binary_little_endian" | "binary_big_endian" | "ascii";

export interface PlyProperty {
  readonly type: PlyType;
  /** Bytes from the start of a record; in ascii values. */
  readonly offset: number;
}

export type PlyType = keyof typeof typeSizes;

/** A table of the file: records of the same properties, one after the other. */
export interface PlyElement {
  readonly name: string;
  /** Number of records as declared. */
  readonly count: number;
  readonly properties: ReadonlyMap<string, PlyProperty>;
  /** Length of a record: bytes (binary) or values (ascii). */
  readonly stride: number;
  /** From the end of the header to the first record, in the same unit. */
  readonly start: number;
}

export interface PlyHeader {
  readonly encoding: PlyEncoding;
  readonly elements: ReadonlyMap<string, PlyElement>;
  /** Where the first record begins, in bytes. */
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
  const tables: Table[] = [];
  for (const line of text.split(/\r?\n/).slice(1)) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "format") encoding = parseEncoding(words[0]);
    else if (keyword === "element") {
      if (words[0] === undefined || tables.some(({ name }) => name === words[0])) {
        throw malformed(`"${line.trim().slice(0, 80)}" is no new element`);
      }
      tables.push({ name: words[0], count: parseCount(words[1]), lines: [] });
    } else if (keyword === "property") {
      const table = tables.at(-1);
      if (table === undefined) throw malformed("a property comes before the first element");
      table.lines.push(words);
    }
  }
  if (encoding === undefined) throw malformed("the header has no format line");
  if (!tables.some(({ name }) => name === "vertex")) {
    throw malformed("the header has no vertex element");
  }
  return { encoding, elements: layOut(tables, encoding), dataOffset };
}

interface Table {
  readonly name: string;
  readonly count: number;
  /** The words after `property`. */
  readonly lines: string[][];
}

/** Elements follow each other; those behind one with a list cannot be found, and are left out. */
function layOut(tables: readonly Table[], encoding: PlyEncoding): Map<string, PlyElement> {
  const elements = new Map<string, PlyElement>();
  let start = 0;
  for (const { name, count, lines } of tables) {
    const properties = new Map<string, PlyProperty>();
    let stride = 0;
    for (const [type, property] of lines) {
      if (type === "list" && name !== "vertex" && elements.has("vertex")) return elements;
      if (type === undefined || property === undefined || !isType(type)) {
        throw malformed(`"${type} ${property}" is no property of a splat`);
      }
      if (properties.has(property)) throw malformed(`property "${property}" appears twice`);
      properties.set(property, { type, offset: stride });
      stride += encoding === "ascii" ? 1 : typeSizes[type];
    }
    elements.set(name, { name, count, properties, stride, start });
    start += count * stride;
  }
  return elements;
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

function parseEncoding(name: string | undefined): PlyEncoding {
  if (name === "binary_little_endian" || name === "binary_big_endian" || name === "ascii") {
    return name;
  }
  throw malformed(`format "${name}" is not known`);
}

function parseCount(word: string | undefined): number {
  const count = word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : undefined;
  if (count === undefined) throw malformed(`"${word}" is no number of records`);
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
