import { AssetError } from "../splat.ts";
import { textOf } from "../text.ts";
import { type ListedProperty, lengthOfRecords } from "./lists.ts";
import { isPlyType, type PlyEncoding, type PlyType, plyTypes } from "./types.ts";

export interface PlyProperty {
  readonly type: PlyType;
  /** Bytes from the start of a record; in ascii values. */
  readonly offset: number;
}

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
  /** The names of all elements, also of those that are not laid out in `elements`. */
  readonly names: ReadonlySet<string>;
  readonly elements: ReadonlyMap<string, PlyElement>;
  /** Where the first record begins, in bytes. */
  readonly dataOffset: number;
}

/** Longer headers are not read: 62 properties of degree 3 and many comments stay far below. */
const maxHeaderBytes = 64 * 1024;

/** The first line says how all of the header end. */
const firstLine = /^ply[ \t]*(\r\n|\n|\r)/;

export function isPly(bytes: Uint8Array): boolean {
  return firstLine.test(textOf(bytes.subarray(0, 16)));
}

/** @throws AssetError `truncated` when the header does not end, `malformed` when it makes no sense. */
export function parsePlyHeader(bytes: Uint8Array): PlyHeader {
  const { lines, dataOffset } = headerLines(bytes);
  let encoding: PlyEncoding | undefined;
  const tables: Table[] = [];
  for (const line of lines) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "format") {
      encoding = parseEncoding(words[0]);
    } else if (keyword === "element") {
      if (words[0] === undefined || tables.some(({ name }) => name === words[0])) {
        throw malformed(`"${line.trim().slice(0, 80)}" is no new element`);
      }
      tables.push({ name: words[0], count: parseCount(words[1]), lines: [] });
    } else if (keyword === "property") {
      const table = tables.at(-1);
      if (table === undefined) {
        throw malformed("a property comes before the first element");
      }
      table.lines.push(words);
    }
  }
  if (encoding === undefined) {
    throw malformed("the header has no format line");
  }
  if (!tables.some(({ name }) => name === "vertex")) {
    throw malformed("the header has no vertex element");
  }
  return {
    encoding,
    names: new Set(tables.map(({ name }) => name)),
    elements: layOut(tables, { bytes, dataOffset, encoding }),
    dataOffset,
  };
}

interface Table {
  readonly name: string;
  readonly count: number;
  /** The words after `property`. */
  readonly lines: string[][];
}

interface File {
  readonly bytes: Uint8Array;
  readonly dataOffset: number;
  readonly encoding: PlyEncoding;
}

/** Elements follow each other; those with lists are passed over, and none is looked for behind one and the vertices. */
function layOut(tables: readonly Table[], file: File): Map<string, PlyElement> {
  const elements = new Map<string, PlyElement>();
  let start = 0;
  for (const { name, count, lines } of tables) {
    if (lines.some(([type]) => type === "list")) {
      if (elements.has("vertex")) {
        return elements;
      }
      if (name === "vertex") {
        const listed = lines.find(([type]) => type === "list")?.at(-1) ?? "";
        throw malformed(`its vertices have a list ("${listed.slice(0, 40)}"); export it without`);
      }
      start += lengthOfRecords(file, start, count, lines.map(parseListed));
      continue;
    }
    const properties = new Map<string, PlyProperty>();
    let stride = 0;
    for (const words of lines) {
      const { name: property, type } = parseProperty(words);
      if (properties.has(property)) {
        throw malformed(`property "${property}" appears twice`);
      }
      properties.set(property, { type, offset: stride });
      stride += file.encoding === "ascii" ? 1 : plyTypes[type].bytes;
    }
    elements.set(name, { name, count, properties, stride, start });
    start += count * stride;
  }
  return elements;
}

function parseProperty([type, name]: readonly string[]): { name: string; type: PlyType } {
  if (type === undefined || name === undefined) {
    throw malformed(`"property ${type ?? ""}" has no name`);
  }
  if (!isPlyType(type)) {
    const known = Object.keys(plyTypes).join(", ");
    throw malformed(`property "${name}" is of the type "${type}"; there are ${known}`);
  }
  return { name, type };
}

function parseListed([keyword, lengthType, ...words]: readonly string[]): ListedProperty {
  if (keyword !== "list") {
    return parseProperty([keyword ?? "", lengthType ?? ""]);
  }
  return { lengthType: parseProperty([lengthType ?? "", "list"]).type, ...parseProperty(words) };
}

/** Those between the first and the last. */
function headerLines(bytes: Uint8Array): {
  readonly lines: readonly string[];
  readonly dataOffset: number;
} {
  const text = textOf(bytes.subarray(0, maxHeaderBytes));
  // A carriage return alone must not take the first byte of the data with it, should that be a line feed.
  const isReturn = firstLine.exec(text)?.[1] === "\r";
  const end = (isReturn ? /\rend_header[ \t]*\r/ : /\nend_header[ \t]*\r?\n/).exec(text);
  if (end === null) {
    throw bytes.length <= maxHeaderBytes
      ? new AssetError("truncated", "the PLY header has no end_header line")
      : new AssetError(
          "malformed",
          `the PLY header is longer than ${maxHeaderBytes} bytes, the most that is read; leave out comments and properties that are not needed`,
        );
  }
  const lines = text.slice(0, end.index).split(isReturn ? "\r" : /\r?\n/);
  return { lines: lines.slice(1), dataOffset: end.index + end[0].length };
}

function parseEncoding(name: string | undefined): PlyEncoding {
  if (name === "binary_little_endian" || name === "binary_big_endian" || name === "ascii") {
    return name;
  }
  throw malformed(`format "${name}" is not known`);
}

function parseCount(word: string | undefined): number {
  const count = word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : undefined;
  if (count === undefined) {
    throw malformed(`"${word}" is no number of records`);
  }
  return count;
}

function malformed(what: string): AssetError {
  return new AssetError("malformed", `not a PLY of Gaussian splats: ${what}`);
}
