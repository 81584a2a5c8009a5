import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makePly, type PlyColumn, placedColumns, wave } from "../../test/makers/ply.ts";
import { assertClose, assertRefused } from "../../test/near.ts";
import { logOfDeviation } from "../activation.ts";
import { type AnySplat, AssetError, readAnySplat, readAsset, shC0 } from "../index.ts";

const count = 20;
const dc = (low = -1, high = 1): Record<string, PlyColumn> => ({
  f_dc_0: { values: wave(count, low, high, 7) },
  f_dc_1: { values: wave(count, low, high, 8) },
  f_dc_2: { values: wave(count, low, high, 9) },
});
const opacity = { opacity: { values: wave(count, -3, 3, 6) } };
const whole: Record<string, PlyColumn> = { ...placedColumns(count), ...dc(), ...opacity };

function without(names: readonly string[], columns: Record<string, PlyColumn> = whole) {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => !names.includes(name)));
}

const dcNames = ["f_dc_0", "f_dc_1", "f_dc_2"];
const scaleNames = ["scale_0", "scale_1", "scale_2"];
const rotationNames = ["rot_0", "rot_1", "rot_2", "rot_3"];
const read = async (columns: Record<string, PlyColumn>, activated = false): Promise<AnySplat> =>
  await readAnySplat(makePly(columns), { activated });

test("a scale of −∞ is a deviation of 0; the subnet's reader refuses it as before", async () => {
  const scales = Float32Array.from(wave(count, -6, -3), (value, i) =>
    i === 3 ? -Infinity : value,
  );
  const bytes = makePly({ ...whole, scale_2: { values: scales } });
  const { splat, notes } = await readAnySplat(bytes);
  assert.equal(splat.scales[3 * 3 + 2], Math.fround(logOfDeviation(0)));
  assert.deepEqual(notes, ["1 scales of −∞: deviations of 0, flat splats"]);
  await assertRefused(readAsset(bytes), "non-finite", /scale of splat 3 is -Infinity/);
  const infinite = makePly({ ...whole, scale_2: { values: scales.map((value) => -value) } });
  await assertRefused(readAnySplat(infinite), "non-finite", /scale of splat 3 is Infinity/);
});

describe("colours", () => {
  const bytes = Uint8Array.from({ length: count }, (_, i) => (i * 13) % 256);
  const expected = Float32Array.from({ length: count * 3 }, (_, i) => {
    return ((bytes[Math.floor(i / 3)] ?? 0) / 255 - 0.5) / shC0;
  });
  const shares = Float32Array.from(bytes, (byte) => byte / 255);
  const named = (names: readonly string[], column: PlyColumn) => ({
    ...without(dcNames),
    ...Object.fromEntries(names.map((name) => [name, column])),
  });
  for (const [what, names, column] of [
    ["bytes", ["red", "green", "blue"], { type: "uchar", values: bytes }],
    ["bytes", ["r", "g", "b"], { type: "uchar", values: bytes }],
    ["bytes", ["diffuse_red", "diffuse_green", "diffuse_blue"], { type: "uchar", values: bytes }],
    [
      "words",
      ["red", "green", "blue"],
      {
        type: "ushort",
        values: bytes.length > 0 ? Uint16Array.from(bytes, (byte) => byte * 257) : [],
      },
    ],
    ["floats from 0 to 1", ["red", "green", "blue"], { type: "float", values: shares }],
    ["doubles from 0 to 1", ["red", "green", "blue"], { type: "double", values: shares }],
    ["floats from 0 to 255", ["red", "green", "blue"], { type: "float", values: bytes }],
  ] as const) {
    test(`${names.join(" ")} as ${what}`, async () => {
      const { splat, notes } = await read(named(names, column));
      assertClose(splat.shDc, expected, 1e-5, "f_dc");
      assert.deepEqual(notes, [`${names.join(", ")} are taken as colours`]);
      await assertRefused(readAsset(makePly(named(names, column))), "malformed", /"f_dc_0"/);
    });
  }

  test("coefficients count where both are there", async () => {
    const { splat, notes } = await read({
      ...whole,
      red: { values: shares },
      green: { values: shares },
      blue: { values: shares },
    });
    assert.equal(splat.shDc[0], whole.f_dc_0?.values[0]);
    assert.deepEqual(notes, []);
  });

  test("what could be two ranges, has a sign or is not there is refused", async () => {
    const names = ["red", "green", "blue"];
    const odd = read(named(names, { values: wave(count, 0, 3) }));
    await assertRefused(odd, "malformed", /red, green, blue go from .* floats from 0 to 1/);
    const below = read(named(names, { values: wave(count, -0.5, 0.5) }));
    await assertRefused(below, "malformed", /red, green, blue go from -/);
    const signed = read(named(names, { type: "char", values: bytes.map((byte) => byte >> 1) }));
    await assertRefused(signed, "malformed", /of the type char, which no colours/);
    await assertRefused(read(without(dcNames)), "malformed", /no colour.*red green blue/);
  });
});

