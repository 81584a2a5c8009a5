/**
 * Writes ONNX models: enough of `onnx.proto` for graphs of dense tensors. Used for the models that this project
 * makes itself; what runs them is ONNX Runtime. Source of the field numbers: onnx/onnx, onnx/onnx.proto.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

export type ElementType = "float32" | "float16" | "int32" | "int64" | "int8" | "uint8" | "bool";

/** What a graph takes or gives. A dimension is a fixed length or the name of one that varies. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

/** A constant of the graph. `bytes` holds its elements, little endian; with `location` they are not written… */
export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  /** …but are the content of this file beside the graph's. */
  readonly location?: string;
}

/** How a node is set: whole numbers are written as INT, `{ float }` as FLOAT. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] };

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: readonly Initializer[];
  readonly nodes: readonly Node[];
}

/** Operator set that the graphs are written against; IR version 8 is the one that came with it. */
const opset = 17;
const irVersion = 8;

/** @returns the bytes of an `.onnx` file; equal graphs give equal bytes */
export function encodeModel(graph: Graph): Uint8Array {
  const parts = encodeGraph(graph);
  const start = new BinaryWriter();
  int(start, 1, irVersion);
  string(start, 2, "turntable");
  start.tag(7, WireType.LengthDelimited).uint32(sizeOf(parts));
  const end = new BinaryWriter();
  message(end, 8, () => {
    string(end, 1, "");
    int(end, 2, opset);
  });
  return Buffer.concat([start.finish(), ...parts, end.finish()]);
}

/** A constant of 32-bit floats. @throws RangeError when the count of values is not that of the shape */
export function floats(
  name: string,
  shape: readonly number[],
  values: ArrayLike<number>,
): Initializer {
  return constant(name, "float32", shape, values, 4, (view, at, value) =>
    view.setFloat32(at, value, true),
  );
}

/** A constant of 64-bit integers. @throws RangeError when the count of values is not that of the shape */
export function int64s(
  name: string,
  shape: readonly number[],
  values: ArrayLike<number>,
): Initializer {
  return constant(name, "int64", shape, values, 8, (view, at, value) =>
    view.setBigInt64(at, BigInt(value), true),
  );
}

function constant(
  name: string,
  type: ElementType,
  shape: readonly number[],
  values: ArrayLike<number>,
  width: number,
  set: (view: DataView, at: number, value: number) => void,
): Initializer {
  const count = shape.reduce((product, length) => product * length, 1);
  if (values.length !== count) {
    throw new RangeError(`${name}: ${values.length} values for the shape [${shape.join(", ")}]`);
  }
  const bytes = new Uint8Array(count * width);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    set(view, i * width, values[i] ?? 0);
  }
  return { name, type, shape, bytes };
}

/** TensorProto.DataLocation */
const externalData = 1;
/** TensorProto.DataType */
const dataTypes: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

/** Constants stay in pieces, so that the weights of a large model are copied once, into the file. */
function encodeGraph(graph: Graph): readonly Uint8Array[] {
  const start = new BinaryWriter();
  for (const node of graph.nodes) {
    message(start, 1, () => writeNode(start, node));
  }
  string(start, 2, graph.name);
  const end = new BinaryWriter();
  for (const value of graph.inputs) {
    message(end, 11, () => writeValueInfo(end, value));
  }
  for (const value of graph.outputs) {
    message(end, 12, () => writeValueInfo(end, value));
  }
  return [start.finish(), ...graph.initializers.flatMap(encodeInitializer), end.finish()];
}

/** A field of GraphProto with its tag; the elements are its last piece. */
function encodeInitializer(initializer: Initializer): readonly Uint8Array[] {
  const { name, type, shape, location } = initializer;
  const bytes = location === undefined ? initializer.bytes : new Uint8Array();
  const tensor = new BinaryWriter();
  ints(tensor, 1, shape);
  int(tensor, 2, dataTypes[type]);
  string(tensor, 8, name);
  if (location === undefined) {
    tensor.tag(9, WireType.LengthDelimited).uint32(bytes.length);
  } else {
    message(tensor, 13, () => {
      string(tensor, 1, "location");
      string(tensor, 2, location);
    });
    int(tensor, 14, externalData);
  }
  const parts = [tensor.finish(), bytes];
  const head = new BinaryWriter().tag(5, WireType.LengthDelimited).uint32(sizeOf(parts));
  return [head.finish(), ...parts];
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function writeNode(to: BinaryWriter, node: Node): void {
  for (const input of node.inputs) {
    string(to, 1, input);
  }
  for (const output of node.outputs) {
    string(to, 2, output);
  }
  string(to, 4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes ?? {})) {
    message(to, 5, () => {
      string(to, 1, name);
      writeAttribute(to, attribute);
    });
  }
}

/** The value, then its AttributeProto.AttributeType. */
function writeAttribute(to: BinaryWriter, attribute: Attribute): void {
  if ("float" in attribute) {
    to.tag(2, WireType.Bit32).float(attribute.float);
    int(to, 20, 1);
  } else if ("int" in attribute) {
    int(to, 3, attribute.int);
    int(to, 20, 2);
  } else if ("string" in attribute) {
    string(to, 4, attribute.string);
    int(to, 20, 3);
  } else if ("floats" in attribute) {
    message(to, 7, () => {
      for (const value of attribute.floats) {
        to.float(value);
      }
    });
    int(to, 20, 6);
  } else {
    ints(to, 8, attribute.ints);
    int(to, 20, 7);
  }
}

function writeValueInfo(to: BinaryWriter, { name, type, shape }: ValueInfo): void {
  string(to, 1, name);
  message(to, 2, () =>
    message(to, 1, () => {
      int(to, 1, dataTypes[type]);
      message(to, 2, () => {
        for (const length of shape) {
          message(to, 1, () => {
            if (typeof length === "number") {
              int(to, 1, length);
            } else {
              string(to, 2, length);
            }
          });
        }
      });
    }),
  );
}

/** An int32, an int64 or an enum: one wire form, in which negative values take ten bytes. */
function int(to: BinaryWriter, field: number, value: number): void {
  to.tag(field, WireType.Varint).int64(value);
}

function string(to: BinaryWriter, field: number, value: string): void {
  to.tag(field, WireType.LengthDelimited).string(value);
}

/** A repeated int64, packed. */
function ints(to: BinaryWriter, field: number, values: readonly number[]): void {
  message(to, field, () => {
    for (const value of values) {
      to.int64(value);
    }
  });
}

/** What `write` writes, behind its length. */
function message(to: BinaryWriter, field: number, write: () => void): void {
  to.tag(field, WireType.LengthDelimited).fork();
  write();
  to.join();
}
