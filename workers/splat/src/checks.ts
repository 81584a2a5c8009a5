import { AssetError, type AssetLimits, type Splat } from "./splat.ts";

/** Refuses more splats than the limit, before anything is allocated for them. */
export function checkCount(count: number, limits: AssetLimits): void {
  if (count === 0) {
    throw new AssetError("empty", "the asset has no splats");
  }
  if (count > limits.maxSplats) {
    throw new AssetError(
      "too-many-splats",
      `the asset declares ${count} splats; at most ${limits.maxSplats} are allowed`,
    );
  }
}

/** What every format has in common once it is decoded. Returns the splat for chaining. */
export function checkSplat(splat: Splat, limits: AssetLimits): Splat {
  checkFinite("position", splat.positions, 3);
  checkFinite("scale", splat.scales, 3);
  checkFinite("rotation", splat.rotations, 4);
  checkFinite("f_dc", splat.shDc, 3);
  checkFinite("f_rest", splat.shRest, splat.shRest.length / splat.count);
  checkOpacities(splat.opacities);
  checkRotations(splat.rotations);
  checkExtent(splat.positions, limits.maxExtent);
  return splat;
}

function checkFinite(name: string, values: Float32Array, width: number): void {
  if (areFinite(values)) {
    return;
  }
  const i = values.findIndex((value) => !Number.isFinite(value));
  throw new AssetError(
    "non-finite",
    `${name} of splat ${Math.floor(i / width)} is ${values[i]}; only opacity may be infinite`,
  );
}

/** A number less itself is 0, infinity or NaN less itself is NaN: one sum tells of all, without a branch for each. */
export function areFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    sum += value - value;
  }
  return sum === 0;
}

/** sigmoid(x) ≥ 1/255, the least that the rasteriser draws, is x ≥ −ln 254. */
export const leastLogit = -Math.log(254);

/** Logits: ±Infinity means exactly 1 and 0; NaN means nothing. */
function checkOpacities(values: Float32Array): void {
  let visible = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (Number.isNaN(value)) {
      throw new AssetError("non-finite", `opacity of splat ${i} is NaN`);
    }
    if (value >= leastLogit) {
      visible = true;
    }
  }
  if (!visible) {
    throw new AssetError(
      "all-transparent",
      "every splat's opacity is below 1/255; nothing could be seen",
    );
  }
}

function checkRotations(values: Float32Array): void {
  for (let i = 0; i < values.length; i += 4) {
    const w = values[i] ?? 0;
    const x = values[i + 1] ?? 0;
    const y = values[i + 2] ?? 0;
    const z = values[i + 3] ?? 0;
    const length = w * w + x * x + y * y + z * z;
    if (!(length > 0)) {
      throw new AssetError(
        "zero-quaternion",
        `rotation of splat ${i / 4} is a quaternion of length 0`,
      );
    }
  }
}

function checkExtent(positions: Float32Array, maxExtent: number): void {
  for (let i = 0; i < positions.length; i++) {
    const value = positions[i] ?? 0;
    if (value > maxExtent || value < -maxExtent) {
      throw new AssetError(
        "extent",
        `splat ${Math.floor(i / 3)} lies at ${value}; coordinates may reach ±${maxExtent}`,
      );
    }
  }
}
