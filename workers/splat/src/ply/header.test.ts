import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ball, createRandom } from "../../test/shapes.ts";
import { AssetError, type AssetErrorCode, readAsset, readPly, writePly } from "../index.ts";
import { parsePlyHeader } from "./header.ts";

const splat = ball(20, createRandom(1));
const ply = Buffer.from(writePly(splat));
const dataAt = ply.indexOf("end_header\n") + "end_header\n".length;
const header = ply.toString("latin1", 0, dataAt);
const data = ply.subarray(dataAt);

function refusedAs(code: AssetErrorCode) {
  return (error: unknown): boolean => error instanceof AssetError && error.code === code;
}

describe("lines of the header", () => {
  const headers: Readonly<Record<string, string>> = {
    "end with a carriage return and a line feed": header.replaceAll("\n", "\r\n"),
    "end with a carriage return alone": header.replaceAll("\n", "\r"),
    "have blanks and tabs": header.replaceAll("\n", " \t\n").replaceAll("float ", "float \t"),
    "are comments that look like more": header.replace(
      "element vertex",
      "comment end_header\nobj_info 3\ncomment element vertex 7\nelement vertex",
    ),
  };
  for (const [name, changed] of Object.entries(headers)) {
    test(name, async () => {
      const bytes = Buffer.concat([Buffer.from(changed, "latin1"), data]);
      assert.deepEqual(await readAsset(bytes), splat);
    });
  }

  test("data may begin with what also ends a line", () => {
    for (const [eol, first] of [
      ["\n", 0x0d],
      ["\r", 0x0a],
      ["\r\n", 0x0a],
    ] as const) {
      const bytes = Buffer.concat([Buffer.from(header.replaceAll("\n", eol), "latin1"), data]);
      const { dataOffset } = parsePlyHeader(bytes);
      bytes[dataOffset] = first;
      assert.equal(parsePlyHeader(bytes).dataOffset, dataOffset);
      assert.deepEqual(readPly(bytes).positions.subarray(1), splat.positions.subarray(1));
    }
  });
});

describe("elements before the vertices", () => {
  const before = [
    "element camera 2",
    "property double view",
    "property char id",
    "element face 3",
    "property uchar flags",
    "property list uchar short vertex_indices",
    "property list int double weights",
    "element vertex",
  ].join("\n");
  const faces = [
    { flags: 1, indices: [7, 8, 9], weights: [] },
    { flags: 2, indices: [], weights: [0.5, 0.25] },
    { flags: 3, indices: [1], weights: [1] },
  ];

  test("are passed over, lists and all, in every encoding", () => {
    for (const encoding of ["binary_little_endian", "binary_big_endian", "ascii"]) {
      const head = header
        .replace("element vertex", before)
        .replace("binary_little_endian", encoding);
      const body = encoding === "ascii" ? asciiBody() : binaryBody(encoding.includes("big"));
      const read = readPly(Buffer.concat([Buffer.from(head, "latin1"), body]));
      assert.deepEqual(read, splat, encoding);
    }
  });

  function binaryBody(isBigEndian: boolean): Buffer {
    const view = new DataView(new ArrayBuffer(2 * 9 + 3 * 6 + 4 * 2 + 3 * 8));
    let at = 2 * 9;
    for (const { flags, indices, weights } of faces) {
      view.setUint8(at, flags);
      view.setUint8(at + 1, indices.length);
      at += 2;
      for (const index of indices) {
        view.setInt16(at, index, !isBigEndian);
        at += 2;
      }
      view.setInt32(at, weights.length, !isBigEndian);
      at += 4;
      for (const weight of weights) {
        view.setFloat64(at, weight, !isBigEndian);
        at += 8;
      }
    }
    assert.equal(at, view.byteLength);
    const vertices = isBigEndian ? Buffer.from(data).swap32() : data;
    return Buffer.concat([new Uint8Array(view.buffer), vertices]);
  }

  function asciiBody(): Buffer {
    const rows = faces.map(({ flags, indices, weights }) =>
      [flags, indices.length, ...indices, weights.length, ...weights].join(" "),
    );
    const values = new Float32Array(Uint8Array.from(data).buffer);
    return Buffer.from(["1.5 1", "2.5 2", ...rows, values.join(" ")].join("\n"));
  }

  const lists = (encoding: string, count: number, length: string, body: Uint8Array): Uint8Array =>
    Buffer.concat([
      Buffer.from(
        header
          .replace(
            "element vertex",
            `element face ${count}\nproperty list ${length} int i\nelement vertex`,
          )
          .replace("binary_little_endian", encoding),
      ),
      body,
    ]);
  const broken: readonly (readonly [string, Uint8Array, AssetErrorCode])[] = [
    [
      "that end before their length",
      lists("binary_little_endian", 4e6, "uchar", data),
      "truncated",
    ],
    ["that are longer than the file", lists("ascii", 1, "int", Buffer.from("99 1 2")), "truncated"],
    ["of which there are fewer", lists("ascii", 9, "int", Buffer.from("1 1 1 1")), "truncated"],
    [
      "of a length below 0",
      lists("binary_little_endian", 1, "char", Buffer.alloc(9, 255)),
      "malformed",
    ],
    ["of a length that is no number", lists("ascii", 1, "int", Buffer.from("x 1 2")), "malformed"],
    ["of a type that is none", lists("ascii", 1, "long", Buffer.from("0")), "malformed"],
    [
      "in a number that takes too long",
      lists("ascii", 4e6 + 1, "int", Buffer.from("0")),
      "too-large",
    ],
  ];
  for (const [name, bytes, code] of broken) {
    test(`lists ${name} are ${code}`, () => {
      assert.throws(() => readPly(bytes), refusedAs(code));
    });
  }
});
