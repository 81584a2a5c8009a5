import type { ObjectNameOf } from "../../grammar/index.ts";
import { around, fixed, group, type Model, main, mirrored, type Part, part } from "../model.ts";
import { natural as n } from "../palette.ts";
import {
  box,
  cone,
  cushion,
  cylinder,
  ellipsoid,
  extrude,
  extrudeSmooth,
  lathe,
  torus,
  tube,
  vase,
} from "../surfaces/index.ts";

const rubber = fixed(n.rubber);
const chrome = fixed(n.steel, "metal");
const window = fixed([0.35, 0.5, 0.62], "glossy");
const headlight = fixed([1, 0.96, 0.7]);

/** A wheel that rolls along x, its axis along z. */
function wheel(radius: number, width: number, x: number, z: number): readonly Part[] {
  return group(
    { at: [x, radius, z], turn: [90, 0, 0] },
    part(
      lathe([
        [0, -width / 2],
        [radius * 0.9, -width / 2],
        [radius, -width * 0.3],
        [radius, width * 0.3],
        [radius * 0.9, width / 2],
        [0, width / 2],
      ]),
      rubber,
    ),
    part(cylinder(radius * 0.55, width * 1.08), chrome),
    part(cylinder(radius * 0.18, width * 1.2), rubber),
  );
}