describe("what is missing", () => {
  test("opacities: alpha is taken, or all are opaque", async () => {
    const alpha = Uint8Array.from({ length: count }, (_, i) => i * 12);
    const { splat, notes } = await read({
      ...without(["opacity"]),
      alpha: { type: "uchar", values: alpha },
    });
    const opacities = splat.opacities.map((logit) => 1 / (1 + Math.exp(-logit)));
    assertClose(
      opacities,
      Float32Array.from(alpha, (byte) => byte / 255),
      1e-6,
      "opacity",
    );
    assert.deepEqual(notes, ["alpha is taken as the opacity"]);
    const opaque = await read(without(["opacity"]));
    assert.ok(opaque.splat.opacities.every((value) => value === Infinity));
    assert.deepEqual(opaque.notes, ["no opacities: all splats are opaque"]);
  });

  test("rotations: not needed by round splats, refused for others", async () => {
    const round = { values: wave(count, -5, -4) };
    const scales = { scale_0: round, scale_1: round, scale_2: round };
    const { splat, notes } = await read({ ...without(rotationNames), ...scales });
    assert.deepEqual([...splat.rotations.subarray(0, 8)], [1, 0, 0, 0, 1, 0, 0, 0]);
    assert.deepEqual(notes, ["no rotations, which round splats do not need"]);
    await assertRefused(read(without(rotationNames)), "malformed", /how they lie is not known/);
  });

  test("scales: one is round, two are a disc, none is a point cloud", async () => {
    const one = await read(without(["scale_1", "scale_2", ...rotationNames]));
    const [a, b, c] = one.splat.scales;
    assert.deepEqual([a, b, c], [whole.scale_0?.values[0], a, a]);
    const two = await read(without(["scale_2"]));
    assert.equal(two.splat.scales[2], Math.fround(logOfDeviation(0)));
    assert.match(two.notes[0] ?? "", /discs/);
    await assertRefused(read(without(scaleNames)), "malformed", /point cloud/);
  });

  test("a mesh is called one", async () => {
    const vertices = ["x", "y", "z"].map((name) => `property float ${name}`);
    const text = [
      ...["ply", "format ascii 1.0", "element vertex 3", ...vertices],
      ...["element face 1", "property list uchar int vertex_indices", "end_header"],
      ...["0 0 0", "1 0 0", "0 1 0", "3 0 1 2", ""],
    ].join("\n");
    await assertRefused(readAnySplat(Buffer.from(text)), "malformed", /it is a mesh/);
  });
});

describe("activated values", () => {
  const logits = wave(count, -3, 3, 6);
  const activated = {
    ...whole,
    opacity: { values: logits.map((logit) => 1 / (1 + Math.exp(-logit))) },
    ...Object.fromEntries(
      scaleNames.map((name) => [
        name,
        { values: Float32Array.from(whole[name]?.values ?? [], Math.exp) },
      ]),
    ),
  };

  test("are turned back into what is stored; coefficients stay", async () => {
    const { splat, notes } = await read(activated, true);
    assertClose(splat.opacities, logits, 1e-4, "opacity");
    assertClose(splat.scales, (await read(whole)).splat.scales, 1e-5, "scale");
    assertClose(splat.shDc, (await read(whole)).splat.shDc, 0, "f_dc");
    assert.deepEqual(notes, []);
  });

  test("are noticed when nobody said so", async () => {
    const { notes } = await read(activated);
    assert.match(notes[0] ?? "", /look activated already.*--activated/);
  });

  test("that are none are refused", async () => {
    await assertRefused(
      read(whole, true),
      "malformed",
      /opacity of splat \d+ is .*; activated ones go from 0 to 1/,
    );
    const negative = { ...activated, scale_0: whole.scale_0 ?? { values: [] } };
    await assertRefused(read(negative, true), "non-finite", /scale of splat 0 is NaN/);
  });
});

