import type { ObjectNameOf } from "../../grammar/index.ts";
import { fixed, group, type Model, main, mirrored, type Paint, part } from "../model.ts";
import { natural as n } from "../palette.ts";
import { cone, cushion, cylinder, ellipsoid, torus, tube, vase } from "../surfaces/index.ts";

const black = fixed(n.ink, "glossy");
const white = fixed(n.white);
const whisker = fixed(n.gray);

/** Two eyes that look along +z; distances from the middle of the face. */
function eyes(x: number, y: number, z: number, size: number) {
  return mirrored(
    "x",
    part(ellipsoid(size, size * 1.15, size * 0.7), white, { at: [x, y, z] }),
    part(ellipsoid(size * 0.6, size * 0.75, size * 0.5), black, { at: [x, y, z + size * 0.45] }),
  );
}

/** Four legs at ±x, ±z. */
function legs(x: number, z: number, height: number, radius: number, paint: Paint) {
  return mirrored(
    "z",
    ...mirrored(
      "x",
      part(
        tube(
          [
            [x, radius * 0.6, z],
            [x, height, z],
          ],
          { radius },
        ),
        paint,
      ),
    ),
  );
}

export const animalModels: Readonly<Record<ObjectNameOf<"animals">, () => Model>> = {
  fish: () => {
    const scales = main(n.orange);
    const fins = main(n.orange, 0.82);
    return {
      parts: [
        part(ellipsoid(0.52, 0.33, 0.19), scales),
        part(
          cushion(
            [
              [-0.42, 0],
              [-0.62, 0.16],
              [-0.86, 0.36],
              [-0.78, 0],
              [-0.86, -0.36],
              [-0.62, -0.16],
            ],
            0.09,
            0.08,
          ),
          fins,
        ),
        part(
          cushion(
            [
              [-0.3, 0.22],
              [0.16, 0.28],
              [0.06, 0.42],
              [-0.12, 0.5],
              [-0.34, 0.46],
            ],
            0.06,
            0.06,
          ),
          fins,
        ),
        part(
          cushion(
            [
              [-0.16, -0.44],
              [0, -0.26],
              [-0.2, -0.24],
              [-0.28, -0.4],
            ],
            0.06,
            0.06,
          ),
          fins,
        ),
        ...mirrored(
          "z",
          part(
            cushion(
              [
                [0.06, 0.02],
                [0, -0.1],
                [-0.2, -0.2],
                [-0.24, -0.06],
              ],
              0.05,
              0.05,
            ),
            fins,
            { at: [0.04, 0, 0.19], turn: [0, -25, 0] },
          ),
          part(ellipsoid(0.07, 0.07, 0.04), white, { at: [0.32, 0.09, 0.135], turn: [0, 25, 0] }),
          part(ellipsoid(0.04, 0.04, 0.03), black, { at: [0.335, 0.09, 0.165] }),
          part(
            tube(
              [
                [0.2, 0.22, 0.135],
                [0.15, 0.02, 0.185],
                [0.2, -0.2, 0.14],
              ],
              { radius: 0.014 },
            ),
            fins,
          ),
        ),
        part(torus(0.05, 0.024), fixed([0.9, 0.35, 0.3]), {
          at: [0.51, -0.03, 0],
          turn: [0, 0, 90],
        }),
      ],
    };
  },
  duck: () => ({
    parts: [
      part(ellipsoid(0.5, 0.32, 0.36), main(n.yellow), { at: [0, 0.3, 0] }),
      part(cone(0.2, 0.4), main(n.yellow), { at: [-0.48, 0.46, 0], turn: [0, 0, 50] }),
      part(
        tube(
          [
            [0.28, 0.4, 0],
            [0.34, 0.6, 0],
          ],
          { radius: 0.17 },
        ),
        main(n.yellow),
      ),
      part(ellipsoid(0.25), main(n.yellow), { at: [0.36, 0.82, 0] }),
      part(ellipsoid(0.17, 0.05, 0.13), fixed(n.orange), { at: [0.62, 0.78, 0] }),
      part(ellipsoid(0.13, 0.035, 0.11), fixed([0.9, 0.42, 0.05]), { at: [0.6, 0.74, 0] }),
      ...mirrored(
        "z",
        part(ellipsoid(0.28, 0.17, 0.07), main(n.yellow, 0.88), {
          at: [-0.05, 0.36, 0.33],
          turn: [0, 0, 12],
        }),
        part(ellipsoid(0.04), black, { at: [0.5, 0.9, 0.17] }),
        part(ellipsoid(0.15, 0.03, 0.09), fixed(n.orange), { at: [0.08, 0.0, 0.16] }),
      ),
    ],
  }),
  cat: () => {
    const fur = main(n.orange);
    const dark = main(n.orange, 0.75);
    return {
      parts: [
        part(
          vase([
            [0, 0],
            [0.34, 0.02],
            [0.4, 0.2],
            [0.3, 0.5],
            [0.2, 0.75],
            [0, 0.8],
          ]),
          fur,
        ),
        ...mirrored("x", part(ellipsoid(0.17, 0.25, 0.24), fur, { at: [0.27, 0.2, 0.05] })),
        ...mirrored(
          "x",
          part(
            tube(
              [
                [0.12, 0.55, 0.2],
                [0.12, 0.3, 0.29],
                [0.12, 0.06, 0.33],
              ],
              { radius: 0.085 },
            ),
            fur,
          ),
        ),
        ...mirrored("x", part(ellipsoid(0.1, 0.065, 0.12), white, { at: [0.12, 0.06, 0.38] })),
        part(ellipsoid(0.17, 0.24, 0.1), white, { at: [0, 0.5, 0.19] }),
        part(ellipsoid(0.3, 0.26, 0.27), fur, { at: [0, 0.95, 0.05] }),
        ...mirrored(
          "x",
          part(cone(0.12, 0.28), fur, { at: [0.18, 1.22, 0.03], turn: [0, 0, -14] }),
          part(cone(0.07, 0.18), fixed(n.pink), { at: [0.178, 1.2, 0.09], turn: [8, 0, -14] }),
          part(ellipsoid(0.09, 0.07, 0.07), white, { at: [0.07, 0.86, 0.29] }),
          part(
            tube(
              [
                [0.1, 0.87, 0.33],
                [0.44, 0.94, 0.28],
              ],
              { radius: 0.006 },
            ),
            whisker,
          ),
          part(
            tube(
              [
                [0.1, 0.85, 0.33],
                [0.44, 0.8, 0.28],
              ],
              { radius: 0.006 },
            ),
            whisker,
          ),
        ),
        ...mirrored(
          "x",
          part(ellipsoid(0.06, 0.07, 0.03), fixed([0.55, 0.8, 0.25], "glossy"), {
            at: [0.12, 0.99, 0.285],
          }),
          part(ellipsoid(0.02, 0.055, 0.02), black, { at: [0.12, 0.99, 0.31] }),
        ),
        part(ellipsoid(0.04, 0.03, 0.03), fixed(n.pink), { at: [0, 0.905, 0.355] }),
        part(
          tube(
            [
              [0.2, 0.08, -0.26],
              [0.5, 0.1, -0.2],
              [0.56, 0.36, -0.1],
              [0.5, 0.58, -0.1],
              [0.58, 0.72, -0.1],
            ],
            { radius: [0.08, 0.08, 0.075, 0.07, 0.06] },
          ),
          fur,
        ),
        ...[0.55, 0.66].map((y) =>
          part(torus(0.24 - (y - 0.55) * 0.3, 0.03), dark, { at: [0, y, -0.06], turn: [12, 0, 0] }),
        ),
      ],
    };
  },
  dog: () => {
    const fur = main(n.bread);
    const dark = main(n.bread, 0.55);
    return {
      parts: [
        part(ellipsoid(0.48, 0.25, 0.23), fur, { at: [0, 0.58, 0] }),
        part(ellipsoid(0.24, 0.28, 0.23), fur, { at: [0.3, 0.62, 0] }),
        ...legs(0.32, 0.13, 0.5, 0.08, fur),
        ...mirrored(
          "z",
          ...mirrored("x", part(ellipsoid(0.11, 0.06, 0.09), white, { at: [0.34, 0.05, 0.13] })),
        ),
        part(
          tube(
            [
              [0.36, 0.7, 0],
              [0.48, 0.92, 0],
            ],
            { radius: [0.17, 0.15] },
          ),
          fur,
        ),
        part(torus(0.155, 0.035), fixed(n.red), { at: [0.43, 0.8, 0], turn: [0, 0, -28] }),
        part(ellipsoid(0.25, 0.23, 0.22), fur, { at: [0.52, 1.04, 0] }),
        part(ellipsoid(0.2, 0.12, 0.13), white, { at: [0.75, 0.97, 0] }),
        part(ellipsoid(0.06, 0.05, 0.06), black, { at: [0.93, 1.02, 0] }),
        part(ellipsoid(0.07, 0.02, 0.05), fixed(n.pink), {
          at: [0.85, 0.86, 0],
          turn: [0, 0, -25],
        }),
        ...mirrored(
          "z",
          part(ellipsoid(0.1, 0.22, 0.06), dark, { at: [0.42, 1.0, 0.23], turn: [-12, 0, 8] }),
          part(ellipsoid(0.04), black, { at: [0.7, 1.12, 0.12] }),
        ),
        part(
          tube(
            [
              [-0.42, 0.68, 0],
              [-0.6, 0.86, 0],
              [-0.66, 1.06, 0],
            ],
            { radius: [0.08, 0.065, 0.035] },
          ),
          fur,
        ),
        part(ellipsoid(0.2, 0.12, 0.2), dark, { at: [-0.12, 0.74, 0] }),
      ],
    };
  },
  rabbit: () => {
    const fur = main([0.78, 0.72, 0.66]);
    return {
      parts: [
        part(ellipsoid(0.34, 0.38, 0.36), fur, { at: [0, 0.38, -0.05] }),
        part(ellipsoid(0.2, 0.25, 0.12), white, { at: [0, 0.4, 0.23] }),
        part(ellipsoid(0.27, 0.25, 0.25), fur, { at: [0, 0.9, 0.05] }),
        ...mirrored(
          "x",
          part(ellipsoid(0.085, 0.36, 0.06), fur, { at: [0.13, 1.36, 0], turn: [-6, 0, -9] }),
          part(ellipsoid(0.05, 0.27, 0.03), fixed(n.pink), {
            at: [0.132, 1.36, 0.05],
            turn: [-6, 0, -9],
          }),
          part(ellipsoid(0.13, 0.09, 0.24), fur, { at: [0.22, 0.08, 0.2] }),
          part(ellipsoid(0.085, 0.17, 0.09), fur, { at: [0.17, 0.48, 0.28], turn: [-20, 0, 10] }),
          part(ellipsoid(0.09, 0.07, 0.06), white, { at: [0.065, 0.82, 0.28] }),
        ),
        ...eyes(0.12, 0.97, 0.25, 0.05),
        part(ellipsoid(0.035, 0.026, 0.03), fixed(n.pink), { at: [0, 0.88, 0.33] }),
        part(ellipsoid(0.13), white, { at: [0, 0.22, -0.42] }),
      ],
    };
  },
  pig: () => {
    const skin = main(n.skinPink);
    const dark = main(n.skinPink, 0.82);
    return {
      parts: [
        part(ellipsoid(0.52, 0.36, 0.36), skin, { at: [0, 0.52, 0] }),
        ...legs(0.28, 0.18, 0.36, 0.095, skin),
        ...mirrored(
          "z",
          ...mirrored("x", part(cylinder(0.1, 0.07), dark, { at: [0.28, 0.035, 0.18] })),
        ),
        part(ellipsoid(0.28, 0.27, 0.27), skin, { at: [0.48, 0.66, 0] }),
        part(cylinder(0.125, 0.2), dark, { at: [0.74, 0.62, 0], turn: [0, 0, 90] }),
        ...mirrored(
          "z",
          part(ellipsoid(0.03, 0.045, 0.03), fixed([0.45, 0.2, 0.22]), {
            at: [0.835, 0.62, 0.045],
          }),
          part(ellipsoid(0.04), black, { at: [0.68, 0.76, 0.14] }),
          part(cone(0.1, 0.22), dark, { at: [0.46, 0.93, 0.16], turn: [25, 0, -30] }),
        ),
        part(
          tube(
            [
              [-0.5, 0.6, 0],
              [-0.58, 0.66, 0.05],
              [-0.62, 0.6, 0],
              [-0.64, 0.66, -0.06],
              [-0.72, 0.68, 0],
            ],
            { radius: 0.026 },
          ),
          dark,
        ),
      ],
    };
  },
  bird: () => ({
    parts: [
      part(ellipsoid(0.42, 0.32, 0.3), main(n.blue), { at: [0, 0.45, 0], turn: [0, 0, 18] }),
      part(ellipsoid(0.26, 0.24, 0.24), fixed(n.cream), { at: [0.16, 0.4, 0] }),
      part(ellipsoid(0.24), main(n.blue), { at: [0.34, 0.76, 0] }),
      part(cone(0.08, 0.24), fixed(n.orange), { at: [0.66, 0.74, 0], turn: [0, 0, -90] }),
      part(
        cushion(
          [
            [-0.3, 0.32],
            [-0.6, 0.34],
            [-0.88, 0.26],
            [-0.86, 0.12],
            [-0.6, 0.18],
            [-0.34, 0.2],
          ],
          0.12,
          0.08,
        ),
        main(n.blue, 0.75),
      ),
      ...mirrored(
        "z",
        part(
          cushion(
            [
              [0.2, 0.54],
              [0, 0.62],
              [-0.3, 0.5],
              [-0.56, 0.24],
              [-0.24, 0.26],
              [0.1, 0.34],
            ],
            0.12,
            0.1,
          ),
          main(n.blue, 0.8),
          { at: [0, 0.02, 0.27], turn: [0, -6, 0] },
        ),
        part(ellipsoid(0.055, 0.055, 0.03), white, { at: [0.46, 0.83, 0.19] }),
        part(ellipsoid(0.035, 0.035, 0.03), black, { at: [0.475, 0.835, 0.205] }),
        part(
          tube(
            [
              [0.02, 0.2, 0.1],
              [0.04, 0.02, 0.1],
            ],
            { radius: 0.025 },
          ),
          fixed(n.orange),
        ),
        part(ellipsoid(0.12, 0.025, 0.06), fixed(n.orange), { at: [0.09, 0.01, 0.1] }),
      ),
    ],
  }),
  penguin: () => {
    const coat = main([0.15, 0.17, 0.22]);
    return {
      parts: [
        part(
          vase([
            [0, 0.02],
            [0.28, 0.05],
            [0.38, 0.28],
            [0.36, 0.55],
            [0.26, 0.85],
            [0.25, 1.05],
            [0.18, 1.22],
            [0, 1.28],
          ]),
          coat,
        ),
        part(ellipsoid(0.28, 0.4, 0.2), white, { at: [0, 0.43, 0.21] }),
        ...mirrored("x", part(ellipsoid(0.1, 0.12, 0.06), white, { at: [0.09, 1.03, 0.2] })),
        ...mirrored("x", part(ellipsoid(0.035), black, { at: [0.09, 1.05, 0.25] })),
        part(cone(0.075, 0.22), fixed(n.orange), { at: [0, 0.96, 0.33], turn: [95, 0, 0] }),
        ...mirrored(
          "x",
          part(ellipsoid(0.06, 0.33, 0.14), coat, { at: [0.41, 0.55, 0], turn: [0, 0, 16] }),
          part(ellipsoid(0.13, 0.045, 0.2), fixed(n.orange), { at: [0.15, 0.03, 0.16] }),
        ),
        part(cone(0.1, 0.16), coat, { at: [0, 0.1, -0.36], turn: [-110, 0, 0] }),
      ],
    };
  },
  turtle: () => {
    const skin = fixed([0.55, 0.75, 0.35]);
    const plates = [0, 60, 120, 180, 240, 300];
    return {
      parts: [
        part(
          vase([
            [0, 0.16],
            [0.5, 0.17],
            [0.55, 0.21],
            [0.46, 0.42],
            [0.26, 0.55],
            [0, 0.58],
          ]),
          main(n.darkLeaf),
        ),
        part(torus(0.52, 0.05), main(n.darkLeaf, 1.3), { at: [0, 0.2, 0] }),
        part(ellipsoid(0.17, 0.04, 0.17), main(n.darkLeaf, 1.35), { at: [0, 0.565, 0] }),
        ...plates.flatMap((turn) =>
          group(
            { turn: [0, turn, 0] },
            part(ellipsoid(0.13, 0.03, 0.15), main(n.darkLeaf, 1.35), {
              at: [0.37, 0.44, 0],
              turn: [0, 0, -42],
            }),
          ),
        ),
        part(
          tube(
            [
              [0.46, 0.22, 0],
              [0.68, 0.34, 0],
            ],
            { radius: 0.1 },
          ),
          skin,
        ),
        part(ellipsoid(0.17, 0.14, 0.14), skin, { at: [0.76, 0.4, 0] }),
        ...mirrored(
          "z",
          part(ellipsoid(0.035), black, { at: [0.86, 0.46, 0.09] }),
          ...mirrored("x", part(ellipsoid(0.14, 0.1, 0.12), skin, { at: [0.36, 0.1, 0.36] })),
        ),
        part(cone(0.06, 0.2), skin, { at: [-0.62, 0.18, 0], turn: [0, 0, 95] }),
      ],
    };
  },
  snail: () => {
    const skin = fixed([0.85, 0.75, 0.5]);
    return {
      parts: [
        part(
          tube(
            [
              [-0.66, 0.06, 0],
              [-0.2, 0.1, 0],
              [0.3, 0.1, 0],
              [0.5, 0.22, 0],
              [0.56, 0.42, 0],
            ],
            { radius: [0.03, 0.11, 0.13, 0.12, 0.11] },
          ),
          skin,
        ),
        part(ellipsoid(0.36, 0.36, 0.2), main(n.brick), { at: [-0.1, 0.46, 0] }),
        ...mirrored(
          "z",
          part(
            tube(
              [
                [0.24, 0.38, 0.04],
                [0.16, 0.68, 0.1],
                [-0.16, 0.76, 0.13],
                [-0.36, 0.5, 0.15],
                [-0.22, 0.26, 0.18],
                [0.04, 0.32, 0.2],
                [0.06, 0.52, 0.21],
                [-0.1, 0.56, 0.22],
                [-0.14, 0.46, 0.23],
              ],
              {
                radius: [0.06, 0.06, 0.055, 0.05, 0.045, 0.04, 0.035, 0.03, 0.02],
              },
            ),
            main(n.brick, 0.72),
          ),
          part(
            tube(
              [
                [0.56, 0.46, 0.04],
                [0.64, 0.7, 0.1],
              ],
              { radius: 0.025 },
            ),
            skin,
          ),
          part(ellipsoid(0.05), black, { at: [0.65, 0.73, 0.11] }),
        ),
      ],
    };
  },
  butterfly: () => {
    const wing = main(n.orange);
    const spot = main(n.orange, 0.5);
    return {
      parts: [
        part(
          tube(
            [
              [0, -0.36, 0],
              [0, 0, 0],
              [0, 0.34, 0],
            ],
            { radius: [0.03, 0.06, 0.055] },
          ),
          fixed(n.chocolate),
        ),
        part(ellipsoid(0.08), fixed(n.chocolate), { at: [0, 0.42, 0] }),
        ...mirrored(
          "x",
          ...group(
            { turn: [0, -16, 0] },
            part(
              cushion(
                [
                  [0.03, 0.06],
                  [0.3, 0.02],
                  [0.62, 0.2],
                  [0.74, 0.52],
                  [0.58, 0.66],
                  [0.28, 0.46],
                  [0.04, 0.22],
                ],
                0.07,
                0.06,
              ),
              wing,
            ),
            part(
              cushion(
                [
                  [0.03, 0],
                  [0.04, -0.16],
                  [0.22, -0.5],
                  [0.42, -0.56],
                  [0.54, -0.34],
                  [0.46, -0.1],
                  [0.24, 0.02],
                ],
                0.07,
                0.06,
              ),
              main(n.orange, 0.88),
            ),
            part(ellipsoid(0.11, 0.11, 0.045), spot, { at: [0.52, 0.45, 0] }),
            part(ellipsoid(0.06, 0.06, 0.045), white, { at: [0.33, 0.26, 0] }),
            part(ellipsoid(0.09, 0.09, 0.045), spot, { at: [0.34, -0.32, 0] }),
          ),
          part(
            tube(
              [
                [0.03, 0.46, 0],
                [0.1, 0.62, 0.02],
                [0.2, 0.72, 0.02],
              ],
              { radius: 0.014 },
            ),
            fixed(n.chocolate),
          ),
          part(ellipsoid(0.03), fixed(n.chocolate), { at: [0.2, 0.72, 0.02] }),
        ),
      ],
    };
  },
  whale: () => ({
    parts: [
      part(
        tube(
          [
            [-0.78, 0.36, 0],
            [-0.55, 0.2, 0],
            [-0.2, 0.06, 0],
            [0.2, 0.05, 0],
            [0.5, 0.06, 0],
            [0.62, 0.06, 0],
          ],
          { radius: [0.06, 0.16, 0.33, 0.38, 0.32, 0.22] },
        ),
        main(n.blue),
      ),
      part(ellipsoid(0.5, 0.22, 0.3), fixed([0.85, 0.9, 0.95]), { at: [0.24, -0.14, 0] }),
      ...mirrored(
        "z",
        part(
          cushion(
            [
              [-0.06, 0],
              [0.02, 0.3],
              [-0.12, 0.44],
              [-0.3, 0.3],
              [-0.2, 0.06],
            ],
            0.08,
            0.07,
          ),
          main(n.blue, 0.85),
          { at: [-0.72, 0.4, 0], turn: [78, 0, 0] },
        ),
        part(
          cushion(
            [
              [0.12, 0.02],
              [-0.02, 0.34],
              [-0.2, 0.4],
              [-0.12, 0.02],
            ],
            0.08,
            0.07,
          ),
          main(n.blue, 0.85),
          { at: [0.2, -0.1, 0.3], turn: [120, 0, 0] },
        ),
        part(ellipsoid(0.045), black, { at: [0.62, 0.08, 0.255] }),
        part(ellipsoid(0.06, 0.06, 0.03), white, { at: [0.61, 0.085, 0.245] }),
      ),
      ...mirrored(
        "x",
        part(
          tube(
            [
              [0, 0.4, 0],
              [0.04, 0.6, 0],
              [0.16, 0.72, 0],
              [0.24, 0.62, 0],
            ],
            { radius: [0.035, 0.04, 0.045, 0.05] },
          ),
          fixed([0.6, 0.82, 0.95]),
        ),
      ).flatMap((p) => group({ at: [0.25, 0, 0] }, p)),
    ],
  }),
  giraffe: () => {
    const coat = main([0.95, 0.78, 0.36]);
    const patch = fixed([0.58, 0.33, 0.14]);
    const spots = [
      [-0.2, 0.84, 0.18],
      [0.04, 0.9, 0.18],
      [-0.06, 0.72, 0.2],
      [0.2, 0.78, 0.17],
      [-0.3, 0.72, 0.13],
      [0.33, 1.08, 0.075],
      [0.4, 1.3, 0.065],
      [0.28, 0.94, 0.1],
      [0.46, 1.5, 0.06],
    ] as const;
    return {
      parts: [
        part(ellipsoid(0.38, 0.2, 0.19), coat, { at: [0, 0.78, 0], turn: [0, 0, 8] }),
        ...legs(0.24, 0.1, 0.72, 0.055, coat),
        ...mirrored(
          "z",
          ...mirrored("x", part(cylinder(0.065, 0.07), patch, { at: [0.24, 0.03, 0.1] })),
        ),
        part(
          tube(
            [
              [0.22, 0.84, 0],
              [0.36, 1.2, 0],
              [0.48, 1.62, 0],
            ],
            { radius: [0.14, 0.09, 0.075] },
          ),
          coat,
        ),
        part(ellipsoid(0.19, 0.1, 0.09), coat, { at: [0.58, 1.64, 0], turn: [0, 0, -18] }),
        part(ellipsoid(0.08, 0.065, 0.07), fixed(n.cream), { at: [0.72, 1.58, 0] }),
        ...mirrored(
          "z",
          part(
            tube(
              [
                [0.47, 1.7, 0.04],
                [0.44, 1.84, 0.05],
              ],
              { radius: 0.022 },
            ),
            coat,
          ),
          part(ellipsoid(0.035), patch, { at: [0.44, 1.86, 0.05] }),
          part(ellipsoid(0.03, 0.05, 0.09), coat, { at: [0.42, 1.68, 0.12], turn: [20, 0, 0] }),
          part(ellipsoid(0.026), black, { at: [0.6, 1.69, 0.075] }),
          ...spots.map(([x, y, z]) =>
            part(ellipsoid(0.075, 0.065, 0.03), patch, { at: [x, y, z - 0.012] }),
          ),
        ),
        part(
          tube(
            [
              [-0.36, 0.8, 0],
              [-0.44, 0.6, 0],
              [-0.44, 0.45, 0],
            ],
            { radius: [0.03, 0.02, 0.035] },
          ),
          patch,
        ),
      ],
    };
  },
  elephant: () => {
    const skin = main([0.6, 0.62, 0.67]);
    return {
      parts: [
        part(ellipsoid(0.5, 0.4, 0.37), skin, { at: [-0.08, 0.68, 0] }),
        ...legs(0.27, 0.19, 0.5, 0.125, skin).flatMap((p) => group({ at: [-0.08, 0, 0] }, p)),
        part(ellipsoid(0.3, 0.3, 0.27), skin, { at: [0.48, 0.88, 0] }),
        part(
          tube(
            [
              [0.68, 0.86, 0],
              [0.84, 0.62, 0],
              [0.86, 0.34, 0],
              [0.92, 0.14, 0],
              [1.06, 0.16, 0],
            ],
            { radius: [0.15, 0.11, 0.085, 0.07, 0.06] },
          ),
          skin,
        ),
        ...mirrored(
          "z",
          part(
            cushion(
              [
                [0.02, 0.26],
                [-0.2, 0.3],
                [-0.36, 0.1],
                [-0.32, -0.16],
                [-0.16, -0.3],
                [0, -0.14],
              ],
              0.08,
              0.06,
            ),
            main([0.6, 0.62, 0.67], 0.88),
            { at: [0.42, 0.92, 0.24], turn: [0, 55, 0] },
          ),
          part(ellipsoid(0.035), black, { at: [0.7, 0.98, 0.15] }),
          part(
            tube(
              [
                [0.68, 0.74, 0.13],
                [0.84, 0.6, 0.18],
                [1, 0.62, 0.19],
              ],
              { radius: [0.05, 0.04, 0.015] },
            ),
            fixed(n.cream),
          ),
        ),
        part(
          tube(
            [
              [-0.55, 0.8, 0],
              [-0.66, 0.6, 0],
              [-0.66, 0.44, 0],
            ],
            { radius: [0.035, 0.025, 0.04] },
          ),
          skin,
        ),
      ],
    };
  },
  "teddy bear": () => {
    const fur = main([0.65, 0.42, 0.22]);
    const pale = fixed(n.cream);
    return {
      parts: [
        part(ellipsoid(0.34, 0.38, 0.3), fur, { at: [0, 0.44, 0] }),
        part(ellipsoid(0.23, 0.26, 0.1), pale, { at: [0, 0.42, 0.24] }),
        part(ellipsoid(0.32, 0.29, 0.28), fur, { at: [0, 1.0, 0] }),
        part(ellipsoid(0.15, 0.12, 0.12), pale, { at: [0, 0.92, 0.25] }),
        part(ellipsoid(0.055, 0.04, 0.04), black, { at: [0, 0.97, 0.36] }),
        ...mirrored(
          "x",
          part(ellipsoid(0.125, 0.125, 0.08), fur, { at: [0.25, 1.24, 0] }),
          part(ellipsoid(0.075, 0.075, 0.05), pale, { at: [0.25, 1.24, 0.055] }),
          part(ellipsoid(0.042), black, { at: [0.12, 1.06, 0.245] }),
          part(
            tube(
              [
                [0.26, 0.68, 0.02],
                [0.44, 0.54, 0.1],
                [0.5, 0.42, 0.2],
              ],
              { radius: [0.12, 0.125, 0.13] },
            ),
            fur,
          ),
          part(
            tube(
              [
                [0.17, 0.16, 0.1],
                [0.27, 0.13, 0.32],
                [0.3, 0.14, 0.44],
              ],
              { radius: [0.16, 0.15, 0.15] },
            ),
            fur,
          ),
          part(ellipsoid(0.11, 0.11, 0.04), pale, { at: [0.315, 0.14, 0.575], turn: [0, 8, 0] }),
        ),
        part(torus(0.24, 0.045), fixed(n.red), { at: [0, 0.75, 0.02] }),
        ...mirrored(
          "x",
          part(ellipsoid(0.1, 0.065, 0.04), fixed(n.red), {
            at: [0.1, 0.73, 0.28],
            turn: [0, 0, 12],
          }),
        ),
      ],
    };
  },
};
