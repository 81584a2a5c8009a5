import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { changedGlb, spzGlb } from "../../test/makers/glb.ts";
import { assertNear, assertRefused } from "../../test/near.ts";
import { cloud } from "../../test/shapes.ts";
import { defaultAssetLimits, readAnySplat, readAsset, type Splat, writeGlb } from "../index.ts";
import { packGlb, parseGlb } from "./container.ts";

const near = { positions: 0, scales: 1e-5, opacities: 1e-6, shDc: 0, shRest: 0, rotations: 1e-6 };
const few = cloud(12, 1);

type Json = Record<string, unknown>;
// A test knows the shape of what it changes.
const primitiveOf = (json: Json) =>
  (
    json.meshes as {
      primitives: (Json & { attributes: Json; extensions: Record<string, Json> })[];
    }[]
  )[0]?.primitives[0] ?? assert.fail("no primitive");

for (const shDegree of [0, 1, 2, 3] as const) {
  test(`degree ${shDegree} comes back`, async () => {
    const splat = {
      ...cloud(30, shDegree),
      opacities: Float32Array.from({ length: 30 }, (_, i) =>
        i === 0 ? Infinity : i === 1 ? -Infinity : i / 10 - 1,
      ),
    };
    const { splat: back, format, notes } = await readAnySplat(writeGlb(splat));
    assertNear(back, splat, near);
    assert.deepEqual([format, notes], ["glb", []]);
  });
}

test("what is written is what the extension asks for", () => {
  const { json } = parseGlb(writeGlb(few));
  assert.deepEqual(json.extensionsUsed, ["KHR_gaussian_splatting"]);
  const primitive = primitiveOf(json);
  assert.equal(primitive.mode, 0);
  assert.deepEqual(primitive.extensions, {
    KHR_gaussian_splatting: { kernel: "ellipse", colorSpace: "srgb_rec709_display" },
  });
  assert.deepEqual(Object.keys(primitive.attributes), [
    "POSITION",
    "KHR_gaussian_splatting:SCALE",
    "KHR_gaussian_splatting:ROTATION",
    "KHR_gaussian_splatting:OPACITY",
    "KHR_gaussian_splatting:SH_DEGREE_0_COEF_0",
    ...[0, 1, 2].map((k) => `KHR_gaussian_splatting:SH_DEGREE_1_COEF_${k}`),
  ]);
  const [position] = json.accessors as { min: number[]; max: number[]; count: number }[];
  assert.equal(position?.count, 12);
  assert.ok((position?.min[0] ?? 0) < (position?.max[0] ?? 0));
});

describe("SPZ inside", () => {
  for (const name of [
    "KHR_gaussian_splatting_compression_spz_2",
    "KHR_gaussian_splatting_compression_spz",
    "KHR_spz_compression",
  ]) {
    for (const version of [2, 3, 4] as const) {
      test(`version ${version} under ${name}`, async () => {
        const { splat } = await readAnySplat(spzGlb(few, { name, version, compression: "gzip" }));
        const coarse = {
          positions: 2 ** -12,
          scales: 1 / 32,
          opacities: 0.003,
          shDc: 0.014,
          shRest: 1 / 256,
          rotations: 0.01,
        };
        assertNear(splat, few, coarse);
      });
    }
  }
  test("limits count for what is inside", async () => {
    const limits = { ...defaultAssetLimits, maxSplats: 11 };
    const bytes = spzGlb(few, { name: "KHR_gaussian_splatting_compression_spz", version: 2 });
    await assertRefused(readAnySplat(bytes, { limits }), "too-many-splats", /12 splats/);
  });
});