describe("half of the values activated", () => {
  const many = 120;
  const half = (name: string, low: number, high: number): Record<string, PlyColumn> => ({
    [name]: { values: wave(many, low, high) },
  });
  const columns = {
    ...placedColumns(many),
    ...Object.assign({}, ...dcNames.map((name) => half(name, -1, 1))),
    ...half("opacity", -3, 3),
  };

  test("opacities alone are told, and scales alone", async () => {
    const opacities = await read({ ...columns, ...half("opacity", 0.01, 0.99) });
    assert.match(opacities.notes.join(), /^its opacities look activated already/);
    const scales = Object.assign({}, ...scaleNames.map((name) => half(name, 0.01, 0.05)));
    const deviations = await read({ ...columns, ...scales });
    assert.match(deviations.notes.join(), /^its scales look activated already/);
    assert.deepEqual((await read(columns)).notes, []);
  });
});

test("whole numbers: bytes are opacities of 255 steps, but no logarithms or coefficients", async () => {
  const bytes = Uint8Array.from({ length: count }, (_, i) => i * 12);
  const { splat, notes } = await read({ ...whole, opacity: { type: "uchar", values: bytes } });
  assert.ok(Math.abs((splat.opacities[10] ?? 0) - Math.log(120 / 135)) < 1e-5);
  assert.match(notes.join(), /opacities of the type uchar/);
  for (const name of ["scale_1", "f_dc_2"]) {
    const packed = read({ ...whole, [name]: { type: "uchar", values: bytes } });
    await assertRefused(packed, "malformed", /whole numbers \(uchar\), packed in a way/);
  }
});

test("scales of other names are named, and lists and unknown types too", async () => {
  const renamed = Object.fromEntries(
    Object.entries(whole).map(([name, column]) => [name.replace("scale_", "scaling_"), column]),
  );
  await assertRefused(read(renamed), "malformed", /no "scale_0" to "scale_2" but scaling_0/);
  const text = (property: string) =>
    Buffer.from(`ply\nformat ascii 1.0\nelement vertex 1\nproperty ${property}\nend_header\n1\n`);
  const listed = readAnySplat(text("list uchar int neighbours"));
  await assertRefused(listed, "malformed", /vertices have a list \("neighbours"\)/);
  const half = readAnySplat(text("half x"));
  await assertRefused(half, "malformed", /"x" is of the type "half"; there are char,/);
});

test("bands above the third and filters of Mip-Splatting are left out, and said to be", async () => {
  const rest = Object.fromEntries(
    Array.from({ length: 72 }, (_, i) => [
      `f_rest_${i}`,
      { values: new Float32Array(count).fill(i) },
    ]),
  );
  const { splat, notes } = await read({
    ...whole,
    ...rest,
    filter_3D: { values: wave(count, 0, 1) },
  });
  assert.equal(splat.shDegree, 3);
  // Coefficient by coefficient, from 24 a channel.
  assert.deepEqual([...splat.shRest.subarray(0, 6)], [0, 24, 48, 1, 25, 49]);
  assert.deepEqual([...splat.shRest.subarray(42, 45)], [14, 38, 62]);
  assert.equal(notes.length, 2);
  await assert.rejects(readAsset(makePly({ ...whole, ...rest })), AssetError);
});

test("a header that is too long is told from one that does not end", async () => {
  const comments = `comment ${"x".repeat(70_000)}`;
  await assertRefused(readAsset(makePly(whole, comments)), "malformed", /longer than 65536 bytes/);
  await assertRefused(
    readAnySplat(makePly(whole, comments)),
    "malformed",
    /longer than 65536 bytes/,
  );
  const endless = Buffer.from("ply\nformat ascii 1.0\n");
  await assertRefused(readAsset(endless), "truncated", /no end_header/);
});
