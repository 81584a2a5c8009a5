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

const sceneAdvice = "export its splats as PLY or GLB";

/** What stands in place of a file of any kind. */
const standIns: readonly ForeignKind[] = [
  {
    what: "a Git LFS pointer, not the file itself: fetch it with `git lfs pull`",
    is: (start) => /^version https?:\/\/(git-lfs\.github|hawser\.github)\.com\//.test(start),
  },
  {
    what: "a git-annex pointer, not the file itself: fetch it with `git annex get`",
    is: (start) => /^[\w./]*\/annex\/objects\//.test(start),
  },
  {
    what: "a DVC pointer, not the file itself: fetch it with `dvc pull`",
    is: (start) => /^(outs|deps|md5):[\s\S]*\bmd5: /.test(start),
  },
  {
    what: "a web page, not the file itself: the download link leads to a page, or asks to log in",
    is: (start) =>
      /^\s*(<\?xml[^>]*>\s*)?(<!--[^>]*-->\s*)?<(!doctype html|html|head|body|script|meta|title)\b/i.test(
        start,
      ),
  },
  {
    what: "a file of macOS about a file (its name begins with ._), not the file itself",
    is: starts("\0\x05\x16\x07"),
  },
  {
    what: "a shortcut to a web address, not the file itself: open it and download that",
    is: starts("[InternetShortcut]", "[Desktop Entry]"),
  },
  {
    what: "an answer or a form of HTTP with its headers: save only what lies behind them",
    is: (start) => /^HTTP\/\d|^-{4,}\S+\r?\n(Content-Disposition|Content-Type):/i.test(start),
  },
  {
    what: "an error message of a server, not the file itself: download it again",
    is: (start) =>
      /^\s*\{\s*"(error|message|detail)"\s*:/.test(start) ||
      /^(\d{3}\b|Entry|Repository|Not|Access|Invalid|Unauthorized|Forbidden|Too Many)\b[\w :,.-]*$/i.test(
        start.trim(),
      ),
  },
  {
    what: "XML, perhaps a server's error message",
    is: (start) => /^\s*<(\?xml|Error)\b/.test(start) && !/<(COLLADA|X3D)\b/.test(start),
  },
];

const kinds: readonly ForeignKind[] = [
  {
    what: "zeros only: the disk was full, or a download was broken off",
    is: (start) => /^\0{64,}$/.test(start),
  },
  {
    what: "a tileset of 3D Tiles: give one of the .glb files that it names",
    is: (start) => /^\s*\{/.test(start) && /"geometricError"\s*:/.test(start),
  },
  {
    what: "a glTF in JSON: export it as one binary .glb file",
    is: (start) => /^\s*\{/.test(start) && /"asset"\s*:\s*\{[^}]*"version"/.test(start),
  },
  {
    what: "the list of a streamed SOG (lod-meta.json): export one .sog or .ply",
    is: (start) => /^\s*\{/.test(start) && /"(lodLevels|filenames)"\s*:/.test(start),
  },
  {
    what: "the meta.json of a SOG: give its folder, or zip it with its pictures into one .sog file",
    is: (start) =>
      /^\s*\{/.test(start) &&
      /"(means|count|version)"/.test(start) &&
      /webp|shape|mins|generator/.test(start),
  },
  {
    what: `the description of an LCC scene; ${sceneAdvice}`,
    is: (start) => /^\s*\{/.test(start) && /"(totalSplats|splats|indexDataSize)"\s*:/.test(start),
  },
  {
    what: "JSON, perhaps a server's error message",
    is: (start) =>
      /^\s*[{[]\s*["{[\]}\d-]/.test(start) && /^[\s\x20-\x7e]*$/.test(start.slice(0, 64)),
  },
  {
    what: "base64 text of an asset: decode it first (`base64 -d`)",
    is: (start) => /^(data:[\w/+.;=-]*;base64,)?(cGx5|H4sI|KLUv\/|TkdTUA|iUhERg)/.test(start),
  },
  {
    what: `a mesh (OBJ); ${meshAdvice}`,
    is: (start) => /^(#[^\n]*\n|\s)*(mtllib|o|v|g) /.test(start),
  },
  { what: `a mesh (STL); ${meshAdvice}`, is: starts("solid ") },
  { what: `a mesh (FBX); ${meshAdvice}`, is: starts("Kaydara FBX Binary") },
  { what: `a mesh (OFF); ${meshAdvice}`, is: (start) => /^(ST|C|N|4|n)*OFF\s/.test(start) },
  { what: `a mesh (VRML); ${meshAdvice}`, is: starts("#VRML") },
  {
    what: `a mesh (COLLADA or X3D); ${meshAdvice}`,
    is: (start) => /<(COLLADA|X3D)\b/.test(start),
  },
  { what: `a mesh packed by Draco; ${meshAdvice}`, is: starts("DRACO") },
  { what: `a CAD model (STEP); ${meshAdvice}`, is: starts("ISO-10303-21;") },
  { what: `a scene of Blender; ${sceneAdvice}`, is: starts("BLENDER") },
  { what: `a USD scene; ${sceneAdvice}`, is: starts("PXR-USDC", "#usda") },
  { what: `an Alembic scene; ${sceneAdvice}`, is: starts("Ogawa") },
  {
    what: "a tile of 3D Tiles 1.0: give the .glb file inside, or export it as tiles of version 1.1",
    is: starts("b3dm", "i3dm", "pnts", "cmpt"),
  },
  { what: `a .splatv, splats that move; ${sceneAdvice}`, is: starts("Kg\0\0") },
  { what: `an .spx; ${sceneAdvice}`, is: starts("spx") },
  { what: `a .rad of Spark; ${sceneAdvice}`, is: starts("RAD0", "RADC") },
  { what: "a picture (PNG); splats are asked for", is: starts("\x89PNG") },
  { what: "a picture (JPEG); splats are asked for", is: starts("\xff\xd8\xff") },
  {
    what: "a picture (WebP): one of a SOG's, whose files are zipped into one .sog",
    is: (start) => start.startsWith("RIFF") && start.slice(8, 12) === "WEBP",
  },
  {
    what: "a picture (GIF, TIFF, BMP, EXR or HDR); splats are asked for",
    is: starts("GIF8", "II*\0", "MM\0*", "BM", "v/1\x01", "#?RADIANCE"),
  },
  {
    what: "a picture (AVIF or HEIC); splats are asked for",
    is: (start) => /^[\s\S]{4}ftyp(avif|avis|heic|heix|mif1|msf1)/.test(start),
  },
  {
    what: "a film; splats are asked for",
    is: (start) => start.slice(4, 8) === "ftyp" || start.startsWith("\x1aE\xdf\xa3"),
  },
  { what: "a PDF; splats are asked for", is: starts("%PDF-") },
  { what: "a NumPy array; write a PLY from it", is: starts("\x93NUMPY") },
  {
    what: "a Python pickle, such as a trainer's checkpoint; export a PLY from it",
    is: starts("\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"),
  },
  {
    what: "a safetensors file, a trainer's checkpoint; export a PLY from it",
    is: (start) => /^\{\s*"/.test(start.slice(8)) && start.slice(4, 8) === "\0\0\0\0",
  },
  { what: "an SQLite database, such as COLMAP's; splats are asked for", is: starts("SQLite for") },
  { what: "a point cloud (LAS), whose points have no size", is: starts("LASF") },
  { what: "a point cloud (E57), whose points have no size", is: starts("ASTM-E57") },
  {
    what: "a point cloud (PCD), whose points have no size",
    is: (start) => /^(#[^\n]*\n)?VERSION [\d.]+\nFIELDS /.test(start),
  },
  {
    what: "a table of numbers in text; write a PLY from it",
    is: (start) =>
      /^("?[A-Za-z_]\w*"?[,;\t ]+){2,}[^\n]*\r?\n\s*[-+\d.]/.test(start) ||
      /^\s*[-+]?[\d.]+(e[-+]?\d+)?([,;\t ]+[-+]?[\d.]+(e[-+]?\d+)?){2,}/i.test(start),
  },
  { what: `a 7z archive: ${unpackAdvice}`, is: starts("7z\xbc\xaf\x27\x1c") },
  { what: `a RAR archive: ${unpackAdvice}`, is: starts("Rar!\x1a\x07") },
  { what: `a tar archive: ${unpackAdvice}`, is: (start) => start.slice(257, 262) === "ustar" },
  { what: `bzip2 data: ${unpackAdvice}`, is: starts("BZh") },
  { what: `xz data: ${unpackAdvice}`, is: starts("\xfd7zXZ\0") },
  { what: `LZ4 data: ${unpackAdvice}`, is: starts("\x04\x22\x4d\x18") },
  {
    what: `zlib data: ${unpackAdvice}`,
    is: starts("\x78\x01", "\x78\x5e", "\x78\x9c", "\x78\xda"),
  },
  { what: "an empty ZIP, or a part of a divided one", is: starts("PK\x05\x06", "PK\x07\x08") },
  { what: "a program; splats are asked for", is: starts("MZ", "\x7fELF") },
];

/** UTF-8's mark of the order of bytes: before text, which is looked at behind it. */
const byteOrderMark = "\xef\xbb\xbf";

/** What stands there in place of a file of any kind; undefined when it looks like none of them. */
export function standIn(bytes: Uint8Array): string | undefined {
  const start = startOf(bytes);
  return standIns.find(({ is }) => is(start))?.what;
}

/** Undefined for what looks like nothing that is known. The kinds that are text come first. */
export function foreignKind(bytes: Uint8Array): string | undefined {
  const start = startOf(bytes);
  const known = [...standIns, ...kinds].find(({ is }) => is(start))?.what;
  if (known !== undefined) {
    return known;
  }
  return isBinaryStl(bytes) ? `a mesh (STL); ${meshAdvice}` : quoted(start);
}

/** A header of 80 bytes, a count, and 50 bytes a triangle. */
function isBinaryStl(bytes: Uint8Array): boolean {
  if (bytes.length < 84) {
    return false;
  }
  const triangles = new DataView(bytes.buffer, bytes.byteOffset).getUint32(80, true);
  return triangles > 0 && bytes.length === 84 + triangles * 50;
}

/** Characters of a text that are shown. */
const shown = 60;

/** Any other text: what it says may be the reason. */
function quoted(start: string): string | undefined {
  const [line = ""] = start.trim().split(/[\r\n]/);
  const isText = line.length >= 4 && /^[\t\x20-\x7e]+$/.test(line) && !/[^\s\x20-\xff]/.test(start);
  return isText ? `text, which begins with "${line.slice(0, shown)}"` : undefined;
}

function startOf(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, lookedAt));
  return start.startsWith(byteOrderMark) ? start.slice(byteOrderMark.length) : start;
}

/** What a ZIP is that is no SOG, by the names in it. */
export function zipKind(entries: readonly string[]): string {
  // macOS adds a folder of files about files.
  const names = entries.filter((name) => !name.startsWith("__MACOSX/"));
  const some = (pattern: RegExp): string | undefined => names.find((name) => pattern.test(name));
  const splats = some(/\.(ply|spz|sog|glb|ksplat|splat|h5|hdf5)(\.gz)?$/i);
  if (splats !== undefined) {
    return `a ZIP in which ${splats.slice(0, shown)} lies: unpack it and give that file`;
  }
  if (some(/(^|\/)data\.pkl$/) !== undefined) {
    return "a checkpoint of PyTorch; export a PLY from it";
  }
  if (names.length > 0 && names.every((name) => name.endsWith(".npy"))) {
    return "NumPy arrays (.npz); write a PLY from them";
  }
  if (some(/\.usd[ac]?$/i) !== undefined) {
    return `a USD scene; ${sceneAdvice}`;
  }
  if (some(/(^|\/)lod-meta\.json$/) !== undefined) {
    return "a streamed SOG (it has a lod-meta.json): export one .sog or .ply";
  }
  if (some(/\.(obj|stl|fbx|gltf|dae|3mf|model)$/i) !== undefined) {
    return `a ZIP with a mesh in it; ${meshAdvice}`;
  }
  return `a ZIP without a SOG's meta.json: ${unpackAdvice}`;
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
