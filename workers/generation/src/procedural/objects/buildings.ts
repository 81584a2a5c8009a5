import type { ObjectNameOf } from "../../grammar/index.ts";
import { around, fixed, group, type Model, main, mirrored, type Part, part } from "../model.ts";
import { natural as n } from "../palette.ts";
import {
  box,
  cone,
  cylinder,
  ellipsoid,
  extrude,
  lathe,
  prism,
  torus,
  tube,
  vase,
} from "../surfaces/index.ts";

const pane = fixed([0.4, 0.62, 0.82], "glossy");
const roofRed = fixed(n.brick);
const door = fixed(n.darkWood);

/** A window in the plane z = 0, with its frame. */
function windowAt(x: number, y: number, width: number, height: number): readonly Part[] {
  return [
    part(box(width + 0.05, height + 0.05, 0.025), fixed(n.white), { at: [x, y, 0] }),
    part(box(width, height, 0.035), pane, { at: [x, y, 0] }),
    part(box(0.018, height, 0.045), fixed(n.white), { at: [x, y, 0] }),
    part(box(width, 0.018, 0.045), fixed(n.white), { at: [x, y, 0] }),
  ];
}

export const buildingModels: Readonly<Record<ObjectNameOf<"buildings">, () => Model>> = {
  house: () => ({
    parts: [
      part(
        extrude(
          [
            [-0.5, 0],
            [0.5, 0],
            [0.5, 0.62],
            [0, 1.06],
            [-0.5, 0.62],
          ],
          0.86,
        ),
        main([0.95, 0.85, 0.62]),
      ),
      ...mirrored(
        "x",
        part(box(0.82, 0.07, 1.02), roofRed, { at: [0.29, 0.84, 0], turn: [0, 0, -41.5] }),
      ),
      part(box(0.16, 0.42, 0.16), fixed([0.6, 0.32, 0.26]), { at: [0.27, 1.08, -0.18] }),
      part(box(0.2, 0.05, 0.2), fixed(n.gray), { at: [0.27, 1.3, -0.18] }),
      part(box(0.2, 0.38, 0.03), door, { at: [0, 0.19, 0.435] }),
      part(ellipsoid(0.018), fixed(n.gold), { at: [0.06, 0.19, 0.46] }),
      ...group(
        { at: [0, 0, 0.435] },
        ...windowAt(-0.3, 0.38, 0.17, 0.2),
        ...windowAt(0.3, 0.38, 0.17, 0.2),
        ...windowAt(0, 0.74, 0.15, 0.16),
      ),
      ...group(
        { turn: [0, 90, 0] },
        ...group(
          { at: [0, 0, 0.505] },
          ...windowAt(-0.2, 0.36, 0.17, 0.2),
          ...windowAt(0.2, 0.36, 0.17, 0.2),
        ),
      ),
      ...group(
        { turn: [0, -90, 0] },
        ...group(
          { at: [0, 0, 0.505] },
          ...windowAt(-0.2, 0.36, 0.17, 0.2),
          ...windowAt(0.2, 0.36, 0.17, 0.2),
        ),
      ),
      ...group(
        { turn: [0, 180, 0] },
        ...group(
          { at: [0, 0, 0.435] },
          ...windowAt(-0.22, 0.38, 0.17, 0.2),
          ...windowAt(0.22, 0.38, 0.17, 0.2),
        ),
      ),
    ],
  }),
  castle: () => ({
    parts: [
      ...[0, 90, 180, 270].flatMap((turn) =>
        group(
          { turn: [0, turn, 0] },
          part(box(0.94, 0.46, 0.1), main(n.stone), { at: [0, 0.23, 0.47] }),
          ...[-0.3, -0.15, 0, 0.15, 0.3].map((x) =>
            part(box(0.08, 0.1, 0.1), main(n.stone), { at: [x, 0.51, 0.47] }),
          ),
        ),
      ),
      ...around(
        4,
        part(cylinder(0.18, 0.74), main(n.stone, 0.93), { at: [0.47, 0.37, 0.47] }),
        part(cylinder(0.21, 0.08), main(n.stone, 1.03), { at: [0.47, 0.74, 0.47] }),
        part(cone(0.24, 0.36), fixed(n.blue), { at: [0.47, 0.96, 0.47] }),
        part(box(0.05, 0.13, 0.03), fixed(n.ink), { at: [0.47, 0.55, 0.645] }),
      ),
      part(box(0.46, 0.86, 0.46), main(n.stone, 0.97), { at: [0, 0.43, 0] }),
      ...[0, 90, 180, 270].flatMap((turn) =>
        group(
          { turn: [0, turn, 0] },
          ...[-0.18, 0, 0.18].map((x) =>
            part(box(0.09, 0.1, 0.07), main(n.stone), { at: [x, 0.91, 0.195] }),
          ),
          part(box(0.07, 0.16, 0.03), fixed(n.ink), { at: [0, 0.68, 0.23] }),
        ),
      ),
      part(cylinder(0.012, 0.42), fixed(n.darkWood), { at: [0, 1.07, 0] }),
      part(
        extrude(
          [
            [0.01, 1.1],
            [0.24, 1.17],
            [0.01, 1.26],
          ],
          0.02,
        ),
        fixed(n.red),
      ),
      part(box(0.24, 0.24, 0.03), door, { at: [0, 0.12, 0.525] }),
      part(cylinder(0.12, 0.03), door, { at: [0, 0.24, 0.525], turn: [90, 0, 0] }),
    ],
  }),
  lighthouse: () => ({
    parts: [
      part(cylinder(0.42, 0.1, 0.38), fixed(n.stone), { at: [0, 0.05, 0] }),
      ...[0, 1, 2, 3, 4].map((i) => {
        const [low, high] = [0.3 - i * 0.026, 0.3 - (i + 1) * 0.026];
        return part(
          lathe([
            [low, 0.1 + i * 0.19],
            [high, 0.29 + i * 0.19],
          ]),
          i % 2 === 0 ? main(n.red) : fixed(n.white),
        );
      }),
      part(
        lathe([
          [0.17, 1.03],
          [0.25, 1.05],
          [0.25, 1.09],
          [0, 1.09],
        ]),
        fixed(n.darkSteel),
      ),
      part(cylinder(0.12, 0.2), fixed(n.yellow, "glossy"), { at: [0, 1.19, 0] }),
      ...around(8, part(cylinder(0.01, 0.2), fixed(n.darkSteel), { at: [0.125, 1.19, 0] })),
      ...around(10, part(cylinder(0.008, 0.09), fixed(n.darkSteel), { at: [0.235, 1.13, 0] })),
      part(torus(0.235, 0.01), fixed(n.darkSteel), { at: [0, 1.175, 0] }),
      part(cone(0.18, 0.18), main(n.red), { at: [0, 1.38, 0] }),
      part(ellipsoid(0.03), fixed(n.darkSteel), { at: [0, 1.48, 0] }),
      part(box(0.14, 0.24, 0.05), door, { at: [0, 0.2, 0.29] }),
      part(box(0.07, 0.1, 0.04), pane, { at: [0, 0.56, 0.235] }),
      part(box(0.07, 0.1, 0.04), pane, { at: [0, 0.85, 0.195] }),
    ],
  }),
  windmill: () => ({
    parts: [
      part(
        prism(
          [
            [0, 0],
            [0.4, 0],
            [0.24, 0.95],
            [0, 0.95],
          ],
          8,
        ),
        main(n.cream),
      ),
      part(
        vase([
          [0.28, 0.94],
          [0.26, 1.02],
          [0.16, 1.16],
          [0, 1.2],
        ]),
        roofRed,
      ),
      part(cylinder(0.03, 0.34), fixed(n.darkWood), { at: [0, 1.0, 0.3], turn: [90, 0, 0] }),
      part(ellipsoid(0.065), fixed(n.darkWood), { at: [0, 1.0, 0.46] }),
      ...[20, 110, 200, 290].flatMap((turn) =>
        group(
          { at: [0, 1.0, 0.44], turn: [0, 0, turn] },
          part(box(0.035, 0.72, 0.03), fixed(n.darkWood), { at: [0, 0.36, 0] }),
          part(box(0.17, 0.5, 0.015), fixed(n.white), { at: [0.095, 0.44, -0.01] }),
          ...[0.24, 0.38, 0.52, 0.66].map((y) =>
            part(box(0.18, 0.016, 0.03), fixed(n.darkWood), { at: [0.095, y, 0] }),
          ),
        ),
      ),
      part(box(0.16, 0.28, 0.04), door, { at: [0, 0.14, 0.365], turn: [-9, 0, 0] }),
      part(box(0.12, 0.14, 0.04), pane, { at: [0, 0.58, 0.29], turn: [-9, 0, 0] }),
    ],
  }),
  tent: () => ({
    parts: [
      part(
        extrude(
          [
            [-0.6, 0],
            [0.6, 0],
            [0, 0.78],
          ],
          1.1,
        ),
        main(n.orange),
      ),
      part(
        extrude(
          [
            [-0.2, 0.001],
            [0.2, 0.001],
            [0, 0.6],
          ],
          1.112,
        ),
        fixed([0.16, 0.12, 0.1]),
      ),
      ...mirrored(
        "x",
        part(
          extrude(
            [
              [0.02, 0.6],
              [0.2, 0],
              [0.3, 0],
            ],
            1.13,
          ),
          main(n.orange, 0.8),
        ),
      ),
      ...mirrored(
        "z",
        part(
          tube(
            [
              [0, 0, 0.57],
              [0, 0.84, 0.57],
            ],
            { radius: 0.022 },
          ),
          fixed(n.darkWood),
        ),
      ),
      part(cylinder(0.018, 1.14), fixed(n.darkWood), { at: [0, 0.785, 0], turn: [90, 0, 0] }),
      ...mirrored(
        "z",
        ...mirrored(
          "x",
          part(
            tube(
              [
                [0.5, 0.13, 0.54],
                [0.72, 0, 0.66],
              ],
              { radius: 0.012 },
            ),
            fixed(n.darkWood),
          ),
        ),
      ),
    ],
  }),
  church: () => ({
    parts: [
      part(
        extrude(
          [
            [-0.28, 0],
            [0.28, 0],
            [0.28, 0.5],
            [0, 0.8],
            [-0.28, 0.5],
          ],
          0.8,
        ),
        main([0.93, 0.91, 0.87]),
        { at: [0, 0, -0.15] },
      ),
      ...mirrored(
        "x",
        part(box(0.48, 0.045, 0.86), fixed([0.45, 0.32, 0.3]), {
          at: [0.165, 0.66, -0.15],
          turn: [0, 0, -47],
        }),
      ),
      part(box(0.32, 0.95, 0.32), main([0.93, 0.91, 0.87]), { at: [0, 0.475, 0.36] }),
      part(
        prism(
          [
            [0, 0.95],
            [0.26, 0.95],
            [0, 1.5],
          ],
          4,
        ),
        fixed([0.45, 0.32, 0.3]),
        { at: [0, 0, 0.36] },
      ),
      part(box(0.03, 0.2, 0.03), fixed(n.gold, "metal"), { at: [0, 1.56, 0.36] }),
      part(box(0.13, 0.03, 0.03), fixed(n.gold, "metal"), { at: [0, 1.58, 0.36] }),
      part(box(0.16, 0.26, 0.03), door, { at: [0, 0.13, 0.52] }),
      part(cylinder(0.08, 0.03), door, { at: [0, 0.26, 0.52], turn: [90, 0, 0] }),
      part(cylinder(0.075, 0.03), pane, { at: [0, 0.56, 0.52], turn: [90, 0, 0] }),
      ...[0, 90, 270].flatMap((turn) =>
        group(
          { at: [0, 0, 0.36], turn: [0, turn, 0] },
          part(box(0.09, 0.16, 0.03), fixed(n.ink), { at: [0, 0.82, 0.155] }),
        ),
      ),
      ...mirrored(
        "x",
        ...[-0.4, -0.2, 0].map((z) => part(box(0.03, 0.24, 0.1), pane, { at: [0.28, 0.28, z] })),
      ),
    ],
  }),
  igloo: () => {
    const line = main(n.snow, 0.78);
    return {
      parts: [
        part(
          vase([
            [0.62, 0],
            [0.6, 0.16],
            [0.5, 0.38],
            [0.3, 0.56],
            [0, 0.63],
          ]),
          main(n.snow),
        ),
        part(
          lathe([
            [0, 0],
            [0.62, 0],
          ]),
          main(n.snow),
        ),
        ...[
          [0.605, 0.14],
          [0.545, 0.3],
          [0.42, 0.455],
          [0.24, 0.59],
        ].map(([r = 0, y = 0]) => part(torus(r, 0.012), line, { at: [0, y, 0] })),
        ...[0, 1, 2].flatMap((row) =>
          group(
            { turn: [0, row * 17, 0] },
            ...around(
              12 - row * 2,
              part(
                tube(
                  row === 0
                    ? [
                        [0.626, 0, 0],
                        [0.61, 0.14, 0],
                      ]
                    : row === 1
                      ? [
                          [0.61, 0.14, 0],
                          [0.55, 0.3, 0],
                        ]
                      : [
                          [0.55, 0.3, 0],
                          [0.425, 0.455, 0],
                        ],
                  { radius: 0.011 },
                ),
                line,
              ),
            ),
          ),
        ),
        part(
          lathe([
            [0.24, -0.18],
            [0.24, 0.18],
            [0.17, 0.18],
            [0.17, -0.18],
            [0.24, -0.18],
          ]),
          main(n.snow),
          { at: [0, 0.06, 0.66], turn: [90, 0, 0] },
        ),
        part(cylinder(0.175, 0.02), fixed([0.2, 0.26, 0.36]), {
          at: [0, 0.06, 0.6],
          turn: [90, 0, 0],
        }),
      ],
    };
  },
  well: () => ({
    parts: [
      part(
        lathe([
          [0.3, 0],
          [0.42, 0],
          [0.42, 0.42],
          [0.3, 0.42],
          [0.3, 0.05],
        ]),
        main(n.stone),
      ),
      part(
        lathe([
          [0, 0],
          [0.3, 0],
        ]),
        main(n.stone),
      ),
      part(cylinder(0.3, 0.02), fixed([0.2, 0.5, 0.8], "glossy"), { at: [0, 0.28, 0] }),
      ...[0.02, 0.15, 0.28].flatMap((y, row) =>
        group(
          { turn: [0, row * 15, 0] },
          ...around(
            12,
            part(box(0.06, 0.105, 0.19, 0.02), main(n.stone, row === 1 ? 0.9 : 1.04), {
              at: [0.405, y + 0.055, 0],
            }),
          ),
        ),
      ),
      part(torus(0.37, 0.055), main(n.stone, 1.08), { at: [0, 0.42, 0] }),
      ...mirrored("x", part(box(0.06, 0.95, 0.06), door, { at: [0.38, 0.62, 0] })),
      ...[1, -1].map((side) =>
        part(box(1.02, 0.05, 0.5), roofRed, {
          at: [0, 1.16, side * 0.19],
          turn: [side * 40, 0, 0],
        }),
      ),
      part(cylinder(0.035, 0.76), fixed(n.wood), { at: [0, 0.86, 0], turn: [0, 0, 90] }),
      part(cylinder(0.01, 0.3), fixed(n.cream), { at: [0, 0.72, 0] }),
      part(
        lathe([
          [0, 0.46],
          [0.085, 0.46],
          [0.11, 0.62],
          [0.09, 0.62],
          [0, 0.5],
        ]),
        fixed(n.wood),
      ),
    ],
  }),
};
