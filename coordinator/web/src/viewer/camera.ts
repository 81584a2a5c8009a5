/** Which way a viewer looks, and how that changes. */

import type { ScoredCamera, ViewerCamera } from "./contract.ts";
import type { AssetFacts } from "./messages.ts";
import type { ScoringRule } from "./scoring-rule.ts";
import type { StageCamera } from "./stage.ts";

export type FreeCamera = Extract<ViewerCamera, { readonly kind: "free" }>;

const origin = [0, 0, 0] as const;
/** From a little above, as one looks at a thing on a table. */
const firstElevationDeg = -15;
const steepestDeg = 89;
/** How far the eye may come and go, of the distance at the start. */
const [nearest, farthest] = [0.05, 20];
/** Air around what is looked at. */
const margin = 1.15;

/** What cameras of one asset are measured from. */
export interface Surroundings {
  readonly rule: ScoringRule;
  readonly cameras: readonly ScoredCamera[];
  /** What a free camera looks at. */
  readonly target: readonly [number, number, number];
  /** Distance of the first free camera. */
  readonly radius: number;
}

/** An asset that was scored stands where the scored cameras look; another is looked at wherever it lies. */
export function surroundingsOf(
  rule: ScoringRule,
  cameras: readonly ScoredCamera[],
  { centre, reach }: AssetFacts,
): Surroundings {
  if (cameras.length > 0 || rule.rescaleBox !== undefined) {
    return { rule, cameras, target: origin, radius: rule.radius };
  }
  const radius = (reach * margin) / Math.sin((rule.fovyDeg / 2) * (Math.PI / 180));
  return { rule, cameras, target: centre, radius: radius > 0 ? radius : rule.radius };
}

export function firstCamera({ radius }: Surroundings): FreeCamera {
  return { kind: "free", azimuthDeg: 0, elevationDeg: firstElevationDeg, radius };
}

/** The same eye, free to be moved. */
export function freed(camera: ViewerCamera, { cameras, rule }: Surroundings): FreeCamera {
  if (camera.kind === "free") {
    return camera;
  }
  const { azimuthDeg = 0, elevationDeg = firstElevationDeg } = cameras[camera.view] ?? {};
  return { kind: "free", azimuthDeg, elevationDeg, radius: rule.radius };
}

export function turned(camera: FreeCamera, azimuthDeg: number, elevationDeg: number): FreeCamera {
  const around = (camera.azimuthDeg + azimuthDeg) % 360;
  return {
    ...camera,
    azimuthDeg: around < 0 ? around + 360 : around,
    elevationDeg: Math.min(steepestDeg, Math.max(-steepestDeg, camera.elevationDeg + elevationDeg)),
  };
}

export function zoomed(camera: FreeCamera, factor: number, { radius }: Surroundings): FreeCamera {
  const to = Math.min(radius * farthest, Math.max(radius * nearest, camera.radius * factor));
  return { ...camera, radius: to };
}

export function stageCameraOf(camera: ViewerCamera, surroundings: Surroundings): StageCamera {
  const { azimuthDeg, elevationDeg, radius } = freed(camera, surroundings);
  const target = camera.kind === "scored" ? origin : surroundings.target;
  return { azimuthDeg, elevationDeg, radius, target };
}
