/**
 * Writes ONNX models: enough of `onnx.proto` for graphs of dense tensors. Used for the models that this project
 * makes itself; what runs them is ONNX Runtime. Source of the field numbers: onnx/onnx, onnx/onnx.proto.
 */
import { encodeMessage, type MessageWriter } from "./protobuf.ts";

export type ElementType = "float32" | "float16" | "int32" | "int64" | "int8" | "uint8" | "bool";

/** What a graph takes or gives. A dimension is a fixed length or the name of one that varies. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

/** A constant of the graph. `bytes` holds its elements, little endian. */
export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
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
  return encodeMessage((model) => {
    model.int(1, irVersion);
    model.string(2, "turntable");
    model.message(7, (message) => writeGraph(message, graph));
    model.message(8, (operatorSet) => {
      operatorSet.string(1, "");
      operatorSet.int(2, opset);
    });
  });
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
  for (let i = 0; i < count; i++) set(view, i * width, values[i] ?? 0);
  return { name, type, shape, bytes };
}

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

function writeGraph(message: MessageWriter, graph: Graph): void {
  for (const node of graph.nodes) message.message(1, (inner) => writeNode(inner, node));
  message.string(2, graph.name);
  for (const { name, type, shape, bytes } of graph.initializers) {
    message.message(5, (tensor) => {
      tensor.ints(1, shape);
      tensor.int(2, dataTypes[type]);
      tensor.string(8, name);
      tensor.bytes(9, bytes);
    });
  }
  for (const value of graph.inputs) message.message(11, (inner) => writeValueInfo(inner, value));
  for (const value of graph.outputs) message.message(12, (inner) => writeValueInfo(inner, value));
}

function writeNode(message: MessageWriter, node: Node): void {
  for (const input of node.inputs) message.string(1, input);
  for (const output of node.outputs) message.string(2, output);
  message.string(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes ?? {})) {
    message.message(5, (inner) => {
      inner.string(1, name);
      writeAttribute(inner, attribute);
    });
  }
}

/** The value, then its AttributeProto.AttributeType. */
function writeAttribute(message: MessageWriter, attribute: Attribute): void {
  if ("float" in attribute) {
    message.float(2, attribute.float);
    message.int(20, 1);
  } else if ("int" in attribute) {
    message.int(3, attribute.int);
    message.int(20, 2);
  } else if ("string" in attribute) {
    message.bytes(4, new TextEncoder().encode(attribute.string));
    message.int(20, 3);
  } else if ("floats" in attribute) {
    message.floats(7, attribute.floats);
    message.int(20, 6);
  } else {
    message.ints(8, attribute.ints);
    message.int(20, 7);
  }
}

function writeValueInfo(message: MessageWriter, { name, type, shape }: ValueInfo): void {
  message.string(1, name);
  message.message(2, (typeMessage) => {
    typeMessage.message(1, (tensorType) => {
      tensorType.int(1, dataTypes[type]);
      tensorType.message(2, (shapeMessage) => {
        for (const length of shape) {
          shapeMessage.message(1, (dimension) => {
            if (typeof length === "number") dimension.int(1, length);
            else dimension.string(2, length);
          });
        }
      });
    });
  });
}