describe("nodes", () => {
  const placed = async (node: Json): Promise<Splat> =>
    (
      await readAnySplat(
        changedGlb(few, (json) => Object.assign(json, { nodes: [{ mesh: 0, ...node }] })),
      )
    ).splat;

  test("move, turn and scale, one in the other", async () => {
    const half = Math.SQRT1_2;
    const nested = changedGlb(few, (json) => {
      json.nodes = [
        { mesh: 0, translation: [1, 0, 0] },
        { children: [0], rotation: [0, half, 0, half], scale: [2, 2, 2] },
      ];
      json.scenes = [{ nodes: [1] }];
    });
    const { splat } = await readAnySplat(nested);
    const [x = 0, y = 0, z = 0] = few.positions;
    // A quarter turn around y takes x to −z and z to x.
    for (const [axis, value] of [2 * z, 2 * y, -2 * (x + 1)].entries()) {
      assert.ok(Math.abs((splat.positions[axis] ?? 0) - value) < 1e-5);
    }
    assert.ok(Math.abs((splat.scales[0] ?? 0) - (few.scales[0] ?? 0) - Math.log(2)) < 1e-5);
  });

  test("by a matrix as by its parts", async () => {
    const matrix = await placed({ matrix: [0, 0, -2, 0, 0, 2, 0, 0, 2, 0, 0, 0, 1, 2, 3, 1] });
    const half = Math.SQRT1_2;
    const parts = await placed({
      translation: [1, 2, 3],
      rotation: [0, half, 0, half],
      scale: [2, 2, 2],
    });
    assertNear(matrix, parts, { ...near, positions: 1e-5, scales: 1e-5, shRest: 1e-5 });
  });

  test("that stretch or flatten are refused, and loops end", async () => {
    await assertRefused(placed({ scale: [1, 2, 1] }), "malformed", /unevenly/);
    await assertRefused(placed({ scale: [0, 0, 0] }), "malformed", /to nothing/);
    await assertRefused(placed({ children: [0] }), "too-large", /loop/);
  });

  test("several are joined, and what they show together has the limit", async () => {
    const twice = changedGlb(few, (json) => {
      json.nodes = [{ mesh: 0 }, { mesh: 0, translation: [0, 5, 0] }];
      json.scenes = [{ nodes: [0, 1] }];
    });
    const { splat } = await readAnySplat(twice);
    assert.equal(splat.count, 24);
    assert.equal(splat.positions[12 * 3 + 1], Math.fround((few.positions[1] ?? 0) + 5));
    const limits = { ...defaultAssetLimits, maxSplats: 20 };
    await assertRefused(readAnySplat(twice, { limits }), "too-many-splats", /12 splats; at most 8/);
  });
});

test("quantised rotations and opacities are read", async () => {
  const { json, binary } = parseGlb(writeGlb(few));
  const copy: Json = structuredClone({ ...json });
  const accessors = copy.accessors as Json[];
  const views = copy.bufferViews as Json[];
  const opacities = few.opacities.map((logit) => 1 / (1 + Math.exp(-logit)));
  const bytes = Uint8Array.from(opacities, (value) => Math.round(value * 255));
  views.push({ buffer: 0, byteOffset: binary.length, byteLength: 12 });
  Object.assign(accessors[3] ?? {}, {
    componentType: 5121,
    normalized: true,
    bufferView: views.length - 1,
  });
  (copy.buffers as Json[])[0] = { byteLength: binary.length + 12 };
  const { splat } = await readAnySplat(packGlb(copy, Buffer.concat([binary, bytes])));
  assertNear(splat, few, { ...near, opacities: 0.002 });
});

describe("accessors", () => {
  /** The opacities replaced: accessor 3, by another over bytes of its own. */
  const withOpacities = (accessor: Json, bytes: Uint8Array, byteStride?: number): Uint8Array => {
    const { json, binary } = parseGlb(writeGlb(few));
    const copy: Json = structuredClone({ ...json });
    const views = copy.bufferViews as Json[];
    const view = views.push({ buffer: 0, byteOffset: binary.length, byteLength: bytes.length }) - 1;
    Object.assign(views[view] ?? {}, byteStride === undefined ? {} : { byteStride });
    const pointed = JSON.stringify(accessor).replaceAll('"VIEW"', String(view));
    (copy.accessors as Json[])[3] = {
      componentType: 5126,
      count: 12,
      type: "SCALAR",
      ...JSON.parse(pointed),
    };
    (copy.buffers as Json[])[0] = { byteLength: binary.length + bytes.length };
    return packGlb(copy, Buffer.concat([binary, bytes]));
  };
  const opacitiesOf = async (bytes: Uint8Array): Promise<readonly number[]> => {
    const { splat } = await readAnySplat(bytes);
    return Array.from(splat.opacities, (logit) => Math.round(1000 / (1 + Math.exp(-logit))) / 1000);
  };
  const places = Uint32Array.of(2, 5);
  const values = Float32Array.of(0.5, 0.25);
  const replacing = Buffer.concat([Buffer.from(places.buffer), Buffer.from(values.buffer)]);
  const sparse = {
    count: 2,
    indices: { bufferView: "VIEW", componentType: 5125 },
    values: { bufferView: "VIEW", byteOffset: 8 },
  };

  test("that are sparse replace zeros, or what is there", async () => {
    const read = await opacitiesOf(withOpacities({ sparse }, replacing));
    assert.deepEqual(read, [0, 0, 0.5, 0, 0, 0.25, 0, 0, 0, 0, 0, 0]);
    const there = Buffer.concat([replacing, Buffer.from(new Float32Array(12).fill(1).buffer)]);
    const over = await opacitiesOf(
      withOpacities({ sparse, bufferView: "VIEW", byteOffset: 16 }, there),
    );
    assert.deepEqual(over, [1, 1, 0.5, 1, 1, 0.25, 1, 1, 1, 1, 1, 1]);
  });

  test("that are sparse beyond their end, or without any data, are refused", async () => {
    const beyond = Buffer.from(replacing);
    beyond.writeUInt32LE(12, 0);
    await assertRefused(
      readAnySplat(withOpacities({ sparse }, beyond)),
      "malformed",
      /replaces element 12/,
    );
    await assertRefused(readAnySplat(withOpacities({}, replacing)), "malformed", /has no data/);
  });

  test("of bytes and words with other values between them", async () => {
    for (const [componentType, bytes, most] of [
      [5121, 1, 255],
      [5123, 2, 65535],
    ] as const) {
      const interleaved = Buffer.alloc(12 * 8, 0x7f);
      for (let i = 0; i < 12; i++) {
        interleaved.writeUIntLE(i === 0 ? most : 0, i * 8 + 2, bytes);
      }
      const accessor = { componentType, normalized: true, bufferView: "VIEW", byteOffset: 2 };
      const read = await opacitiesOf(withOpacities(accessor, interleaved, 8));
      assert.deepEqual(read, [1, ...new Array(11).fill(0)]);
    }
  });
});

