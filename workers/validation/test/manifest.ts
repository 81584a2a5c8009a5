/** The pictures of `render/manifest.json` in the folder that TURNTABLE_VECTORS names, for tests. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readAsset } from "@turntable/splat";
import { readHdf5 } from "@turntable/splat/hdf5";
import { z } from "zod";
import { type Camera, orbitCamera } from "../src/render/camera.ts";
import { createScene, type Scene } from "../src/render/scene.ts";

const unit = z.number().min(0).max(1);
const itemSchema = z.object({
  asset: z.string(),
  image: z.string(),
  size_px: z.int().positive(),
  elevation_deg: z.number(),
  azimuth_deg: z.number(),
  radius: z.number(),
  fovy_deg: z.number(),
  rescale_to_bbox: z.number().nullable(),
  background: z.tuple([unit, unit, unit]),
  psnr_db_of_float64_reference: z.number(),
});

export type ManifestItem = z.infer<typeof itemSchema>;

export function readManifest(folder: string): readonly ManifestItem[] {
  const text = readFileSync(join(folder, "manifest.json"), "utf8");
  return z.array(itemSchema).parse(JSON.parse(text));
}

/** What a picture of the manifest shows. */
export async function loadManifestScene(
  folder: string,
  item: ManifestItem,
): Promise<{ readonly scene: Scene; readonly camera: Camera }> {
  const splat = await readAsset(await readFile(join(folder, item.asset)), { readHdf5 });
  const camera = orbitCamera(
    { azimuthDeg: item.azimuth_deg, elevationDeg: item.elevation_deg, radius: item.radius },
    { size: item.size_px, fovyDeg: item.fovy_deg },
  );
  return { camera, scene: createScene(splat, { rescaleBox: item.rescale_to_bbox ?? undefined }) };
}
