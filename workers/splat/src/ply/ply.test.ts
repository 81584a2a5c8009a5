import assert from "node:assert/strict";
import { test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import {
  AssetError,
  type AssetErrorCode,
  defaultAssetLimits,
  readAsset,
  readPly,
  type ShDegree,
  type Splat,
  shRestCount,
  writePly,
} from "../index.ts";

// Text has no negative zero.
const finite = fc.float({ min: -100, max: 100, noNaN: true }).map((value) => value + 0);

function splats(): fc.Arbitrary<Splat> {
  return fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom<ShDegree>(0, 1, 2, 3))
    .chain(([count, shDegree]) => {
      const floats = (width: number, value: fc.Arbitrary<number> = finite) =>
        fc
          .array(value, { minLength: count * width, maxLength: count * width })
          .map((values) => Float32Array.from(values));
      return fc.record({
        count: fc.constant(count),
        shDegree: fc.constant(shDegree),
        positions: floats(3),
        scales: floats(3),
        rotations: floats(4, fc.float({ min: Math.fround(0.1), max: 1, noNaN: true })),
        opacities: floats(
          1,
          fc.oneof(
            fc.constant(Infinity),
            fc.float({ min: -5, max: 9, noNaN: true }).map((value) => value + 0),
          ),
        ),
        shDc: floats(3),
        shRest: floats(3 * shRestCount(shDegree)),
      });
    });
}

/** The same file in another encoding, property order and type. */
function rewrite(splat: Splat, encoding: "ascii" | "binary_big_endian"): Uint8Array {
  const rest = shRestCount(splat.shDegree);
  const columns: [string, (i: number) => number | undefined][] = [
    ["rot_3", (i) => splat.rotations[i * 4 + 3]],
    ["opacity", (i) => splat.opacities[i]],
    ...([0, 1, 2] as const).flatMap((c): [string, (i: number) => number | undefined][] => [
      [`rot_${c}`, (i) => splat.rotations[i * 4 + c]],
      [`scale_${c}`, (i) => splat.scales[i * 3 + c]],
      [`f_dc_${c}`, (i) => splat.shDc[i * 3 + c]],
      ["xyz"[c] ?? "", (i) => splat.positions[i * 3 + c]],
      ...Array.from({ length: rest }, (_, k): [string, (i: number) => number | undefined] => [
        `f_rest_${c * rest + k}`,
        (i) => splat.shRest[(i * rest + k) * 3 + c],
      ]),
    ]),
  ];
  const header = [
    "ply",
    `format ${encoding} 1.0`,
    "comment made by a test",
    `element vertex ${splat.count}`,
    "property uchar ignored",
    ...columns.map(([name]) => `property double ${name}`),
    "end_header",
    "",
  ].join("\r\n");
  const rows = Array.from({ length: splat.count }, (_, i) =>
    columns.map(([, value]) => value(i) ?? 0),
  );
  if (encoding === "ascii") {
    const lines = rows.map((row) => `7 ${row.join(" ").replaceAll("Infinity", "inf")}`);
    return Buffer.from(header + lines.join("\n"));
  }
  const bytes = Buffer.alloc(splat.count * (1 + columns.length * 8));
  let at = 0;
  for (const row of rows) {
    at = bytes.writeUInt8(7, at);
    for (const value of row) {
      at = bytes.writeDoubleBE(value, at);
    }
  }
  return Buffer.concat([Buffer.from(header), bytes]);
}

test("what is written is read back, whatever the encoding, order and type", () => {
  fc.assert(
    fc.property(splats(), (made) => {
      const splat = { ...made };
      assert.deepEqual(readPly(writePly(splat)), splat);
      assert.deepEqual(readPly(rewrite(splat, "binary_big_endian")), splat);
      assert.deepEqual(readPly(rewrite(splat, "ascii")), splat);
    }),
    { numRuns: 50 },
  );
});

function one(change: Partial<Splat> = {}): Splat {
  return {
    count: 1,
    shDegree: 0,
    positions: Float32Array.of(0, 0, 0),
    scales: Float32Array.of(-3, -3, -3),
    rotations: Float32Array.of(1, 0, 0, 0),
    opacities: Float32Array.of(2),
    shDc: Float32Array.of(1, 0, 0),
    shRest: new Float32Array(0),
    ...change,
  };
}

const good = writePly(one());
const text = (ply: string): Uint8Array => Buffer.from(ply);
const bad: readonly (readonly [string, Uint8Array, AssetErrorCode])[] = [
  ["an empty file", new Uint8Array(0), "empty"],
  ["a text file", text("a red cube, please\n"), "unknown-format"],
  ["a file cut in its data", good.subarray(0, good.length - 1), "truncated"],
  ["a file cut in its header", good.subarray(0, 60), "truncated"],
  ["no vertices", writePly({ ...one(), count: 0 }), "empty"],
  ["more splats declared than allowed", declared(1_000_001), "too-many-splats"],
  ["more splats declared than there are bytes", declared(900_000), "truncated"],
  ["an ascii file that declares too much", text(ascii(900_000)), "truncated"],
  [
    "a count that is no number",
    text("ply\nformat ascii 1.0\nelement vertex -1\nend_header\n"),
    "malformed",
  ],
  [
    "a property that is missing",
    text("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n0\n"),
    "malformed",
  ],
  [
    "a list property",
    text("ply\nformat ascii 1.0\nelement vertex 1\nproperty list uchar int x\nend_header\n0\n"),
    "malformed",
  ],
  ["NaN", writePly(one({ scales: Float32Array.of(0, Number.NaN, 0) })), "non-finite"],
  [
    "an infinite position",
    writePly(one({ positions: Float32Array.of(Infinity, 0, 0) })),
    "non-finite",
  ],
  ["a NaN opacity", writePly(one({ opacities: Float32Array.of(Number.NaN) })), "non-finite"],
  ["a zero quaternion", writePly(one({ rotations: new Float32Array(4) })), "zero-quaternion"],
  [
    "nothing but transparent splats",
    writePly(one({ opacities: Float32Array.of(-Infinity) })),
    "all-transparent",
  ],
  ["a splat far away", writePly(one({ positions: Float32Array.of(0, 5e6, 0) })), "extent"],
  ["a zstd frame that is cut short", zstdCompressSync(good).subarray(0, 40), "truncated"],
  [
    "a zstd bomb",
    zstdCompressSync(Buffer.alloc(defaultAssetLimits.maxDecompressedBytes + 1)),
    "too-large",
  ],
];

function declared(count: number): Uint8Array {
  const header = Buffer.from(good).toString("latin1").replace("vertex 1\n", `vertex ${count}\n`);
  return Buffer.from(header, "latin1");
}

function ascii(count: number): string {
  return Buffer.from(rewrite(one(), "ascii")).toString().replace("vertex 1\r", `vertex ${count}\r`);
}

for (const [name, bytes, code] of bad) {
  test(`refuses ${name} as ${code}`, async () => {
    await assert.rejects(
      readAsset(bytes),
      (error) => error instanceof AssetError && error.code === code,
    );
  });
}

test("an opacity of plus or minus infinity is valid, and zstd around the file is seen through", async () => {
  const splat = one({
    count: 2,
    positions: new Float32Array(6),
    scales: new Float32Array(6),
    rotations: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0),
    opacities: Float32Array.of(Infinity, -Infinity),
    shDc: new Float32Array(6),
  });
  assert.deepEqual(await readAsset(zstdCompressSync(writePly(splat))), splat);
});