test("scales below 0 are the draft's logarithms", async () => {
  const { json, binary } = parseGlb(writeGlb(few));
  const logs = Buffer.from(binary);
  const at = ((json.bufferViews as { byteOffset: number }[])[1] ?? assert.fail()).byteOffset;
  for (const [i, value] of few.scales.entries()) {
    logs.writeFloatLE(value, at + i * 4);
  }
  const { splat, notes } = await readAnySplat(packGlb(json, logs));
  assertNear(splat, few, near);
  assert.match(notes[0] ?? "", /logarithms/);
});

test("what means something else is refused by name", async () => {
  const refused = async (
    change: (json: Json) => void,
    code: Parameters<typeof assertRefused>[1],
    m: RegExp,
  ) => await assertRefused(readAnySplat(changedGlb(few, change)), code, m);
  const extension = (json: Json): Json =>
    primitiveOf(json).extensions.KHR_gaussian_splatting ?? assert.fail();
  await refused(
    (json) => {
      extension(json).kernel = "cube";
    },
    "malformed",
    /kernel cube/,
  );
  await refused(
    (json) => {
      extension(json).colorSpace = "lin_rec709_display";
    },
    "malformed",
    /lin_rec709_display/,
  );
  await refused(
    (json) => {
      extension(json).extensions = { EXT_other: {} };
    },
    "unsupported-version",
    /EXT_other/,
  );
  await refused(
    (json) => {
      primitiveOf(json).mode = 4;
    },
    "malformed",
    /mode 4/,
  );
  await refused(
    (json) => {
      primitiveOf(json).indices = 0;
    },
    "malformed",
    /chosen by indices/,
  );
  await refused(
    (json) => {
      delete primitiveOf(json).attributes["KHR_gaussian_splatting:OPACITY"];
    },
    "malformed",
    /no KHR_gaussian_splatting:OPACITY/,
  );
  await refused(
    (json) => {
      json.buffers = [{ byteLength: 1, uri: "a.bin" }];
    },
    "malformed",
    /other files/,
  );
  await refused(
    (json) => {
      primitiveOf(json).extensions = {};
      json.extensionsUsed = [];
    },
    "malformed",
    /it is a mesh .* takes splats/,
  );
  await refused(
    (json) => {
      json.nodes = [{}];
    },
    "malformed",
    /shows no primitive/,
  );
  await refused(
    (json) => {
      Object.assign((json.accessors as Json[])[1] ?? {}, { count: 1_000_000 });
    },
    "malformed",
    /another length/,
  );
  await refused(
    (json) => {
      Object.assign((json.bufferViews as Json[])[0] ?? {}, { byteLength: 9_999_999 });
    },
    "truncated",
    /beyond its data/,
  );
  await assertRefused(readAnySplat(writeGlb(few).subarray(0, 300)), "truncated", /cut short/);
  await assertRefused(
    readAsset(writeGlb(few)),
    "unknown-format",
    /is a GLB.*convert.*PLY, SPZ are read/,
  );
  assert.equal((await readAnySplat(gzipSync(writeGlb(few)))).format, "glb in gzip");
});
