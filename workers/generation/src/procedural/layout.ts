/**
 * Places the things of a scene: beside each other, on each other, one inside the other, and all of it in the middle.
 * Units here are those of the asset.
 */
import type { Scene, Size, Thing } from "../grammar/index.ts";
import { type Affine, compose, moving, scaling, turnAbout, type Vec3 } from "./affine.ts";
import { length3 } from "./maths.ts";
import type { Model, Part } from "./model.ts";
import { modelOf } from "./objects/index.ts";
import { cloudOf, dropHeight } from "./point-cloud.ts";

/** A part where it stands in the asset, and which thing it belongs to. */
export interface PlacedPart {
  readonly part: Part;
  /** From the surface's units to the asset's. */
  readonly place: Affine;
  readonly thing: Thing;
  /** Which of the scene's bodies it is part of, from 0. */
  readonly body: number;
}

/** Random small differences between seeds. */
export interface Variation {
  /** Degrees about the vertical axis. */
  readonly turnDeg: number;
  /** Factors along x, y and z. */
  readonly stretch: Vec3;
}

/** Edge of the box that everything fits in. */
export const maxExtent = 1.5;
/** And radius of the ball: from 2.5 away with a field of view of 49.1°, all of it is seen. */
export const maxRadius = 0.92;

/** How much of the room a lone thing takes. */
const loneScale: Readonly<Record<Size, number>> = {
  tiny: 0.38,
  small: 0.62,
  large: 1,
  tall: 1,
  wide: 1,
};
const defaultLoneScale = 0.88;
/** Sizes beside another thing. */
const sharedScale: Readonly<Record<Size, number>> = {
  tiny: 0.4,
  small: 0.65,
  large: 1.4,
  tall: 1.15,
  wide: 1.15,
};
/** A thing on another, one beside another, and one in another, against the other's largest extent. */
const onTopScale = 0.62;
const nextToScale = 0.95;
const insideGlassScale = 0.5;
const gap = 0.08;

export function layOut(scene: Scene, variation: Variation): readonly PlacedPart[] {
  const turn = turnAbout(1, variation.turnDeg);
  const turned = placedThings(scene, variation).map((p) => ({
    ...p,
    place: compose(turn, p.place),
  }));
  return fitted(turned, scene);
}

function placedThings(scene: Scene, variation: Variation): readonly PlacedPart[] {
  if (scene.kind === "single") {
    return bodyOf(scene.thing, 0, variation);
  }
  if (scene.kind === "stack") {
    const one = bodyOf(scene.thing, 0, variation);
    const below: PlacedPart[] = [...one];
    for (let i = 1; i < scene.count; i++) {
      const turn = turnAbout(1, i * variation.turnDeg * 1.5);
      const next = one.map((p) => ({ ...p, body: i, place: compose(turn, p.place) }));
      below.push(...moved(next, [0, dropHeight(cloudOf(next), cloudOf(below)), 0]));
    }
    return below;
  }
  const second = bodyOf(scene.second, 1, variation);
  const model = modelOf(scene.second.noun);
  const scale = scene.first.size === undefined ? 1 : sharedScale[scene.first.size];
  const first = bodyOf(scene.first, 0, variation);
  const unit = unitScale(model);
  switch (scene.relation) {
    case "next to": {
      const resized = scaled(first, nextToScale * scale);
      const a = cloudOf(resized).bounds;
      const b = cloudOf(second).bounds;
      const x = b.low[0] - a.high[0] - gap;
      return [...moved(resized, [x, b.low[1] - a.low[1], 0]), ...second];
    }
    case "on top of": {
      const { seat } = model;
      const width = seat === undefined ? undefined : seat.width * unit;
      const resized = scaled(
        first,
        Math.min(onTopScale * scale, width ?? Number.POSITIVE_INFINITY),
      );
      if (seat === undefined) {
        return [
          ...moved(resized, [0, dropHeight(cloudOf(resized), cloudOf(second)), 0]),
          ...second,
        ];
      }
      const [x, y, z] = seat.at;
      const at = [x * unit, y * unit, z * unit] as const;
      return [...moved(resized, [at[0], at[1] - cloudOf(resized).bounds.low[1], at[2]]), ...second];
    }
    case "inside": {
      const { opening } = model;
      if (opening === undefined) {
        const c = cloudOf(second).bounds;
        const resized = centred(scaled(first, insideGlassScale * Math.min(scale, 1.2)));
        return [...moved(resized, middle(c)), ...asGlass(second)];
      }
      // As wide as the opening, so that most of it looks out.
      const { bounds, radius } = cloudOf(centred(first));
      const wanted = (opening.radius * unit * Math.min(scale, 1)) / radius;
      const height = bounds.high[1] - bounds.low[1];
      const least = (0.75 * unit) / height; // slim things stand up out of it
      const resized = scaled(first, Math.max(wanted, Math.min(least, wanted * 1.3)));
      const inner = cloudOf(resized).bounds;
      // Deep vessels are filled up unseen: at least half of it looks out over the rim.
      const half = (inner.high[1] - inner.low[1]) / 2;
      const bottom = Math.max(opening.floor * unit, opening.rim * unit - half);
      return [...moved(resized, [0, bottom - inner.low[1], 0]), ...second];
    }
  }
}

