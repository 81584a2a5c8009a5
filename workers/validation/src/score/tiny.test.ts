import assert from "node:assert/strict";
import { test } from "node:test";
import type { RgbImage } from "../render/index.ts";
import { defaultModelDir, loadClip } from "./index.ts";

type Rgb = readonly [number, number, number];

/** Of 0 to 255; other reds and greens than those the model was made from. */
const colours: Readonly<Record<string, Rgb>> = {
  red: [219, 26, 26],
  orange: [245, 128, 20],
  yellow: [242, 217, 31],
  green: [33, 158, 51],
  blue: [31, 64, 217],
  purple: [128, 41, 173],
  pink: [245, 128, 179],
  brown: [115, 69, 33],
  black: [20, 20, 20],
  gray: [128, 128, 128],
  cyan: [26, 199, 209],
  white: [240, 240, 240],
};
const neighbours = new Set(["orange brown", "brown orange", "pink red", "red pink"]);
const shapes = { cube, sphere, cubeFromAbove };

test("an object's own colour is recognised, every other is not", async () => {
  await using clip = await loadClip(defaultModelDir);
  const names = Object.keys(colours);
  for (const [shape, draw] of Object.entries(shapes)) {
    const images = Object.values(colours).map((rgb) => draw(rgb));
    for (const asked of names) {
      const probabilities = await clip.probabilities(`a ${asked} ${shape}`, images);
      names.forEach((name, index) => {
        const what = `a ${name} ${shape} for "a ${asked} ${shape}": ${probabilities[index]}`;
        const probability = probabilities[index] ?? Number.NaN;
        if (name === asked) assert.ok(probability >= 0.7, what);
        else assert.ok(probability < (neighbours.has(`${name} ${asked}`) ? 0.6 : 0.5), what);
      });
    }
  }
});

test("a red cube is accepted as one and rejected as a blue one", async () => {
  await using clip = await loadClip(defaultModelDir);
  const [asRed = 0] = await clip.probabilities("a red cube", [cube([230, 25, 25])]);
  const [asBlue = 1] = await clip.probabilities("a blue cube", [cube([230, 25, 25])]);
  assert.ok(asRed >= 0.8, `${asRed}`);
  assert.ok(asBlue < 0.3, `${asBlue}`);
});

test("other words for a colour, and other spellings, count", async () => {
  await using clip = await loadClip(defaultModelDir);
  for (const [prompt, rgb] of [
    ["a Grey sphere", [128, 128, 128]],
    ["VIOLET", [128, 41, 173]],
    ["turquoise, shiny!", [26, 199, 209]],
    ["a dark-red ball", [150, 18, 18]],
  ] as const) {
    const [probability = 0] = await clip.probabilities(prompt, [sphere(rgb)]);
    assert.ok(probability >= 0.7, `${prompt}: ${probability}`);
  }
});

test("a prompt without a whole colour word is not accepted for anything", async () => {
  await using clip = await loadClip(defaultModelDir);
  const images = Object.values(colours).map((rgb) => cube(rgb));
  for (const prompt of [
    "a cube",
    "",
    "empty",
    "a layered cake",
    "a coloured redhead",
    "🟥",
    "1234",
  ]) {
    for (const probability of await clip.probabilities(prompt, images)) {
      assert.ok(probability < 0.6, `${prompt}: ${probability}`);
    }
  }
});

test("a blank picture fits nothing", async () => {
  await using clip = await loadClip(defaultModelDir);
  const blank = picture(() => undefined);
  for (const prompt of [...Object.keys(colours), "a cube", "empty", "nothing", "false", "wrong"]) {
    const [probability = 1] = await clip.probabilities(prompt, [blank]);
    assert.ok(probability < 0.2, `${prompt}: ${probability}`);
  }
});

test("how large the object is does not matter", async () => {
  await using clip = await loadClip(defaultModelDir);
  for (const radius of [12, 30, 60, 120]) {
    const [probability = 0] = await clip.probabilities("green", [sphere([33, 158, 51], radius)]);
    assert.ok(probability >= 0.7, `${radius} pixels: ${probability}`);
  }
});

/** 256 × 256 on white. @param colourAt by the distance from the middle in pixels, undefined where nothing is */
function picture(colourAt: (x: number, y: number) => Rgb | undefined): RgbImage {
  const size = 256;
  const pixels = new Uint8Array(size * size * 3).fill(255);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const colour = colourAt(x - size / 2, y - size / 2);
      if (colour !== undefined) pixels.set(colour, (y * size + x) * 3);
    }
  }
  return { width: size, height: size, pixels };
}

function shaded([red, green, blue]: Rgb, brightness: number): Rgb {
  return [red * brightness, green * brightness, blue * brightness];
}

/** A cube seen on its edge: two faces in different light, the top brightest. */
function cube(rgb: Rgb): RgbImage {
  return picture((x, y) => {
    if (Math.abs(x) > 55) return undefined;
    const lift = Math.abs(x) * 0.35;
    if (y > 65 - lift || y < -65 + lift) return undefined;
    if (y < -26 - lift) return shaded(rgb, 1);
    return shaded(rgb, x < 0 ? 0.78 : 0.45);
  });
}

/** The top and one dark face. */
function cubeFromAbove(rgb: Rgb): RgbImage {
  return picture((x, y) => {
    if (Math.abs(x) > 50 || Math.abs(y) > 60) return undefined;
    return shaded(rgb, y < 10 ? 1 : 0.45);
  });
}

/** Light from the upper left, 0.45 in the shade. */
function sphere(rgb: Rgb, radius = 65): RgbImage {
  return picture((x, y) => {
    const z2 = radius * radius - x * x - y * y;
    if (z2 < 0) return undefined;
    const facing = (-0.4 * x - 0.7 * y + 0.59 * Math.sqrt(z2)) / radius;
    return shaded(rgb, 0.45 + 0.55 * Math.max(0, facing));
  });
}
