import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readPly, type Splat, shC0, writePly } from "@turntable/splat";
import { colours, type Noun, objects, primitives } from "../grammar/index.ts";
import { defaultSplats, generate, splatLimits } from "./generate.ts";
import { colourRgb } from "./palette.ts";

const nouns: readonly Noun[] = [...primitives, ...objects];
const spoken = (noun: string): string => `a ${noun}`;

/** Largest distance of a splat from the origin. */
function radiusOf({ positions }: Splat): number {
  let radius = 0;
  for (let i = 0; i < positions.length; i += 3) {
    radius = Math.max(radius, Math.hypot(...positions.subarray(i, i + 3)));
  }
  return radius;
}

function colourOf(splat: Splat, i: number): readonly number[] {
  return Array.from(splat.shDc.subarray(i * 3, i * 3 + 3), (value) => 0.5 + shC0 * value);
}

test("a process of its own makes the committed bytes", () => {
  const script = new URL("./print-hashes.test-process.ts", import.meta.url).pathname;
  const printed: unknown = JSON.parse(
    execFileSync(process.execPath, [script], { encoding: "utf8" }),
  );
  const committed: unknown = JSON.parse(
    readFileSync(new URL("./hashes.json", import.meta.url), "utf8"),
  );
  // If the engine was changed on purpose: node procedural/print-hashes.test-process.ts > hashes.json
  assert.deepEqual(printed, committed);
});

test("equal requests give equal bytes in any order; other seeds give others", () => {
  const first = writePly(generate({ prompt: "a red mug", seed: 5, splats: 3000 }).splat);
  generate({ prompt: "a checkered whale", splats: 3000 });
  const second = writePly(generate({ prompt: "a red mug", seed: 5, splats: 3000 }).splat);
  assert.deepEqual(first, second);
  const other = writePly(generate({ prompt: "a red mug", seed: 6, splats: 3000 }).splat);
  assert.notDeepEqual(first, other);
});

test("10,000 to 100,000 splats are given as asked", () => {
  for (const splats of [10_000, defaultSplats, 100_000]) {
    for (const prompt of ["a cube", "a green tree", "a bicycle"]) {
      const { count } = generate({ prompt, splats }).splat;
      assert.ok(count <= splats && count >= 0.9 * splats, `${prompt}: ${count} of ${splats}`);
    }
  }
});

test("a count out of bounds is refused", () => {
  for (const splats of [0, splatLimits.least - 1, splatLimits.most + 1, Number.NaN]) {
    assert.throws(() => generate({ prompt: "a cube", splats }), RangeError);
  }
});

test("the PLY of an asset is read back by the decoder that scores it", () => {
  const { splat } = generate({ prompt: "a glass teapot", splats: 5000 });
  assert.deepEqual(readPly(writePly(splat)), splat);
});

test("splats are flat, and lie in the surface that they cover", () => {
  const { splat } = generate({ prompt: "a sphere", splats: 5000 });
  for (let i = 0; i < splat.count; i++) {
    const [su = 0, sv = 0, sn = 0] = splat.scales.subarray(i * 3, i * 3 + 3);
    assert.ok(sn <= Math.min(su, sv) - 1.5, "thin across the surface");
    assert.ok(Math.abs(su - sv) < 1, "as long as wide, nearly");
    const [w = 0, x = 0, y = 0, z = 0] = splat.rotations.subarray(i * 4, i * 4 + 4);
    // The third column of the rotation is the normal, which is the direction from the middle.
    const normal = [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)];
    const [px = 0, py = 0, pz = 0] = splat.positions.subarray(i * 3, i * 3 + 3);
    const length = Math.hypot(px, py, pz);
    const cosine = (px * (normal[0] ?? 0) + py * (normal[1] ?? 0) + pz * (normal[2] ?? 0)) / length;
    assert.ok(cosine > 0.98, `normal ${normal} at ${[px, py, pz]}`);
  }
});

