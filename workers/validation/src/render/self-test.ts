/** Whether a backend draws what it should: a built-in scene against the plain float64 rasteriser. */
import { type Camera, defaultFovyDeg, orbitCamera } from "./camera.ts";
import { renderReference } from "./cpu/index.ts";
import { psnr } from "./image.ts";
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
export const largeTest: TestPlan = { count: 50_000, size: 512, views: 4 };

export interface Measured {
  /** Of the worst view. */
  readonly psnrDb: number;
  /** Wall time, the first view's warm-up left out. */
  readonly msPerView: number;
}

/** A renderer's `render`, its options aside. */
type Draw = (
  scene: Scene,
  cameras: readonly Camera[],
  background: readonly [number, number, number],
) => ReturnType<Renderer["render"]>;

/** Draws the plan's views once to warm up and once to be measured. */
export async function measureBackend(draw: Draw, plan: TestPlan): Promise<Measured> {
  const scene = createScene(createTestSplat({ count: plan.count, shDegree: 3 }));
  const cameras = Array.from({ length: plan.views }, (_, index) =>
    orbitCamera(
      { azimuthDeg: (360 * index) / plan.views, elevationDeg: 15 - 20 * index, radius: 2.2 },
      { size: plan.size, fovyDeg: defaultFovyDeg },
    ),
  );
  // Not white, and another for each channel: a background that is lost shows.
  const background = [1, 0.5, 0.25] as const;
  await draw(scene, cameras.slice(0, 1), background);
  const startedAt = performance.now();
  const images = await draw(scene, cameras, background);
  const msPerView = (performance.now() - startedAt) / plan.views;
  const ratios = cameras.map((camera, index) => {
    const image = images[index];
    return image === undefined ? 0 : psnr(image, renderReference(scene, camera, background));
  });
  return { psnrDb: Math.min(...ratios), msPerView };
}
