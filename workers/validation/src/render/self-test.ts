/** Whether a backend draws what it should: a built-in scene against the plain float64 rasteriser. */
import { type Camera, defaultFovyDeg, orbitCamera } from "./camera.ts";
import { renderReference } from "./cpu/index.ts";
import { psnr, type RgbImage } from "./image.ts";
import type { Renderer } from "./renderer.ts";
import { createScene, type Scene } from "./scene.ts";
import { createTestSplat } from "./test-scenes.ts";

/** A backend below this is not used, in dB: its pictures are broken, not rounded. */
export const leastDb = { cpu: 75, webgpu: 65, gl: 46 } as const;
/** Reports made with a backend below this are marked approximate, in dB. */
export const exactDb = 60;

export interface TestPlan {
  /** How many splats, with harmonics of all degrees. */
  readonly count: number;
  /** Pixels along an edge. */
  readonly size: number;
  readonly views: number;
}

/** A fraction of a second, in software a few: before every use. */
export const smallTest: TestPlan = { count: 500, size: 64, views: 2 };
/** As large as the assets that workers see: to be timed. */
export const largeTest: TestPlan = { count: 50_000, size: 512, views: 2 };

/** A renderer's `render`, its options aside. */
type Draw = (
  scene: Scene,
  cameras: readonly Camera[],
  background: readonly [number, number, number],
) => ReturnType<Renderer["render"]>;

/** Makes opaque splats faint, in logits: stacks get deep, and roundings add up. */
const faintness = 3;
/** Not white, and another for each channel: a background that is lost shows. */
const background = [1, 0.5, 0.25] as const;

/**
 * Draws a scene as assets are, and a faint one, the hardest for sums of little precision.
 * @returns the agreement of the worst view, in dB
 */
export async function checkBackend(draw: Draw, plan: TestPlan): Promise<number> {
  const { solid, faint, cameras } = testOf(plan);
  const first = cameras.slice(0, 1);
  return Math.min(
    worstRatio(await draw(faint, first, background), faint, first),
    worstRatio(await draw(solid, cameras, background), solid, cameras),
  );
}

/** @returns the wall time of a view of the solid scene, once warm */
export async function timeBackend(draw: Draw, plan: TestPlan): Promise<number> {
  const { solid, cameras } = testOf(plan);
  await draw(solid, cameras.slice(0, 1), background);
  const startedAt = performance.now();
  await draw(solid, cameras, background);
  return (performance.now() - startedAt) / plan.views;
}

function testOf(plan: TestPlan) {
  const splat = createTestSplat({ count: plan.count, shDegree: 3 });
  const opacities = splat.opacities.map((opacity) => opacity - faintness);
  // So near that the ball fills the picture.
  const cameras = Array.from({ length: plan.views }, (_, index) =>
    orbitCamera(
      { azimuthDeg: (360 * index) / plan.views, elevationDeg: 15 - 20 * index, radius: 1.1 },
      { size: plan.size, fovyDeg: defaultFovyDeg },
    ),
  );
  return { solid: createScene(splat), faint: createScene({ ...splat, opacities }), cameras };
}

function worstRatio(images: readonly RgbImage[], scene: Scene, cameras: readonly Camera[]): number {
  const ratios = cameras.map((camera, index) => {
    const image = images[index];
    return image === undefined ? 0 : psnr(image, renderReference(scene, camera, background));
  });
  return Math.min(...ratios);
}
