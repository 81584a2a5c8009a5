/** Scenes made by code, for tests, the self-test and benchmarks: the same splats for the same seed, everywhere. */
import { createSplat, type ShDegree, type Splat } from "@turntable/splat";

export interface TestSceneOptions {
  readonly count: number;
  readonly shDegree?: ShDegree;
  readonly seed?: number;
  /** The size of the splats, against those that cover the ball about once; 1 when absent. */
  readonly relativeSize?: number;
}

/**
 * A shell of flat, mostly opaque splats around a ball with bumps, coloured by direction, and a haze of faint ones
 * inside: what trained assets look like to a rasteriser.
 */
export function createTestSplat(options: TestSceneOptions): Splat {
  const { count, shDegree = 0, seed = 1, relativeSize = 1 } = options;
  const random = mulberry32(seed);
  const splat = createSplat(count, shDegree);
  for (let i = 0; i < splat.shRest.length; i++) {
    splat.shRest[i] = (random() - 0.5) * 0.4;
  }
  // Splats overlap about as much whatever their number.
  const size = Math.log((1.6 * relativeSize) / Math.sqrt(count));
  for (let i = 0; i < count; i++) {
    const height = random() * 2 - 1;
    const angle = random() * 2 * Math.PI;
    const ring = Math.sqrt(1 - height * height);
    const direction = [ring * Math.cos(angle), height, ring * Math.sin(angle)] as const;
    const isHaze = random() < 0.2;
    const bumps = 0.5 + 0.06 * Math.sin(7 * angle) * Math.cos(9 * height);
    const radius = isHaze ? bumps * Math.cbrt(random()) : bumps;
    for (let axis = 0; axis < 3; axis++) {
      splat.positions[i * 3 + axis] = (direction[axis] ?? 0) * radius;
      splat.scales[i * 3 + axis] = size + (random() - 0.5) * 1.2 - (axis === 2 ? 1.5 : 0);
      splat.shDc[i * 3 + axis] = (direction[axis] ?? 0) * 1.4 + (random() - 0.5) * 0.5;
    }
    for (let part = 0; part < 4; part++) {
      splat.rotations[i * 4 + part] = random() * 2 - 1;
    }
    splat.opacities[i] = isHaze ? random() * 4 - 5 : random() * 6;
  }
  return splat;
}

/** Numbers in [0, 1). Source: Tommy Ettinger's mulberry32, public domain. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Changes to a scene of two splats that no honest asset has: they may neither end a renderer nor be called its fault.
 * @param eyeDistance of the first camera, on the z axis
 */
export function extremeChanges(eyeDistance: number): Readonly<Record<string, Partial<Splat>>> {
  return {
    "huge splats": { scales: Float32Array.of(60, 60, 60, 88, 88, 88) },
    "large splats": { scales: Float32Array.of(3, 3, 3, 9, 9, 9) },
    "vanishing splats": { scales: Float32Array.of(-100, -100, -100, -3e38, -3, -3) },
    needles: { scales: Float32Array.of(6, -40, -40, -40, -40, 6) },
    "colours beyond measure": { shDc: Float32Array.of(3e38, -3e38, 3e38, 1e30, 1e30, 1e30) },
    "splats at the eye": {
      positions: Float32Array.of(0, 0, eyeDistance, 0, 0, eyeDistance - 0.011),
    },
    "splats far away": { positions: Float32Array.of(3e38, 3e38, -3e38, 1e20, 0, 0) },
    "certain opacity": { opacities: Float32Array.of(Infinity, Infinity) },
    "quaternions of any length": {
      rotations: Float32Array.of(1e-30, 0, 0, 1e-30, 1e30, 1e30, 0, 0),
    },
  };
}
