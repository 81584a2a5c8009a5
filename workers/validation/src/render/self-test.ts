/** Whether a backend draws what it should: a built-in scene against the plain float64 rasteriser. */
import { type Camera, defaultFovyDeg, orbitCamera } from "./camera.ts";
import { renderReference } from "./cpu/index.ts";
import { psnr, type RgbImage } from "./image.ts";
import type { Renderer } from "./renderer.ts";
import { createScene, type Scene } from "./scene.ts";
import { createTestSplat } from "./test-scenes.ts";

/** A backend below this is not used, in dB: its pictures are broken, not rounded. */
export const leastDb = { cpu: 75, gl: 46 } as const;
/** Reports made with a backend below this are marked approximate, in dB. */
export const exactDb = 60;

export interface TestPlan {
  /** How many splats, with harmonics of all degrees. */
  readonly count: number;
  /** Pixels along an edge. */
  readonly size: number;
  readonly views: number;
}

/** A fraction of a second: before every use. */
export const smallTest: TestPlan = { count: 2_000, size: 96, views: 2 };
/** As large as the assets that workers see: to be timed. */
export const largeTest: TestPlan = { count: 50_000, size: 512, views: 2 };

export interface Measured {
  /** Of the worst view of both scenes. */
  readonly psnrDb: number;
  /** Wall time of the solid scene, once warm. */
  readonly msPerView: number;
}

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

/** Draws a scene as assets are, which is timed, and a faint one, the hardest for sums of little precision. */
export async function measureBackend(draw: Draw, plan: TestPlan): Promise<Measured> {
  const splat = createTestSplat({ count: plan.count, shDegree: 3 });
  const solid = createScene(splat);
  const opacities = splat.opacities.map((opacity) => opacity - faintness);
  const faint = createScene({ ...splat, opacities });
  // So near that the ball fills the picture.
  const cameras = Array.from({ length: plan.views }, (_, index) =>
    orbitCamera(
      { azimuthDeg: (360 * index) / plan.views, elevationDeg: 15 - 20 * index, radius: 1.1 },
      { size: plan.size, fovyDeg: defaultFovyDeg },
    ),
  );
  const first = cameras.slice(0, 1);
  const faintDb = worstRatio(await draw(faint, first, background), faint, first);
  await draw(solid, first, background); // warm up
  const startedAt = performance.now();
  const images = await draw(solid, cameras, background);
  const msPerView = (performance.now() - startedAt) / plan.views;
  return { psnrDb: Math.min(faintDb, worstRatio(images, solid, cameras)), msPerView };
}

function worstRatio(images: readonly RgbImage[], scene: Scene, cameras: readonly Camera[]): number {
  const ratios = cameras.map((camera, index) => {
    const image = images[index];
    return image === undefined ? 0 : psnr(image, renderReference(scene, camera, background));
  });
  return Math.min(...ratios);
}
