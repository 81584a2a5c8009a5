import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { assertClose, rotationError } from "../test/near.ts";
import { cloud } from "../test/shapes.ts";
import { decodeHalf, encodeHalf } from "./half.ts";
import { readHdf5, writeHdf5 } from "./hdf5.ts";
import {
  AssetError,
  type AssetErrorCode,
  defaultAssetLimits,
  readAnySplat,
  readAsset,
  readDotSplat,
  readPly,
  type Splat,
  shC0,
  writeSpz,
} from "./index.ts";

const refusedAs = (code: AssetErrorCode) => (error: unknown) =>
  error instanceof AssetError && error.code === code;

describe("SPZ", () => {
  for (const version of [1, 2, 3, 4] as const) {
    for (const compression of ["gzip", "zstd"] as const) {
      for (const shDegree of [0, 1, 2, 3] as const) {
        test(`version ${version} in ${compression} of degree ${shDegree} comes back`, async () => {
          const splat = cloud(60, shDegree);
          const { splat: back } = await readAnySplat(writeSpz(splat, { version, compression }));
          assert.deepEqual([back.count, back.shDegree], [60, shDegree]);
          assertClose(back.positions, splat.positions, version === 1 ? 2 ** -11 : 2 ** -12, "x");
          assertClose(back.scales, splat.scales, 1 / 32, "scale");
          assertClose(back.shDc, splat.shDc, 0.5 / 255 / 0.15 + 1e-6, "f_dc");
          assertClose(back.shRest, splat.shRest, 1 / 256, "f_rest");
          const alpha = (value: number): number => 1 / (1 + Math.exp(-value));
          const alphas = ({ opacities }: Splat) => opacities.map(alpha);
          assertClose(alphas(back), alphas(splat), 0.5 / 255 + 1e-6, "opacity");
          // Three bytes leave w to a square root, which is coarse near 0.
          const least = version >= 3 ? 1e-5 : 1e-2;
          for (let i = 0; i < 60; i++) {
            assert.ok(rotationError(back, splat, i) < least);
          }
        });
      }
    }
  }

  test("certain opacities and large coordinates are kept", async () => {
    const splat: Splat = {
      ...cloud(2, 0),
      opacities: Float32Array.of(Infinity, -Infinity),
      positions: Float32Array.of(5000, -5000, 0, 0, 0, 1),
    };
    const back = await readAsset(writeSpz(splat));
    assert.deepEqual(back.opacities, splat.opacities);
    assertClose(back.positions, splat.positions, 2 ** -10, "x");
  });

  const header = (change: (view: DataView) => void): Uint8Array => {
    const bytes = new Uint8Array(16 + 19 * 4);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x5053474e, true);
    view.setUint32(4, 2, true);
    view.setUint32(8, 4, true);
    change(view);
    return bytes;
  };
  const bad: readonly (readonly [string, Uint8Array, AssetErrorCode])[] = [
    ["version 4", header((view) => view.setUint32(4, 4, true)), "unsupported-version"],
    ["SH degree 9", header((view) => view.setUint8(12, 9)), "malformed"],
    ["no splats", header((view) => view.setUint32(8, 0, true)), "empty"],
    ["too many splats", header((view) => view.setUint32(8, 2 ** 31, true)), "too-many-splats"],
    ["more splats than bytes", header((view) => view.setUint32(8, 5, true)), "truncated"],
    ["nothing to be seen", header(() => undefined), "all-transparent"],
  ];
  for (const [name, bytes, code] of bad) {
    test(`${name} is refused as ${code}, packed or not`, async () => {
      for (const packed of [bytes, gzipSync(bytes), zstdCompressSync(bytes)]) {
        await assert.rejects(readAsset(packed), refusedAs(code));
      }
    });
  }

  test("a cut stream is refused, bytes after the last column are not read", async () => {
    const packed = writeSpz(cloud(50, 3), { compression: "gzip" });
    await assert.rejects(readAsset(packed.subarray(0, 200)), refusedAs("truncated"));
    // A bomb behind the columns is never unpacked.
    const plain = new Uint8Array(16 + 50 * 64 + 2 ** 28 + 1);
    plain.set(new Uint8Array(await new Blob([await unzip(packed)]).arrayBuffer()));
    assert.equal((await readAsset(zstdCompressSync(plain))).count, 50);
  });
});

async function unzip(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const { gunzipSync } = await import("node:zlib");
  return new Uint8Array(gunzipSync(bytes));
}

test("a gzip bomb is stopped at the limit", async () => {
  const bomb = gzipSync(Buffer.alloc(64 << 20, "ply\n"));
  const limits = { ...defaultAssetLimits, maxDecompressedBytes: 1 << 20 };
  await assert.rejects(readAsset(bomb, { limits }), refusedAs("too-large"));
});

