/** Files that stand where a graph should but are something else: what they are, and what to do. */
import { standIn } from "@turntable/splat";

interface ForeignKind {
  readonly what: string;
  readonly is: (start: string) => boolean;
}

/** Bytes of the start that are looked at. */
export const foreignStartBytes = 512;

const exportAdvice = "export the model to ONNX first, such as with `optimum-cli export onnx`";

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

/** @returns what stands there in place of an ONNX file; undefined when it looks like none of the known kinds */
export function foreignModel(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, foreignStartBytes));
  return standIn(bytes) ?? models.find(({ is }) => is(start))?.what;
}
