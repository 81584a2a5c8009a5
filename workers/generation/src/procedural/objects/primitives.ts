import type { Primitive } from "../../grammar/index.ts";
import { type Model, main, part } from "../model.ts";
import { natural } from "../palette.ts";
import {
  box,
  cone,
  cylinder,
  ellipsoid,
  extrude,
  lathe,
  prism,
  torus,
  vase,
} from "../surfaces/index.ts";

const paint = main(natural.gray);

export const primitiveModels: Readonly<Record<Primitive, () => Model>> = {
  cube: () => ({ parts: [part(box(1, 1, 1), paint)] }),
  sphere: () => ({ parts: [part(ellipsoid(0.5), paint)] }),
  cylinder: () => ({ parts: [part(cylinder(0.38, 1), paint)] }),
  cone: () => ({ parts: [part(cone(0.48, 1), paint)] }),
  pyramid: () => ({
    parts: [
      part(
        prism(
          [
            [0, -0.45],
            [0.76, -0.45],
            [0, 0.45],
          ],
          4,
        ),
        paint,
      ),
    ],
  }),
  torus: () => ({ parts: [part(torus(0.36, 0.15), paint, { turn: [90, 0, 0] })] }),
  capsule: () => ({
    parts: [
      part(
        vase([
          [0, -0.6],
          [0.14, -0.57],
          [0.25, -0.47],
          [0.28, -0.3],
          [0.28, 0],
          [0.28, 0.3],
          [0.25, 0.47],
          [0.14, 0.57],
          [0, 0.6],
        ]),
        paint,
      ),
    ],
  }),
  prism: () => ({
    parts: [
      part(
        extrude(
          [
            [-0.5, -0.43],
            [0.5, -0.43],
            [0, 0.43],
          ],
          1,
        ),
        paint,
      ),
    ],
  }),
  disc: () => ({ parts: [part(cylinder(0.5, 0.14), paint)] }),
  tube: () => ({
    parts: [
      part(
        lathe([
          [0.24, -0.5],
          [0.36, -0.5],
          [0.36, 0.5],
          [0.24, 0.5],
          [0.24, -0.5],
        ]),
        paint,
      ),
    ],
  }),
};