test("the surface is covered evenly", () => {
  const { splat } = generate({ prompt: "a cube", seed: 3, splats: 6000 });
  // Splats per unit of area: of cells of one size, each covers about σu·σv / spread².
  const areas = Array.from({ length: splat.count }, (_, i) =>
    Math.exp((splat.scales[i * 3] ?? 0) + (splat.scales[i * 3 + 1] ?? 0)),
  ).toSorted((a, b) => a - b);
  const at = (share: number): number => areas[Math.floor(share * areas.length)] ?? 0;
  assert.ok(at(0.9) / at(0.3) < 1.3, "but for those at the edges, all cells are of one size");
});

test("nothing sticks out of a silhouette: discs at the edges of a cube end with it", () => {
  const { splat } = generate({ prompt: "a cube", seed: 3, splats: 10_000 });
  const plain = generate({ prompt: "a sphere", seed: 3, splats: 10_000 }).splat;
  for (const shape of [splat, plain]) {
    const radius = radiusOf(shape);
    let reach = 0;
    for (let i = 0; i < shape.count; i++) {
      const [w = 0, x = 0, y = 0, z = 0] = shape.rotations.subarray(i * 4, i * 4 + 4);
      const axes = [
        [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
        [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
      ];
      const p = shape.positions.subarray(i * 3, i * 3 + 3);
      for (const [k, axis] of axes.entries()) {
        const s = 2 * Math.exp(shape.scales[i * 3 + k] ?? 0);
        for (const sign of [s, -s]) {
          const q = axis.map((value, j) => (p[j] ?? 0) + sign * value);
          reach = Math.max(reach, Math.hypot(...q));
        }
      }
    }
    assert.ok(reach < radius * 1.012, `two deviations reach ${reach / radius} of the surface`);
  }
});

/** Which of the colour words is nearest, in brightness-free terms first. */
function nearestColour(rgb: readonly number[]): string {
  const distance = (target: readonly number[]): number => {
    const factor =
      rgb.reduce((sum, value, i) => sum + value * (target[i] ?? 0), 0) /
      target.reduce((sum, value) => sum + value * value, 0);
    const shade = Math.min(1.25, Math.max(0.5, factor));
    return Math.hypot(...rgb.map((value, i) => value - shade * (target[i] ?? 0)));
  };
  return colours.toSorted((a, b) => distance(colourRgb[a]) - distance(colourRgb[b]))[0] ?? "";
}

test("a thing has its colour on all sides, also from below", () => {
  for (const colour of colours.filter((word) => !["white", "gray", "black"].includes(word))) {
    const { splat } = generate({ prompt: `a ${colour} cube`, splats: 3000 });
    for (const [axis, sign] of [
      [0, 1],
      [0, -1],
      [1, 1],
      [1, -1],
      [2, 1],
      [2, -1],
    ] as const) {
      const sum = [0, 0, 0];
      for (let i = 0; i < splat.count; i++) {
        if (sign * (splat.positions[i * 3 + axis] ?? 0) < 0.2) {
          continue;
        }
        for (const [k, value] of colourOf(splat, i).entries()) {
          sum[k] = (sum[k] ?? 0) + value;
        }
      }
      const brightest = Math.max(...sum);
      const mean = sum.map((value) => value / brightest);
      const target = colourRgb[colour];
      const most = Math.max(...target);
      for (const [k, value] of mean.entries()) {
        assert.ok(
          Math.abs(value - (target[k] ?? 0) / most) < 0.03,
          `${colour}, side ${sign}${"xyz"[axis]}: ${mean}`,
        );
      }
    }
  }
});

test("the named colour is a good part of every thing", () => {
  const poor: string[] = [];
  for (const noun of nouns) {
    const { splat } = generate({ prompt: `${spoken("purple")} ${noun}`, splats: 4000 });
    let named = 0;
    for (let i = 0; i < splat.count; i++) {
      if (nearestColour(colourOf(splat, i)) === "purple") {
        named++;
      }
    }
    const share = named / splat.count;
    if (share <= 0.14) {
      poor.push(`${noun}: ${share.toFixed(2)}`);
    }
  }
  assert.deepEqual(poor, []);
});

test("patterns show both of their colours", () => {
  for (const material of ["striped", "dotted", "checkered"]) {
    for (const noun of ["cube", "sphere", "mug", "car", "disc", "cat"]) {
      const { splat } = generate({ prompt: `a red and blue ${material} ${noun}`, splats: 6000 });
      const shares = { red: 0, blue: 0 };
      for (let i = 0; i < splat.count; i++) {
        const [r = 0, , b = 0] = colourOf(splat, i);
        if (r > 2 * b) {
          shares.red++;
        }
        if (b > 2 * r) {
          shares.blue++;
        }
      }
      for (const [word, count] of Object.entries(shares)) {
        assert.ok(count > 0.1 * splat.count, `${material} ${noun}: ${word} ${count / splat.count}`);
      }
    }
  }
});

test("glass lets through what is inside it", () => {
  const { splat } = generate({ prompt: "a red fish inside a blue glass cube", splats: 8000 });
  let red = 0;
  for (let i = 0; i < splat.count; i++) {
    const [r = 0, , b = 0] = colourOf(splat, i);
    if (r > 2 * b) {
      red++;
    }
  }
  assert.ok(red > 300, `${red} splats of the fish are kept`);
});

test("what stands on something touches it, and lies above it", () => {
  const { splat } = generate({ prompt: "a red sphere on top of a blue cube", splats: 8000 });
  let lowestRed = 1;
  let highestBlue = -1;
  for (let i = 0; i < splat.count; i++) {
    const [r = 0, , b = 0] = colourOf(splat, i);
    const y = splat.positions[i * 3 + 1] ?? 0;
    if (r > 2 * b) {
      lowestRed = Math.min(lowestRed, y);
    }
    if (b > 2 * r) {
      highestBlue = Math.max(highestBlue, y);
    }
  }
  assert.ok(Math.abs(lowestRed - highestBlue) < 0.03, `${lowestRed} on ${highestBlue}`);
});

test("the levels of quality differ measurably", () => {
  const request = { prompt: "a red mushroom", seed: 4, splats: 10_000 };
  const good = generate({ ...request, quality: "good" });
  const share = (splat: Splat, of: string): number => {
    let count = 0;
    for (let i = 0; i < splat.count; i++) {
      if (nearestColour(colourOf(splat, i)) === of) {
        count++;
      }
    }
    return count / splat.count;
  };
  assert.ok(share(good.splat, "red") > 0.2);
  assert.ok(generate({ ...request, quality: "sparse" }).splat.count < 0.1 * good.splat.count);

  const blurry = generate({ ...request, quality: "blurry" }).splat;
  assert.ok((blurry.scales[0] ?? 0) > (good.splat.scales[0] ?? 0) + 1.5, "five times as large");
  assert.equal(blurry.scales[2], blurry.scales[0], "round, not flat");

  const colour = generate({ ...request, quality: "wrong-colour" });
  assert.ok(share(colour.splat, "red") < 0.02);
  assert.deepEqual(colour.scene, good.scene);
  assert.ok(colour.shown.kind === "single" && colour.shown.thing.colour !== "red");

  const shape = generate({ ...request, quality: "wrong-shape" });
  assert.ok(shape.shown.kind === "single" && shape.shown.thing.noun !== "mushroom");
  assert.ok(share(shape.splat, "red") > 0.1, "in the right colour");

  const noise = generate({ ...request, quality: "noise" }).splat;
  assert.equal(noise.count, good.splat.count);
  const inside = Array.from({ length: noise.count }, (_, i) =>
    Math.hypot(...noise.positions.subarray(i * 3, i * 3 + 3)),
  ).filter((radius) => radius < 0.3).length;
  assert.ok(inside > 0.05 * noise.count, "it fills the volume, no surface");
});

test("the work ends where it is told to", () => {
  const canceled = new Error("enough");
  let checks = 0;
  assert.throws(
    () =>
      generate({ prompt: "a castle", splats: 100_000 }, () => {
        if (++checks === 40) {
          throw canceled;
        }
      }),
    (error) => error === canceled,
  );
});
