/** Cameras on an orbit around the origin, and the pinhole projection that all backends share. */

/** Which way a view looks; degrees, and a radius in the asset's units. */
export interface View {
  readonly azimuthDeg: number;
  readonly elevationDeg: number;
  readonly radius: number;
}

export interface Projection {
  /** Width and height of the square picture in pixels. */
  readonly size: number;
  /** Vertical field of view in degrees. */
  readonly fovyDeg: number;
}

export type Rotation = readonly [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** World to camera with x right, y down, z forward, and the intrinsics in pixels. */
export interface Camera {
  /** The rotation's three rows: right, down, forward. */
  readonly rotation: Rotation;
  readonly eye: readonly [number, number, number];
  readonly focal: number;
  /** Principal point, both axes; pixel centres lie at +0.5. */
  readonly centre: number;
  /** tan(fov / 2), both axes. */
  readonly tanHalfFov: number;
  readonly size: number;
}

/** The subnet's field of view. */
export const defaultFovyDeg = 49.1;

/**
 * A camera on the orbit, y up: the eye is (r·cos e·sin a, −r·sin e, r·cos e·cos a), it looks at the origin.
 * Source: the subnet's own renderer, written down with its conventions in resources/profiles/README.md.
 */
export function orbitCamera(view: View, projection: Projection): Camera {
  const azimuth = (view.azimuthDeg * Math.PI) / 180;
  const elevation = (view.elevationDeg * Math.PI) / 180;
  // Towards the eye; the camera looks the other way.
  const back = [
    Math.cos(elevation) * Math.sin(azimuth),
    -Math.sin(elevation),
    Math.cos(elevation) * Math.cos(azimuth),
  ] as const;
  // (0, 1, 0) × back, normalised; at the poles azimuth alone says which way is right.
  const length = Math.hypot(back[0], back[2]);
  const right =
    length > 1e-12
      ? ([back[2] / length, 0, -back[0] / length] as const)
      : ([Math.cos(azimuth), 0, -Math.sin(azimuth)] as const);
  const up = [
    back[1] * right[2] - back[2] * right[1],
    back[2] * right[0] - back[0] * right[2],
    back[0] * right[1] - back[1] * right[0],
  ] as const;
  const tanHalfFov = Math.tan((projection.fovyDeg * Math.PI) / 360);
  return {
    rotation: [...right, -up[0], -up[1], -up[2], -back[0], -back[1], -back[2]],
    eye: [back[0] * view.radius, back[1] * view.radius, back[2] * view.radius],
    focal: projection.size / (2 * tanHalfFov),
    centre: Math.floor(projection.size / 2),
    tanHalfFov,
    size: projection.size,
  };
}
