/** Files that are no splats but come where splats are asked for: named, with what to do instead. */
import { isGlb } from "./glb/container.ts";
import { isKsplat } from "./ksplat.ts";
import { isZip } from "./packing/zip.ts";

interface ForeignKind {
  /** What it is, and what to do. */
  readonly what: string;
  readonly is: (start: string) => boolean;
}

/** Bytes of the start that are looked at. */
const lookedAt = 512;

const starts =
  (...words: readonly string[]) =>
  (start: string): boolean =>
    words.some((word) => start.startsWith(word));
const meshAdvice = "turntable takes splats, which a trainer makes of pictures of it";
const unpackAdvice = "unpack it and give the splat file inside";

const kinds: readonly ForeignKind[] = [
  {
    what: "a Git LFS pointer, not the file itself: fetch it with `git lfs pull`",
    is: starts("version https://git-lfs.github.com/"),
  },
  {
    what: "a web page, not the file itself: the download link leads to a page, or asks to log in",
    is: (start) => /^\s*(<!--[^>]*-->\s*)?<(!doctype html|html|head|body)\b/i.test(start),
  },
  {
    what: "a glTF in JSON: export it as one binary .glb file",
    is: (start) => /^\s*\{/.test(start) && /"asset"\s*:\s*\{[^}]*"version"/.test(start),
  },
  {
    what: "the meta.json of a SOG: zip it with its pictures into one .sog file",
    is: (start) =>
      /^\s*\{/.test(start) &&
      /"(means|count|version)"/.test(start) &&
      /webp|shape|mins|generator/.test(start),
  },
  {
    what: "JSON, perhaps a server's error message",
    is: (start) => /^\s*[{[]/.test(start) && /^[\s\x20-\x7e]*$/.test(start.slice(0, 64)),
  },
  {
    what: "XML, perhaps a server's error message",
    is: (start) => /^\s*<(\?xml|Error)/.test(start),
  },
  {
    what: "base64 text of an asset: decode it first (`base64 -d`)",
    is: starts("cGx5", "H4sI", "KLUv/", "TkdTUA", "iUhERg"),
  },
  {
    what: `a mesh (OBJ); ${meshAdvice}`,
    is: (start) => /^(#[^\n]*\n|\s)*(mtllib|o|v|g) /.test(start),
  },
  { what: `a mesh (STL); ${meshAdvice}`, is: starts("solid ") },
  { what: `a mesh (FBX); ${meshAdvice}`, is: starts("Kaydara FBX Binary") },
  { what: `a USD scene; export its splats as PLY or GLB`, is: starts("PXR-USDC", "#usda") },
  { what: "a picture (PNG); splats are asked for", is: starts("\x89PNG") },
  { what: "a picture (JPEG); splats are asked for", is: starts("\xff\xd8\xff") },
  {
    what: "a picture (WebP): one of a SOG's, whose files are zipped into one .sog",
    is: (start) => start.startsWith("RIFF") && start.slice(8, 12) === "WEBP",
  },
  { what: "a film; splats are asked for", is: (start) => start.slice(4, 8) === "ftyp" },
  { what: "a PDF; splats are asked for", is: starts("%PDF-") },
  { what: "a NumPy array; write a PLY from it", is: starts("\x93NUMPY") },
  {
    what: "a Python pickle, such as a trainer's checkpoint; export a PLY from it",
    is: starts("\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"),
  },
  { what: "a point cloud (LAS), whose points have no size", is: starts("LASF") },
  {
    what: "a point cloud (PCD), whose points have no size",
    is: (start) => /^(#[^\n]*\n)?VERSION [\d.]+\nFIELDS /.test(start),
  },
  { what: `a 7z archive: ${unpackAdvice}`, is: starts("7z\xbc\xaf\x27\x1c") },
  { what: `a RAR archive: ${unpackAdvice}`, is: starts("Rar!\x1a\x07") },
  { what: `a tar archive: ${unpackAdvice}`, is: (start) => start.slice(257, 262) === "ustar" },
  { what: `bzip2 data: ${unpackAdvice}`, is: starts("BZh") },
  { what: `xz data: ${unpackAdvice}`, is: starts("\xfd7zXZ\0") },
];

/** Undefined for what looks like nothing that is known. The kinds that are text come first. */
export function foreignKind(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, lookedAt));
  return kinds.find(({ is }) => is(start))?.what;
}

/** Also those that people's files may be in, where only the subnet's formats are taken. */
export function kindOfOther(bytes: Uint8Array): string | undefined {
  if (isGlb(bytes)) {
    return "a GLB: if it holds splats, `turntable-worker convert` makes a PLY of it";
  }
  if (isZip(bytes)) {
    return `a ZIP: ${unpackAdvice}; of a .sog \`turntable-worker convert\` makes a PLY`;
  }
  if (isKsplat(bytes)) {
    return "a .ksplat: `turntable-worker convert` makes a PLY of it";
  }
  return foreignKind(bytes);
}
