/** Pictures of a page against those that would be scored. */
import { createHash } from "node:crypto";
import { readAsset } from "@turntable/splat";
import {
  createScene,
  defaultProfile,
  loadProfile,
  orbitCamera,
  type RgbImage,
  startCpuRenderer,
  viewsOf,
} from "@turntable/validation";

export interface ScoredView {
  readonly azimuthDeg: number;
  readonly elevationDeg: number;
  readonly probability: number;
}

/** Every `step`th view of the default profile for the camera seed 5. */
export async function someViews(step: number): Promise<readonly ScoredView[]> {
  return viewsOf(await loadProfile(defaultProfile), 5n)
    .filter((_, view) => view % step === 0)
    .map(({ azimuthDeg, elevationDeg }, view) => ({
      azimuthDeg,
      elevationDeg,
      probability: 0.9 - view / 50,
    }));
}

/** As a worker draws them. @param size of the pictures; the profile's own when absent */
export async function scoredPictures(
  bytes: Uint8Array,
  views: readonly ScoredView[],
  size?: number,
): Promise<readonly RgbImage[]> {
  const profile = await loadProfile(defaultProfile);
  await using renderer = await startCpuRenderer(2);
  const cameras = views.map((view) =>
    orbitCamera({ ...view, radius: profile.radius }, { ...profile, size: size ?? profile.size }),
  );
  return await renderer.render(createScene(await readAsset(bytes)), cameras, profile.background);
}

/** SHA-256 of a picture as canvases have it, four bytes a pixel. */
export function hashOf({ pixels }: RgbImage): string {
  const rgba = new Uint8Array((pixels.length / 3) * 4).fill(255);
  for (let pixel = 0; pixel < pixels.length / 3; pixel++) {
    rgba.set(pixels.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
  }
  return createHash("sha256").update(rgba).digest("hex");
}

/** Out of four bytes a pixel in base64. */
export function imageOf(base64: unknown, size: number): RgbImage {
  const rgba = Buffer.from(String(base64), "base64");
  const pixels = Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    return rgba[Math.floor(i / 3) * 4 + (i % 3)] ?? 0;
  });
  return { width: size, height: size, pixels };
}
