/** Files that stand where a model's should but are something else: what they are, and what to do. */

interface ForeignKind {
  readonly what: string;
  readonly is: (start: string) => boolean;
}

/** Bytes of the start that are looked at. */
export const foreignStartBytes = 512;

const exportAdvice = "export the model to ONNX first, such as with `optimum-cli export onnx`";

/** In place of a file of any kind. */
const downloads: readonly ForeignKind[] = [
  {
    what: "a Git LFS pointer, not the file itself: fetch it with `git lfs pull`",
    is: (start) => start.startsWith("version https://git-lfs.github.com/"),
  },
  {
    what: "a web page, not the file itself: the download link leads to a page, or asks to log in",
    is: (start) => /^\s*(<!--[^>]*-->\s*)?<(!doctype html|html|head|body)\b/i.test(start),
  },
  {
    what: "an error message of a server, not the file itself: download it again",
    is: (start) =>
      /^\s*<(\?xml|Error)\b/.test(start) ||
      /^\s*\{\s*"(error|message)"\s*:/.test(start) ||
      /^(Entry|Repository|Not|Access|Invalid|Unauthorized|404)\b[\w :,.-]*$/i.test(start.trim()),
  },
];

/** In place of a graph. */
const models: readonly ForeignKind[] = [
  { what: "JSON, not ONNX", is: (start) => /^\s*\{\s*"/.test(start) },
  {
    what: `a safetensors file, weights without a graph: ${exportAdvice}`,
    is: (start) => /^\{\s*"/.test(start.slice(8)),
  },
  {
    what: `a ZIP: a PyTorch checkpoint (${exportAdvice}), or an archive to unpack`,
    is: (start) => start.startsWith("PK\x03\x04"),
  },
  {
    what: `a Python pickle, such as a PyTorch checkpoint: ${exportAdvice}`,
    is: (start) => ["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"].includes(start.slice(0, 2)),
  },
  {
    what: "gzip data: unpack it with gunzip",
    is: (start) => start.startsWith("\x1f\x8b"),
  },
  {
    what: "a model in ORT format: give the .onnx file that it was converted from",
    is: (start) => start.slice(4, 8) === "ORTM",
  },
  { what: `a TensorFlow Lite model: ${exportAdvice}`, is: (start) => start.slice(4, 8) === "TFL3" },
];

/** @returns what stands there in place of a file; undefined when it looks like none of the known kinds */
export function foreignDownload(bytes: Uint8Array): string | undefined {
  return find(downloads, bytes);
}

/** The same in place of an ONNX file. */
export function foreignModel(bytes: Uint8Array): string | undefined {
  return find([...downloads, ...models], bytes);
}

function find(kinds: readonly ForeignKind[], bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, foreignStartBytes));
  return kinds.find(({ is }) => is(start))?.what;
}
