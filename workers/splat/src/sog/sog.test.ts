import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { makeSog } from "../../test/makers/sog.ts";
import { makeWebp, packedPictures } from "../../test/makers/webp.ts";
import { makeZip } from "../../test/makers/zip.ts";
import { assertNear, assertRefused } from "../../test/near.ts";
import { cloud } from "../../test/shapes.ts";
import { defaultAssetLimits, readAnySplat, readAsset } from "../index.ts";
import { openZip } from "../packing/zip.ts";
import { decodeWebp } from "../webp/decode.ts";

/** Half a step of each value's 256, or of 16 bits. */
const near = {
  positions: 1e-4,
  scales: 6 / 255 / 2 + 1e-5,
  opacities: 0.003,
  shDc: 3 / 255 / 2 + 1e-5,
  shRest: 1.8 / 255 / 2 + 1e-5,
  rotations: 1e-4,
};

for (const version of [1, 2] as const) {
  for (const shDegree of [0, 1, 2, 3] as const) {
    test(`version ${version} of degree ${shDegree}`, async () => {
      const splat = cloud(150, shDegree);
      const { splat: back, format } = await readAnySplat(makeSog(splat, { version }));
      assertNear(back, splat, version === 1 ? { ...near, opacities: 0.011 } : near);
      assert.equal(format, "sog");
    });
  }
}

const few = cloud(40, 1);

test("in a folder, deflated and inside gzip", async () => {
  const { splat } = await readAnySplat(makeSog(few, { folder: "scene/", isStored: false }));
  assertNear(splat, few, near);
  assert.equal((await readAnySplat(gzipSync(makeSog(few)))).format, "sog in gzip");
  await assertRefused(readAsset(makeSog(few)), "unknown-format", /is a ZIP.*\.sog/);
});

test("as a folder of files, of which none is looked for elsewhere", async () => {
  const entries = openZip(makeSog(few));
  const asked: string[] = [];
  const beside = async (name: string) => {
    asked.push(name);
    return entries.get(name)?.read();
  };
  const meta = entries.get("meta.json")?.read() ?? assert.fail();
  const { splat, format } = await readAnySplat(meta, { beside });
  assertNear(splat, few, near);
  assert.equal(format, "sog");
  assert.ok(asked.length >= 6);
  asked.length = 0;
  const outside = Buffer.from(Buffer.from(meta).toString().replace("quats.webp", "../q.webp"));
  await assertRefused(
    readAnySplat(outside, { beside }),
    "malformed",
    /"\.\.\/q\.webp" of quats is not/,
  );
  assert.ok(!asked.includes("../q.webp"));
  await assertRefused(readAnySplat(meta), "unknown-format", /give its folder, or zip it/);
});

describe("is refused", () => {
  const refused = async (
    what: Parameters<typeof makeSog>[1],
    code: Parameters<typeof assertRefused>[1],
    message: RegExp,
  ) => await assertRefused(readAnySplat(makeSog(few, what)), code, message);
  test("when its parts do not fit together", async () => {
    await refused(
      { change: (meta) => Object.assign(meta, { version: 3 }) },
      "unsupported-version",
      /SOG 3/,
    );
    await refused(
      { change: (meta) => Object.assign(meta, { count: 41 * 41 }) },
      "malformed",
      /pixels for 1681 splats/,
    );
    await refused({ change: (meta) => Object.assign(meta, { count: 0 }) }, "empty", /no splats/);
    await refused({ change: (meta) => delete meta.quats }, "malformed", /quats/);
    await refused(
      { change: (meta) => Object.assign(meta, { quats: { files: ["../../x.webp"] } }) },
      "malformed",
      /"\.\.\/\.\.\/x\.webp" of quats is not there/,
    );
    await refused(
      { change: (meta) => Object.assign(meta, { quats: { files: ["sh0.webp"] } }) },
      "malformed",
      /names no largest part/,
    );
    await refused(
      { change: (meta) => Object.assign(meta.scales ?? {}, { codebook: [1, 2] }) },
      "malformed",
      /256 numbers/,
    );
  });
  test("when it is no SOG", async () => {
    const zip = makeZip({ "a.ply": Buffer.from("ply\n") });
    await assertRefused(
      readAnySplat(zip),
      "unknown-format",
      /a ZIP in which a\.ply lies: unpack it/,
    );
  });
  test("when it is damaged or too large", async () => {
    const bytes = makeSog(few);
    const flipped = Buffer.from(bytes);
    const place = flipped.indexOf("WEBP") + 250;
    flipped[place] = (flipped[place] ?? 0) ^ 4;
    await assertRefused(readAnySplat(flipped), "malformed", /"means_l\.webp".*checksum/);
    await assertRefused(readAnySplat(bytes.subarray(0, bytes.length - 30)), "truncated", /ZIP/);
    const limits = { ...defaultAssetLimits, maxSplats: 39 };
    await assertRefused(readAnySplat(bytes, { limits }), "too-many-splats", /40 splats/);
    const many = makeZip(
      Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`${i}`, new Uint8Array(0)])),
    );
    await assertRefused(readAnySplat(many), "too-large", /1001 entries/);
  });
});

describe("WebP", () => {
  test("pixels come as they were", () => {
    const rgba = Uint8Array.from({ length: 7 * 5 * 4 }, (_, i) => (i * 37) % 256);
    const { width, height, rgba: back } = decodeWebp(makeWebp(7, 5, rgba), 100);
    assert.deepEqual([width, height, [...back]], [7, 5, [...rgba]]);
  });
  for (const [name, { width, height, webp, rgba }] of Object.entries(packedPictures)) {
    test(`${name} pixels as libwebp packs them come as they were`, () => {
      const picture = decodeWebp(webp, width * height);
      assert.deepEqual([picture.width, picture.height], [width, height]);
      assert.deepEqual(picture.rgba, rgba);
    });
  }
  test("sizes are judged before pixels, lossy ones are refused", () => {
    const picture = makeWebp(7, 5, new Uint8Array(140));
    assert.throws(() => decodeWebp(picture, 34), /7×5 pixels; at most 34/);
    assert.throws(() => decodeWebp(picture.subarray(0, 60), 100), /ends too early/);
    const lossy = Buffer.from(picture);
    lossy.write("VP8 ", 12, "latin1");
    assert.throws(() => decodeWebp(lossy, 100), /lossy/);
  });
});