describe("HDF5", () => {
  test("comes back", async () => {
    for (const shDegree of [0, 2] as const) {
      const splat = cloud(5_000, shDegree);
      assert.deepEqual(await readAsset(await writeHdf5(splat), { readHdf5 }), splat);
    }
  });

  test("activated values are understood", async () => {
    const splat = cloud(20, 0);
    const activated: Splat = {
      ...splat,
      opacities: splat.opacities.map((value) => 1 / (1 + Math.exp(-value))),
      scales: splat.scales.map(Math.exp),
      shDc: splat.shDc.map((value) => value * shC0 + 0.5),
    };
    const back = await readAsset(await writeHdf5(activated), { readHdf5, activated: true });
    assertClose(back.opacities, splat.opacities, 1e-5, "opacity");
    assertClose(back.scales, splat.scales, 1e-5, "scale");
    assertClose(back.shDc, splat.shDc, 1e-5, "f_dc");
  });

  test("needs its reader, and a file that is whole", async () => {
    const bytes = await writeHdf5(cloud(100, 0));
    await assert.rejects(readAsset(bytes), refusedAs("unknown-format"));
    const cut = bytes.subarray(0, bytes.length / 2);
    await assert.rejects(readAsset(cut, { readHdf5 }), refusedAs("truncated"));
    await assert.rejects(readAsset(bytes.subarray(0, 9), { readHdf5 }), refusedAs("truncated"));
    const damaged = bytes.slice().fill(0, 100, 400);
    await assert.rejects(readAsset(damaged, { readHdf5 }), refusedAs("malformed"));
    const limits = { ...defaultAssetLimits, maxSplats: 99 };
    await assert.rejects(readAsset(bytes, { readHdf5, limits }), refusedAs("too-many-splats"));
  });

  test("what it declares is added up before anything is read", async () => {
    const zeros = cloud(5_000, 3);
    zeros.shRest.fill(0);
    const bytes = await writeHdf5(zeros);
    const declared = 5_000 * (3 + 3 + 4 + 1 + 3 + 45) * 4;
    assert.ok(bytes.length < declared / 4);
    const within = (maxDecompressedBytes: number) =>
      readAsset(bytes, { readHdf5, limits: { ...defaultAssetLimits, maxDecompressedBytes } });
    await assert.rejects(within(declared - 1), refusedAs("too-large"));
    assert.equal((await within(declared)).count, 5_000);
  });

  test("the thread ends when it takes too long or is told to", async () => {
    const bytes = await writeHdf5(cloud(10, 0));
    const unusual = Uint8Array.from(bytes);
    unusual[16] = 8; // wider leaves of trees: for the library, which has the thread
    await assert.rejects(
      readHdf5(unusual, defaultAssetLimits, { maxCpuMs: 0 }),
      refusedAs("malformed"),
    );
    const signal = AbortSignal.abort(new Error("stopped"));
    await assert.rejects(readHdf5(bytes, defaultAssetLimits, { signal }), /stopped/);
  });
});

test(".splat is read when it is named", async () => {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  for (const start of [0, 32]) {
    [1, 2, 3, 0.5, 0.25, 0].forEach((value, i) => {
      view.setFloat32(start + i * 4, value, true);
    });
    bytes.set([255, 0, 128, 255, 255, 128, 128, 128], start + 24);
  }
  const splat = await readAsset(bytes, { format: "splat" });
  assert.deepEqual(splat, readDotSplat(bytes));
  assert.deepEqual([...splat.positions.subarray(0, 3)], [1, 2, 3]);
  assertClose(
    splat.scales.subarray(0, 2),
    Float32Array.of(Math.log(0.5), Math.log(0.25)),
    0,
    "scale",
  );
  assert.equal(splat.opacities[0], Infinity);
  assert.deepEqual([...splat.rotations.subarray(0, 4)], [127 / 128, 0, 0, 0]);
  await assert.rejects(readAsset(bytes), refusedAs("unknown-format"));
  await assert.rejects(
    readAsset(bytes.subarray(0, 40), { format: "splat" }),
    refusedAs("truncated"),
  );
});

test("compressed PLY is unpacked", () => {
  const bounds = ["x", "y", "z", "scale_x", "scale_y", "scale_z"].flatMap((name) => [
    `min_${name}`,
    `max_${name}`,
  ]);
  const header = Buffer.from(
    [
      "ply",
      "format binary_little_endian 1.0",
      "element chunk 1",
      ...bounds.map((name) => `property float ${name}`),
      "element vertex 2",
      ...["position", "rotation", "scale", "color"].map((name) => `property uint packed_${name}`),
      "element sh 2",
      ...Array.from({ length: 9 }, (_, i) => `property uchar f_rest_${i}`),
      "end_header\n",
    ].join("\n"),
  );
  const body = Buffer.alloc(12 * 4 + 2 * 16 + 18);
  [-1, 1, -2, 2, 0, 4, -6, -2, -6, -2, -6, -2].forEach((value, i) => {
    body.writeFloatLE(value, i * 4);
  });
  // Bottom corner, rotation by w alone, least scale, white and nearly opaque; then the top corner.
  const words = [
    0,
    (512 << 20) | (512 << 10) | 512,
    0,
    0xfffffffe,
    0xffffffff,
    3 << 30,
    0xffffffff,
  ];
  [...words, 0x000000ff].forEach((word, i) => {
    body.writeUInt32LE(word >>> 0, 48 + i * 4);
  });
  body.set([0, 128, 255, 0, 0, 0, 0, 0, 0], 80);
  const splat = readPly(Buffer.concat([header, body]));
  assert.deepEqual([...splat.positions], [-1, -2, 0, 1, 2, 4]);
  assert.deepEqual([...splat.scales], [-6, -6, -6, -2, -2, -2]);
  assertClose(splat.rotations.subarray(0, 4), Float32Array.of(1, 0, 0, 0), 1e-3, "rotation");
  assert.equal(splat.opacities[1], Infinity);
  assertClose(splat.shDc.subarray(0, 3), new Float32Array(3).fill(0.5 / shC0), 1e-6, "white");
  assert.equal(splat.shDegree, 1);
  // Red: the ends of the range and just above its middle.
  assert.deepEqual([splat.shRest[0], splat.shRest[3], splat.shRest[6]], [-4, 0.015625, 4]);
});

test("halves are read as they are written", () => {
  for (let bits = 0; bits < 65536; bits++) {
    if ((bits & 0x7c00) === 0x7c00 || bits === 0x8000) {
      continue;
    }
    assert.equal(encodeHalf(decodeHalf(bits)), bits);
  }
  assert.equal(encodeHalf(1e9), 0x7bff);
  assert.equal(decodeHalf(encodeHalf(0.1)), 0.0999755859375);
});