export const vehicleModels: Readonly<Record<ObjectNameOf<"vehicles">, () => Model>> = {
  car: () => ({
    parts: [
      part(
        extrudeSmooth(
          [
            [-0.76, 0.16],
            [0, 0.15],
            [0.76, 0.16],
            [0.8, 0.32],
            [0.7, 0.43],
            [0.36, 0.48],
            [0.1, 0.49],
            [-0.4, 0.49],
            [-0.7, 0.47],
            [-0.8, 0.36],
          ],
          0.66,
        ),
        main(n.red),
      ),
      part(
        extrudeSmooth(
          [
            [-0.56, 0.44],
            [0.36, 0.44],
            [0.3, 0.52],
            [0.12, 0.72],
            [0, 0.76],
            [-0.3, 0.76],
            [-0.44, 0.7],
          ],
          0.54,
        ),
        main(n.red),
      ),
      ...mirrored(
        "z",
        part(
          extrude(
            [
              [-0.48, 0.5],
              [-0.14, 0.5],
              [-0.14, 0.7],
              [-0.38, 0.69],
            ],
            0.02,
          ),
          window,
          { at: [0, 0, 0.27] },
        ),
        part(
          extrude(
            [
              [-0.09, 0.5],
              [0.25, 0.5],
              [0.09, 0.69],
              [-0.09, 0.7],
            ],
            0.02,
          ),
          window,
          { at: [0, 0, 0.27] },
        ),
        ...wheel(0.17, 0.13, 0.46, 0.3),
        ...wheel(0.17, 0.13, -0.46, 0.3),
        part(ellipsoid(0.04, 0.06, 0.08), headlight, { at: [0.78, 0.36, 0.22] }),
        part(ellipsoid(0.03, 0.05, 0.08), fixed(n.red), { at: [-0.79, 0.38, 0.22] }),
      ),
      part(box(0.02, 0.26, 0.46), window, { at: [0.235, 0.585, 0], turn: [0, 0, 42] }),
      part(box(0.02, 0.2, 0.46), window, { at: [-0.505, 0.59, 0], turn: [0, 0, -30] }),
      part(box(0.06, 0.07, 0.62), chrome, { at: [0.79, 0.23, 0] }),
      part(box(0.06, 0.07, 0.62), chrome, { at: [-0.79, 0.23, 0] }),
    ],
  }),
  truck: () => ({
    parts: [
      part(box(0.96, 0.62, 0.62), main(n.blue), { at: [-0.28, 0.6, 0] }),
      part(box(1.5, 0.1, 0.5), fixed(n.darkSteel), { at: [0, 0.24, 0] }),
      part(
        extrude(
          [
            [0.26, 0.22],
            [0.76, 0.22],
            [0.76, 0.46],
            [0.66, 0.76],
            [0.26, 0.76],
          ],
          0.58,
        ),
        main(n.blue, 0.8),
      ),
      part(box(0.02, 0.24, 0.5), window, { at: [0.713, 0.61, 0], turn: [0, 0, 18] }),
      ...mirrored(
        "z",
        part(
          extrude(
            [
              [0.42, 0.5],
              [0.69, 0.5],
              [0.62, 0.7],
              [0.42, 0.7],
            ],
            0.02,
          ),
          window,
          { at: [0, 0, 0.29] },
        ),
        ...wheel(0.155, 0.14, 0.52, 0.25),
        ...wheel(0.155, 0.14, -0.24, 0.25),
        ...wheel(0.155, 0.14, -0.58, 0.25),
        part(ellipsoid(0.03, 0.05, 0.06), headlight, { at: [0.76, 0.36, 0.2] }),
      ),
      part(box(0.05, 0.07, 0.58), chrome, { at: [0.78, 0.25, 0] }),
    ],
  }),
  bus: () => ({
    parts: [
      part(box(1.6, 0.62, 0.5, 0.05), main(n.yellow), { at: [0, 0.48, 0] }),
      part(box(1.5, 0.04, 0.44, 0.015), main(n.yellow, 0.85), { at: [0, 0.8, 0] }),
      part(box(1.61, 0.05, 0.51), fixed(n.ink), { at: [0, 0.4, 0] }),
      ...mirrored(
        "z",
        ...[-0.62, -0.38, -0.14, 0.1, 0.34].map((x) =>
          part(box(0.19, 0.2, 0.02), window, { at: [x, 0.6, 0.25] }),
        ),
        part(box(0.17, 0.42, 0.02), window, { at: [0.6, 0.5, 0.25] }),
        ...wheel(0.15, 0.12, 0.46, 0.21),
        ...wheel(0.15, 0.12, -0.46, 0.21),
        part(ellipsoid(0.03, 0.05, 0.05), headlight, { at: [0.8, 0.3, 0.17] }),
      ),
      part(box(0.02, 0.26, 0.42), window, { at: [0.8, 0.6, 0] }),
      part(box(0.02, 0.2, 0.38), window, { at: [-0.8, 0.62, 0] }),
    ],
  }),
  train: () => ({
    parts: [
      part(cylinder(0.22, 0.86), main(n.green), { at: [0.16, 0.5, 0], turn: [0, 0, 90] }),
      part(cylinder(0.235, 0.06), fixed(n.gold, "metal"), {
        at: [-0.12, 0.5, 0],
        turn: [0, 0, 90],
      }),
      part(cylinder(0.235, 0.06), fixed(n.gold, "metal"), { at: [0.24, 0.5, 0], turn: [0, 0, 90] }),
      part(cylinder(0.2, 0.06), fixed(n.ink), { at: [0.61, 0.5, 0], turn: [0, 0, 90] }),
      part(
        lathe([
          [0, 0.66],
          [0.08, 0.66],
          [0.08, 0.88],
          [0.15, 1.02],
          [0.1, 1.02],
          [0, 0.94],
        ]),
        fixed(n.ink),
        { at: [0.42, 0, 0] },
      ),
      part(ellipsoid(0.1, 0.12, 0.1), fixed(n.gold, "metal"), { at: [0.08, 0.72, 0] }),
      part(box(0.46, 0.56, 0.5), main(n.red), { at: [-0.5, 0.56, 0] }),
      part(box(0.56, 0.06, 0.6), fixed(n.ink), { at: [-0.5, 0.87, 0] }),
      ...mirrored("z", part(box(0.28, 0.2, 0.02), window, { at: [-0.5, 0.68, 0.25] })),
      part(box(1.4, 0.1, 0.4), fixed(n.ink), { at: [-0.06, 0.24, 0] }),
      ...mirrored(
        "z",
        ...wheel(0.17, 0.07, -0.5, 0.2),
        ...wheel(0.13, 0.07, -0.12, 0.2),
        ...wheel(0.13, 0.07, 0.18, 0.2),
        ...wheel(0.13, 0.07, 0.48, 0.2),
      ),
      ...mirrored("z", part(box(0.66, 0.035, 0.03), fixed(n.red), { at: [0.16, 0.13, 0.26] })),
      part(
        extrude(
          [
            [0.62, 0.06],
            [0.88, 0.06],
            [0.66, 0.28],
            [0.62, 0.28],
          ],
          0.38,
        ),
        fixed(n.red),
      ),
      part(ellipsoid(0.04, 0.06, 0.06), headlight, { at: [0.64, 0.6, 0] }),
    ],
  }),
  sailboat: () => ({
    parts: [
      part(
        tube(
          [
            [-0.56, 0.16, 0],
            [-0.3, 0.13, 0],
            [0.1, 0.13, 0],
            [0.44, 0.17, 0],
            [0.66, 0.24, 0],
          ],
          { radius: [0.15, 0.19, 0.19, 0.12, 0.02] },
        ),
        main(n.blue),
      ),
      part(
        extrudeSmooth(
          [
            [-0.6, -0.15],
            [-0.2, -0.2],
            [0.2, -0.18],
            [0.68, 0],
            [0.2, 0.18],
            [-0.2, 0.2],
            [-0.6, 0.15],
          ],
          0.05,
        ),
        fixed(n.wood),
        { at: [0, 0.28, 0], turn: [90, 0, 0] },
      ),
      part(cylinder(0.025, 1.25), fixed(n.darkWood), { at: [0.04, 0.9, 0] }),
      part(cylinder(0.02, 0.62), fixed(n.darkWood), { at: [-0.26, 0.4, 0], turn: [0, 0, 90] }),
      part(
        cushion(
          [
            [0.02, 0.42],
            [0.01, 1.46],
            [-0.14, 1.16],
            [-0.36, 0.74],
            [-0.56, 0.42],
            [-0.3, 0.43],
          ],
          0.05,
          0.04,
          false,
        ),
        fixed(n.white),
      ),
      part(
        cushion(
          [
            [0.08, 0.42],
            [0.56, 0.36],
            [0.3, 0.84],
            [0.08, 1.34],
          ],
          0.05,
          0.04,
          false,
        ),
        main(n.blue, 1.05),
      ),
      part(
        extrude(
          [
            [0.05, 1.44],
            [0.24, 1.49],
            [0.05, 1.55],
          ],
          0.02,
        ),
        fixed(n.red),
      ),
    ],
  }),
  rocket: () => ({
    parts: [
      part(
        vase([
          [0, 0.2],
          [0.2, 0.2],
          [0.27, 0.4],
          [0.29, 0.7],
          [0.25, 1],
        ]),
        fixed(n.white),
      ),
      part(
        vase([
          [0.25, 1],
          [0.19, 1.2],
          [0.1, 1.38],
          [0, 1.5],
        ]),
        main(n.red),
      ),
      part(torus(0.25, 0.022), main(n.red, 0.8), { at: [0, 1, 0] }),
      part(torus(0.262, 0.022), main(n.red, 0.9), { at: [0, 0.4, 0] }),
      part(cylinder(0.16, 0.14, 0.12), fixed(n.darkSteel), { at: [0, 0.14, 0] }),
      ...around(
        3,
        part(
          cushion(
            [
              [0.2, 0.62],
              [0.46, 0.3],
              [0.5, 0.02],
              [0.4, 0.08],
              [0.24, 0.22],
            ],
            0.08,
            0.04,
          ),
          main(n.red),
        ),
      ),
      ...around(
        2,
        part(torus(0.115, 0.03), fixed(n.steel, "metal"), {
          at: [0, 0.78, 0.265],
          turn: [90, 0, 0],
        }),
        part(ellipsoid(0.11, 0.11, 0.04), fixed(n.glassBlue, "glossy"), { at: [0, 0.78, 0.26] }),
      ),
      part(
        vase([
          [0, -0.2],
          [0.05, -0.08],
          [0.12, 0.04],
          [0.1, 0.1],
          [0, 0.1],
        ]),
        fixed(n.flame),
      ),
    ],
  }),
  airplane: () => ({
    parts: [
      part(
        tube(
          [
            [-0.74, 0.08, 0],
            [-0.4, 0, 0],
            [0.3, 0, 0],
            [0.6, 0, 0],
            [0.74, -0.02, 0],
          ],
          { radius: [0.03, 0.12, 0.15, 0.13, 0.06] },
        ),
        main(n.white),
      ),
      part(
        cushion(
          [
            [0.18, -0.86],
            [0.3, -0.1],
            [0.3, 0.1],
            [0.18, 0.86],
            [0.04, 0.86],
            [-0.06, 0.1],
            [-0.06, -0.1],
            [0.04, -0.86],
          ],
          0.07,
          0.06,
          false,
        ),
        main(n.white, 0.92),
        { at: [-0.1, -0.04, 0], turn: [90, 0, 0] },
      ),
      part(
        cushion(
          [
            [-0.5, -0.32],
            [-0.5, 0.32],
            [-0.62, 0.32],
            [-0.74, 0.06],
            [-0.74, -0.06],
            [-0.62, -0.32],
          ],
          0.04,
          0.03,
          false,
        ),
        main(n.white, 0.92),
        { at: [0, 0.1, 0], turn: [90, 0, 0] },
      ),
      part(
        cushion(
          [
            [-0.5, 0.08],
            [-0.7, 0.42],
            [-0.84, 0.42],
            [-0.78, 0.08],
          ],
          0.05,
          0.03,
          false,
        ),
        fixed(n.red),
      ),
      ...mirrored(
        "z",
        part(
          tube(
            [
              [-0.06, -0.13, 0.4],
              [0.22, -0.13, 0.4],
            ],
            { radius: 0.065 },
          ),
          fixed(n.red),
        ),
        ...Array.from({ length: 9 }, (_, i) =>
          part(ellipsoid(0.025, 0.03, 0.012), window, { at: [-0.36 + i * 0.1, 0.045, 0.134] }),
        ),
      ),
      part(ellipsoid(0.09, 0.05, 0.095), window, { at: [0.62, 0.07, 0] }),
    ],
  }),
  helicopter: () => ({
    parts: [
      part(ellipsoid(0.42, 0.3, 0.26), main(n.red), { at: [0.18, 0.42, 0] }),
      part(ellipsoid(0.27, 0.2, 0.225), window, { at: [0.37, 0.48, 0] }),
      part(
        tube(
          [
            [-0.1, 0.5, 0],
            [-0.5, 0.56, 0],
            [-0.86, 0.62, 0],
          ],
          { radius: [0.15, 0.07, 0.045] },
        ),
        main(n.red),
      ),
      part(
        cushion(
          [
            [-0.76, 0.6],
            [-0.84, 0.9],
            [-0.96, 0.9],
            [-0.94, 0.58],
          ],
          0.06,
          0.03,
          false,
        ),
        main(n.red, 0.8),
      ),
      part(cylinder(0.04, 0.2), fixed(n.darkSteel), { at: [0.12, 0.76, 0] }),
      ...group(
        { at: [0.12, 0.86, 0], turn: [0, 25, 0] },
        ...around(4, part(box(0.78, 0.02, 0.085), fixed(n.darkSteel), { at: [0.4, 0, 0] })),
      ),
      part(ellipsoid(0.07, 0.05, 0.07), fixed(n.darkSteel), { at: [0.12, 0.87, 0] }),
      ...group(
        { at: [-0.88, 0.64, 0.07], turn: [90, 0, 0] },
        ...around(4, part(box(0.2, 0.015, 0.045), fixed(n.darkSteel), { at: [0.11, 0, 0] })),
      ),
      ...mirrored(
        "z",
        part(
          tube(
            [
              [-0.24, 0.04, 0.26],
              [0.4, 0.03, 0.26],
              [0.56, 0.1, 0.26],
            ],
            { radius: 0.028 },
          ),
          fixed(n.darkSteel),
        ),
        part(
          tube(
            [
              [0.02, 0.04, 0.26],
              [0.04, 0.24, 0.14],
            ],
            { radius: 0.022 },
          ),
          fixed(n.darkSteel),
        ),
        part(
          tube(
            [
              [0.32, 0.04, 0.26],
              [0.3, 0.24, 0.14],
            ],
            { radius: 0.022 },
          ),
          fixed(n.darkSteel),
        ),
      ),
    ],
  }),
  balloon: () => ({
    parts: [
      part(
        vase([
          [0.1, 0.42],
          [0.2, 0.54],
          [0.42, 0.86],
          [0.5, 1.14],
          [0.4, 1.42],
          [0.2, 1.56],
          [0, 1.59],
        ]),
        main(n.red),
      ),
      ...around(
        8,
        part(
          tube(
            [
              [0.12, 0.44, 0],
              [0.21, 0.54, 0],
              [0.43, 0.86, 0],
              [0.505, 1.14, 0],
              [0.4, 1.43, 0],
              [0.2, 1.57, 0],
              [0.02, 1.6, 0],
            ],
            { radius: 0.022 },
          ),
          fixed(n.yellow),
        ),
      ),
      part(torus(0.13, 0.035), fixed(n.yellow), { at: [0, 0.44, 0] }),
      ...around(
        4,
        part(
          tube(
            [
              [0.12, 0.22, 0.12],
              [0.1, 0.46, 0.08],
            ],
            { radius: 0.01 },
          ),
          fixed(n.darkWood),
        ),
      ),
      part(
        lathe([
          [0, 0],
          [0.15, 0],
          [0.18, 0.22],
          [0.155, 0.22],
          [0.13, 0.03],
          [0, 0.03],
        ]),
        fixed(n.wood),
      ),
      part(torus(0.175, 0.022), fixed(n.darkWood), { at: [0, 0.22, 0] }),
    ],
  }),
  submarine: () => ({
    parts: [
      part(ellipsoid(0.72, 0.27, 0.27), main(n.yellow), { at: [0, 0.3, 0] }),
      part(
        extrudeSmooth(
          [
            [-0.2, 0.46],
            [0.24, 0.46],
            [0.18, 0.74],
            [-0.12, 0.74],
          ],
          0.2,
        ),
        main(n.yellow, 0.9),
      ),
      part(
        tube(
          [
            [0.04, 0.7, 0],
            [0.04, 0.92, 0],
            [0.07, 0.98, 0],
            [0.16, 0.98, 0],
          ],
          { radius: 0.03 },
        ),
        fixed(n.darkSteel),
      ),
      ...mirrored(
        "z",
        ...[-0.3, 0.02, 0.34].flatMap((x) => [
          part(torus(0.085, 0.022), chrome, {
            at: [x, 0.33, x === 0.02 ? 0.265 : 0.24],
            turn: [90, 0, x * 18],
          }),
          part(ellipsoid(0.08, 0.08, 0.03), fixed(n.glassBlue, "glossy"), {
            at: [x, 0.33, x === 0.02 ? 0.26 : 0.235],
          }),
        ]),
      ),
      part(cone(0.1, 0.2), fixed(n.darkSteel), { at: [-0.76, 0.3, 0], turn: [0, 0, 90] }),
      ...group(
        { at: [-0.84, 0.3, 0], turn: [0, 0, 90] },
        ...around(
          4,
          part(ellipsoid(0.13, 0.015, 0.06), fixed(n.gold, "metal"), {
            at: [0.13, 0, 0],
            turn: [30, 0, 0],
          }),
        ),
      ),
      ...group(
        { at: [-0.6, 0.3, 0] },
        part(
          cushion(
            [
              [-0.14, -0.36],
              [0.06, -0.3],
              [0.12, 0],
              [0.06, 0.3],
              [-0.14, 0.36],
              [-0.1, 0],
            ],
            0.05,
            0.03,
            false,
          ),
          main(n.yellow, 0.8),
        ),
        part(
          cushion(
            [
              [-0.14, -0.36],
              [0.06, -0.3],
              [0.12, 0],
              [0.06, 0.3],
              [-0.14, 0.36],
              [-0.1, 0],
            ],
            0.05,
            0.03,
            false,
          ),
          main(n.yellow, 0.8),
          { turn: [90, 0, 0] },
        ),
      ),
    ],
  }),
  bicycle: () => {
    const frame = main(n.red);
    const bar = (
      a: readonly [number, number, number],
      b: readonly [number, number, number],
      radius = 0.03,
    ) => part(tube([a, b], { radius }), frame);
    const bikeWheel = (x: number): readonly Part[] =>
      group(
        { at: [x, 0.34, 0], turn: [90, 0, 0] },
        part(torus(0.32, 0.035), rubber),
        part(torus(0.285, 0.014), chrome),
        part(cylinder(0.04, 0.12), chrome),
        ...around(10, part(cylinder(0.007, 0.29), chrome, { at: [0.145, 0, 0], turn: [0, 0, 90] })),
      );
    return {
      parts: [
        ...bikeWheel(-0.48),
        ...bikeWheel(0.5),
        bar([-0.48, 0.34, 0], [-0.06, 0.32, 0]),
        bar([-0.48, 0.34, 0], [-0.18, 0.76, 0]),
        bar([-0.06, 0.32, 0], [-0.2, 0.84, 0]),
        bar([-0.06, 0.32, 0], [0.34, 0.72, 0]),
        bar([-0.18, 0.76, 0], [0.33, 0.8, 0]),
        bar([0.32, 0.88, 0], [0.5, 0.34, 0]),
        part(ellipsoid(0.15, 0.045, 0.085), rubber, { at: [-0.22, 0.88, 0] }),
        ...mirrored(
          "z",
          part(
            tube(
              [
                [0.31, 0.9, 0],
                [0.34, 0.95, 0.12],
                [0.28, 0.95, 0.26],
              ],
              { radius: 0.025 },
            ),
            chrome,
          ),
        ),
        ...mirrored(
          "z",
          part(cylinder(0.035, 0.13), rubber, { at: [0.28, 0.95, 0.27], turn: [90, 0, 0] }),
        ),
        part(cylinder(0.1, 0.03), chrome, { at: [-0.06, 0.32, 0.04], turn: [90, 0, 0] }),
        part(
          tube(
            [
              [-0.06, 0.32, 0.07],
              [0.08, 0.2, 0.07],
            ],
            { radius: 0.018 },
          ),
          chrome,
        ),
        part(
          tube(
            [
              [-0.06, 0.32, -0.05],
              [-0.2, 0.44, -0.05],
            ],
            { radius: 0.018 },
          ),
          chrome,
        ),
        part(box(0.11, 0.03, 0.1), rubber, { at: [0.08, 0.19, 0.12] }),
        part(box(0.11, 0.03, 0.1), rubber, { at: [-0.2, 0.45, -0.1] }),
      ],
    };
  },
  "flying saucer": () => ({
    parts: [
      part(
        vase([
          [0, 0.1],
          [0.3, 0.12],
          [0.74, 0.28],
          [0.76, 0.32],
          [0.44, 0.42],
          [0, 0.46],
        ]),
        main(n.steel),
      ),
      part(ellipsoid(0.3, 0.3, 0.3), fixed([0.5, 0.9, 0.65], "glossy"), { at: [0, 0.42, 0] }),
      part(torus(0.32, 0.035), main(n.steel, 0.75), { at: [0, 0.45, 0] }),
      ...around(10, part(ellipsoid(0.05), fixed(n.yellow), { at: [0.63, 0.37, 0] })),
      ...around(
        3,
        part(
          tube(
            [
              [0.3, 0.16, 0],
              [0.44, -0.06, 0],
            ],
            { radius: 0.022 },
          ),
          fixed(n.darkSteel),
        ),
        part(ellipsoid(0.06, 0.025, 0.06), fixed(n.darkSteel), { at: [0.44, -0.07, 0] }),
      ),
    ],
  }),
};
