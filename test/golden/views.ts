/** The golden case: 36 views of a splat made by code, in one picture of 6 × 6. */
import {
  createScene,
  createTestSplat,
  orbitCamera,
  type Renderer,
  type RgbImage,
} from "@turntable/validation";

const size = 48;
const columns = 6;
const count = 36;
/** The picture that the views are compared with; made by `node test/golden/regenerate.ts`. */
export const goldenFile: string = new URL("views.png", import.meta.url).pathname;

export async function renderGolden(renderer: Renderer): Promise<RgbImage> {
  const scene = createScene(createTestSplat({ count: 600, shDegree: 2, seed: 17 }));
  const cameras = Array.from({ length: count }, (_, index) =>
    orbitCamera(
      { azimuthDeg: index * 10, elevationDeg: ((index * 7) % 40) - 20, radius: 1.6 },
      { size, fovyDeg: 49.1 },
    ),
  );
  const images = await renderer.render(scene, cameras, [1, 1, 1]);
  const width = columns * size;
  const pixels = new Uint8Array(width * (count / columns) * size * 3);
  for (const [index, image] of images.entries()) {
    const left = (index % columns) * size;
    const top = Math.floor(index / columns) * size;
    for (let y = 0; y < size; y++) {
      const row = image.pixels.subarray(y * size * 3, (y + 1) * size * 3);
      pixels.set(row, ((top + y) * width + left) * 3);
    }
  }
  return { width, height: (count / columns) * size, pixels };
}
