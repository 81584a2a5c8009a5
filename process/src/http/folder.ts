/**
 * A folder of built files, for serving: read whole into memory, so that what is served fits together however the folder
 * changes meanwhile, and so that no request's path ever becomes a file's.
 *
 * F1 A file is found by its exact name alone; names are not decoded, and hidden files are not there.
 * F2 A caller gets the smallest form that it takes of those that lie in the folder (`x.js.br`, `x.js.gz` beside `x.js`).
 * F3 Each form has an ETag of its own, over its bytes.
 * F4 What has no compressed form there is compressed when it is first asked for, beside other work, and kept so.
 */
import { hash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** One file in its forms. */
export interface ServedFile {
  /** Relative to the folder, with `/`. */
  readonly name: string;
  readonly contentType: string;
  /** The plain one last. */
  readonly forms: readonly FileForm[];
}

export interface FileForm {
  /** `br`, `gzip`, or none. */
  readonly encoding: "br" | "gzip" | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** With its quotes. */
  readonly etag: string;
}

export interface FolderLimits {
  /** All files together, in bytes. */
  readonly maxBytes: number;
}

/** Enough for a page with a viewer in three forms; what is more was not meant to be served. */
const defaultLimits: FolderLimits = { maxBytes: 64 * 1024 ** 2 };

const encodings = { ".br": "br", ".gz": "gzip" } as const;

const contentTypes: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/**
 * Reads a folder.
 * @returns by name; undefined when there is no such folder
 * @throws RangeError when it has more than the limit; whatever the file system throws
 */
export async function readFolder(
  folder: string,
  { maxBytes } = defaultLimits,
): Promise<ReadonlyMap<string, ServedFile> | undefined> {
  const names = await namesIn(folder);
  if (names === undefined) {
    return undefined;
  }
  let left = maxBytes;
  const read = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of names) {
    const { size } = await stat(join(folder, name));
    left -= size;
    if (left < 0) {
      throw new RangeError(
        `${folder}: has more than the ${maxBytes} bytes that are served at most`,
      );
    }
    read.set(name, await readFile(join(folder, name)));
  }
  const plain = [...read.keys()].filter((name) => plainNameOf(name, read) === undefined);
  return new Map(plain.map((name) => [name, fileOf(name, read)]));
}

/** A file of these bytes, for content that is made and not read. */
export function servedFile(name: string, bytes: Uint8Array<ArrayBuffer>): ServedFile {
  return fileOf(name, new Map([[name, bytes]]));
}

/** Level 5 has nine tenths of what the best one gains, in a tenth of its time. */
const brotliLevel = 5;
/** Formats that are compressed already gain nothing; of what is small a packet is sent all the same. */
const compressible = /^text\/|json|svg|wasm/;
const leastBytes = 1_024;

/** The file with its compressed forms (F4); itself when it has some, or they would gain nothing. */
export async function compressed(file: ServedFile): Promise<ServedFile> {
  const [plain, ...others] = file.forms.toReversed();
  if (
    plain === undefined ||
    others.length > 0 ||
    plain.bytes.length < leastBytes ||
    !compressible.test(file.contentType)
  ) {
    return file;
  }
  const params = { [constants.BROTLI_PARAM_QUALITY]: brotliLevel };
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(plain.bytes, { params }),
    promisify(gzip)(plain.bytes),
  ]);
  const forms = [formOf(new Uint8Array(br), "br"), formOf(new Uint8Array(gz), "gzip"), plain];
  return { ...file, forms };
}

/** The form that a caller takes (F2). */
export function formFor(file: ServedFile, acceptEncoding: string | undefined): FileForm {
  const accepted = acceptedEncodings(acceptEncoding);
  const fitting = file.forms.filter(({ encoding }) => encoding === undefined || accepted(encoding));
  const [smallest] = fitting.toSorted((a, b) => a.bytes.length - b.bytes.length);
  if (smallest === undefined) {
    throw new TypeError(`${file.name} has no plain form`);
  }
  return smallest;
}

/** Whether a caller has this form already, as its If-None-Match says. */
export function isKnown({ etag }: FileForm, ifNoneMatch: string | undefined): boolean {
  const known = (ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return known.includes(etag) || known.includes("*");
}

async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name).slice(folder.replace(/\/+$/, "").length + 1),
      )
      .map((name) => name.split(sep).join("/"))
      .filter((name) => !name.split("/").some((part) => part.startsWith("."))); // F1
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

/** Of a compressed form, the name of what it is a form of. */
function plainNameOf(name: string, all: ReadonlyMap<string, unknown>): string | undefined {
  const extension = extname(name);
  const plain = name.slice(0, -extension.length);
  return extension in encodings && all.has(plain) ? plain : undefined;
}

function fileOf(name: string, all: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): ServedFile {
  const compressed = Object.entries(encodings).flatMap(([extension, encoding]) => {
    const bytes = all.get(`${name}${extension}`);
    return bytes === undefined ? [] : [formOf(bytes, encoding)];
  });
  const plain = formOf(all.get(name) ?? new Uint8Array(), undefined);
  const contentType = contentTypes[extname(name)] ?? "application/octet-stream";
  return { name, contentType, forms: [...compressed, plain] };
}

function formOf(bytes: Uint8Array<ArrayBuffer>, encoding: FileForm["encoding"]): FileForm {
  const suffix = encoding === undefined ? "" : `-${encoding}`;
  return { encoding, bytes, etag: `"${hash("sha256", bytes, "hex").slice(0, 32)}${suffix}"` }; // F3
}

/** Whether an Accept-Encoding takes an encoding; one that says nothing takes none but the plain form. */
function acceptedEncodings(header: string | undefined): (encoding: string) => boolean {
  const weights = new Map(
    (header ?? "").split(",").map((part): [string, number] => {
      const [name = "", ...parameters] = part.trim().toLowerCase().split(";");
      const q = parameters.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find(Boolean);
      return [name.trim(), q === undefined ? 1 : Number(q)];
    }),
  );
  return (encoding) => (weights.get(encoding) ?? weights.get("*") ?? 0) > 0;
}
