/**
 * The little of protobuf's wire format that an ONNX file needs. Fields are written in the order they are given, so
 * equal input gives equal bytes. Source: protobuf.dev/programming-guides/encoding.
 */

/** The fields of one message, written one after the other. */
export interface MessageWriter {
  /** int32, int64, enum; negative values take ten bytes. */
  int(field: number, value: number | bigint): void;
  /** 32-bit float. */
  float(field: number, value: number): void;
  string(field: number, value: string): void;
  bytes(field: number, value: Uint8Array): void;
  /** Repeated int64, packed. */
  ints(field: number, values: readonly (number | bigint)[]): void;
  /** Repeated float, packed. */
  floats(field: number, values: readonly number[]): void;
  message(field: number, write: (message: MessageWriter) => void): void;
}

const wireVarint = 0;
const wireLengthDelimited = 2;
const wireFixed32 = 5;

export function encodeMessage(write: (message: MessageWriter) => void): Uint8Array {
  return Buffer.concat(encodeChunks(write));
}

/** Nested messages stay in pieces, so that the weights of a large model are copied once, at the very end. */
function encodeChunks(write: (message: MessageWriter) => void): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const tag = (field: number, wire: number): void => {
    chunks.push(varint(BigInt(field) * 8n + BigInt(wire)));
  };
  const bytes = (field: number, value: Uint8Array): void => {
    tag(field, wireLengthDelimited);
    chunks.push(varint(BigInt(value.length)), value);
  };
  write({
    int(field, value) {
      tag(field, wireVarint);
      chunks.push(varint(BigInt(value)));
    },
    float(field, value) {
      tag(field, wireFixed32);
      chunks.push(float32([value]));
    },
    string(field, value) {
      bytes(field, new TextEncoder().encode(value));
    },
    bytes,
    ints(field, values) {
      bytes(field, Buffer.concat(values.map((value) => varint(BigInt(value)))));
    },
    floats(field, values) {
      bytes(field, float32(values));
    },
    message(field, writeInner) {
      const inner = encodeChunks(writeInner);
      tag(field, wireLengthDelimited);
      chunks.push(varint(BigInt(inner.reduce((sum, chunk) => sum + chunk.length, 0))), ...inner);
    },
  });
  return chunks;
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function float32(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setFloat32(index * 4, value, true);
  });
  return bytes;
}