/** The thing, its largest extent 1, standing on y = 0 around the vertical axis of its model. */
function bodyOf(thing: Thing, body: number, { stretch }: Variation): readonly PlacedPart[] {
  const model = modelOf(thing.noun);
  const unit = unitScale(model);
  const [x, y, z] = stretch;
  const tall = thing.size === "tall" ? 1.5 : thing.size === "wide" ? 0.8 : 1;
  const wide = thing.size === "wide" ? 1.3 : thing.size === "tall" ? 0.85 : 1;
  const shape = scaling(unit * x * wide, unit * y * tall, unit * z * wide);
  return model.parts.map((part) => ({ part, place: compose(shape, part.place), thing, body }));
}

function unitScale(model: Model): number {
  const { low, high } = cloudOf(model.parts.map((part) => ({ part, place: part.place }))).bounds;
  return 1 / Math.max(high[0] - low[0], high[1] - low[1], high[2] - low[2]);
}

/** Centres everything and scales it to the room there is. */
function fitted(parts: readonly PlacedPart[], scene: Scene): readonly PlacedPart[] {
  const inMiddle = centred(parts);
  const { bounds, points } = cloudOf(inMiddle);
  let reach = 0;
  for (let i = 0; i < points.length; i += 3) {
    reach = Math.max(reach, length3(points[i] ?? 0, points[i + 1] ?? 0, points[i + 2] ?? 0));
  }
  const extent = Math.max(...bounds.high.map((high, axis) => high - (bounds.low[axis] ?? 0)));
  const size = scene.kind === "single" ? scene.thing.size : undefined;
  const share =
    scene.kind === "single" ? (size === undefined ? defaultLoneScale : loneScale[size]) : 1;
  return scaled(inMiddle, Math.min(maxExtent / extent, maxRadius / reach) * share);
}

function centred(parts: readonly PlacedPart[]): readonly PlacedPart[] {
  const [x, y, z] = middle(cloudOf(parts).bounds);
  return moved(parts, [-x, -y, -z]);
}

function middle({ low, high }: { readonly low: Vec3; readonly high: Vec3 }): Vec3 {
  return [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2];
}

function moved(parts: readonly PlacedPart[], by: Vec3): readonly PlacedPart[] {
  const move = moving(by);
  return parts.map((p) => ({ ...p, place: compose(move, p.place) }));
}

function scaled(parts: readonly PlacedPart[], factor: number): readonly PlacedPart[] {
  const scale = scaling(factor, factor, factor);
  return parts.map((p) => ({ ...p, place: compose(scale, p.place) }));
}

/** What is inside must be seen. */
function asGlass(parts: readonly PlacedPart[]): readonly PlacedPart[] {
  return parts.map((p) => ({ ...p, thing: { ...p.thing, material: "glass" } }));
}
