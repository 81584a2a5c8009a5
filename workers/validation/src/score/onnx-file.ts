/**
 * What an ONNX file says about itself without being run: its operators, and the files beside it that hold its weights.
 * Weights within the file are stepped over, so that a file of gigabytes costs some reads of its structure.
 * Source of the field numbers: onnx/onnx, onnx/onnx.proto.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ModelError } from "./errors.ts";
import { foreignModel, foreignStartBytes } from "./foreign-file.ts";

export interface OnnxFacts {
  /** `location` of external data as the file has it, relative to its own folder; each once, sorted. */
  readonly externalFiles: readonly string[];
  readonly operators: ReadonlySet<string>;
}

/** @throws ModelError when the file is not ONNX or ends too early */
export function readOnnxFacts(file: string): OnnxFacts {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    const reader = createReader(descriptor, size);
    const foreign = foreignModel(reader.peek(foreignStartBytes));
    if (foreign !== undefined) {
      throw new ModelError("model-damaged", `${file} is ${foreign}`);
    }
    const found = { externalFiles: new Set<string>(), operators: new Set<string>() };
    walk(reader, "model", size, 0, found);
    return { externalFiles: [...found.externalFiles].sort(), operators: found.operators };
  } catch (cause) {
    if (!(cause instanceof RangeError)) {
      throw cause;
    }
    throw new ModelError(
      "model-damaged",
      `${file} cannot be loaded (cut off, or not ONNX): ${cause.message}`,
      { cause },
    );
  } finally {
    closeSync(descriptor);
  }
}

type Message =
  | "model"
  | "training"
  | "graph"
  | "node"
  | "attribute"
  | "function"
  | "sparse"
  | "tensor"
  | "entry";

/** Fields that lead to tensors and nodes, by the message they stand in. All others are stepped over. */
const nested: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: "graph", 20: "training", 25: "function" },
  training: { 1: "graph", 2: "graph" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  function: { 7: "node", 11: "attribute" },
  sparse: { 1: "tensor", 2: "tensor" },
  tensor: { 13: "entry" },
  entry: {},
};
const operatorField = 4;
const dataLocationField = 14;
/** TensorProto.DataLocation. */
const external = 1;
/** Subgraphs within subgraphs; each level of them takes three messages. */
const maxDepth = 100;
/** No name of an operator or a file is longer, in bytes. */
const maxNameBytes = 4096;

interface Found {
  readonly externalFiles: Set<string>;
  readonly operators: Set<string>;
}

/** @returns texts by field: of an entry its key and value */
function walk(
  reader: Reader,
  message: Message,
  end: number,
  depth: number,
  found: Found,
): ReadonlyMap<number, string> {
  if (depth > maxDepth) {
    throw new RangeError(`messages are nested more than ${maxDepth} deep`);
  }
  const texts = new Map<number, string>();
  let dataLocation = 0;
  let location: string | undefined;
  while (reader.position() < end) {
    const tag = reader.varint(end);
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire !== 2) {
      const value = reader.scalar(wire, end);
      if (message === "tensor" && field === dataLocationField) {
        dataLocation = value;
      }
      continue;
    }
    const length = reader.varint(end);
    const to = reader.position() + length;
    if (to > end) {
      throw new RangeError(`field ${field} of a ${message} ends behind its end`);
    }
    const inner = nested[message][field];
    if (inner !== undefined) {
      const read = walk(reader, inner, to, depth + 1, found);
      // Later entries win, as in ONNX Runtime.
      if (inner === "entry" && read.get(1) === "location") {
        location = read.get(2);
      }
    } else if (message === "entry" || (message === "node" && field === operatorField)) {
      if (length > maxNameBytes) {
        throw new RangeError(`a name of ${length} bytes`);
      }
      const text = reader.text(length);
      if (message === "entry") {
        texts.set(field, text);
      } else {
        found.operators.add(text);
      }
    }
    reader.seek(to);
  }
  if (dataLocation === external && location !== undefined) {
    found.externalFiles.add(location);
  }
  return texts;
}

interface Reader {
  position(): number;
  seek(position: number): void;
  /** Bytes from the position on, fewer at the end of the file; stays where it is. */
  peek(count: number): Uint8Array;
  /** @throws RangeError when it does not end before `end` */
  varint(end: number): number;
  /** The value of a varint; 0 for other wire types, which are stepped over. */
  scalar(wire: number, end: number): number;
  text(length: number): string;
}

const windowBytes = 64 * 1024;

function createReader(descriptor: number, size: number): Reader {
  const buffer = Buffer.alloc(windowBytes);
  let start = 0;
  let filled = 0;
  let at = 0;
  const fill = (): void => {
    start = at;
    filled = readSync(descriptor, buffer, 0, windowBytes, at);
  };
  const peek = (count: number): Uint8Array => {
    if (at < start || at + Math.min(count, size - at) > start + filled) {
      fill();
    }
    return buffer.subarray(at - start, Math.min(at - start + count, filled));
  };
  const step = (count: number, end: number): void => {
    if (at + count > end) {
      throw new RangeError("a field ends behind its message");
    }
    at += count;
  };
  const varint = (end: number): number => {
    let value = 0;
    let factor = 1;
    for (const byte of peek(10)) {
      step(1, end);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        return value;
      }
      factor *= 128;
    }
    throw new RangeError("a number without an end");
  };
  return {
    position: () => at,
    seek(position) {
      at = position;
    },
    peek,
    varint,
    scalar(wire, end) {
      if (wire === 0) {
        return varint(end);
      }
      if (wire !== 1 && wire !== 5) {
        throw new RangeError(`a field of the wire type ${wire}`);
      }
      step(wire === 1 ? 8 : 4, end);
      return 0;
    },
    text: (length) => Buffer.from(peek(length)).toString("utf8"),
  };
}
