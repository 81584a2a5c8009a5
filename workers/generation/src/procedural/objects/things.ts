import type { ObjectNameOf } from "../../grammar/index.ts";
import { cos, sin } from "../maths.ts";
import { around, fixed, group, type Model, main, mirrored, part } from "../model.ts";
import { natural as n } from "../palette.ts";
import {
  box,
  cushion,
  cylinder,
  ellipsoid,
  extrude,
  extrudeSmooth,
  lathe,
  prism,
  quad,
  torus,
  tube,
  vase,
} from "../surfaces/index.ts";

const steel = fixed(n.steel, "metal");
const ink = fixed(n.ink);
const gold = fixed(n.gold, "metal");

/** Points on an arc around the origin, degrees counter-clockwise from +x. */
function arc(radius: number, from: number, to: number, count: number) {
  return Array.from({ length: count }, (_, i) => {
    const angle = ((from + ((to - from) * i) / (count - 1)) * Math.PI) / 180;
    return [radius * cos(angle), radius * sin(angle)] as const;
  });
}

export const thingModels: Readonly<Record<ObjectNameOf<"things">, () => Model>> = {
  robot: () => ({
    parts: [
      part(box(0.56, 0.5, 0.38, 0.05), main(n.steel), { at: [0, 0.66, 0] }),
      part(box(0.44, 0.36, 0.36, 0.05), main(n.steel, 1.08), { at: [0, 1.15, 0] }),
      part(cylinder(0.09, 0.1), fixed(n.darkSteel), { at: [0, 0.94, 0] }),
      ...mirrored(
        "x",
        part(cylinder(0.075, 0.04), ink, { at: [0.1, 1.2, 0.18], turn: [90, 0, 0] }),
        part(ellipsoid(0.05, 0.05, 0.03), fixed([0.3, 0.95, 1]), { at: [0.1, 1.2, 0.2] }),
        part(cylinder(0.06, 0.06), fixed(n.red), { at: [0.25, 1.16, 0], turn: [0, 0, 90] }),
        part(ellipsoid(0.1), fixed(n.darkSteel), { at: [0.34, 0.83, 0] }),
        part(
          tube(
            [
              [0.37, 0.8, 0],
              [0.43, 0.6, 0.02],
              [0.43, 0.45, 0.1],
            ],
            { radius: 0.06 },
          ),
          main(n.steel, 0.85),
        ),
        part(torus(0.075, 0.03), fixed(n.darkSteel), { at: [0.43, 0.36, 0.15], turn: [60, 0, 0] }),
        part(cylinder(0.075, 0.3), main(n.steel, 0.85), { at: [0.15, 0.29, 0] }),
        part(box(0.2, 0.13, 0.32, 0.03), fixed(n.darkSteel), { at: [0.15, 0.07, 0.05] }),
      ),
      part(box(0.22, 0.05, 0.02), ink, { at: [0, 1.05, 0.18] }),
      part(box(0.32, 0.24, 0.02), fixed([0.2, 0.24, 0.32]), { at: [0, 0.7, 0.19] }),
      ...[n.red, n.yellow, n.green].map((rgb, i) =>
        part(ellipsoid(0.035), fixed(rgb), { at: [-0.09 + i * 0.09, 0.74, 0.2] }),
      ),
      part(cylinder(0.015, 0.18), fixed(n.darkSteel), { at: [0, 1.4, 0] }),
      part(ellipsoid(0.05), fixed(n.red), { at: [0, 1.5, 0] }),
    ],
  }),
  sword: () => ({
    parts: [
      part(
        prism(
          [
            [0, 0.3],
            [0.09, 0.3],
            [0.08, 1.2],
            [0, 1.42],
          ],
          4,
        ),
        main(n.steel),
        { turn: [0, 45, 0] },
      ),
      part(box(0.52, 0.07, 0.1, 0.03), gold, { at: [0, 0.27, 0] }),
      ...mirrored("x", part(ellipsoid(0.06), gold, { at: [0.27, 0.28, 0] })),
      part(cylinder(0.045, 0.25), fixed(n.darkWood), { at: [0, 0.12, 0] }),
      ...[0.04, 0.11, 0.18].map((y) => part(torus(0.047, 0.012), gold, { at: [0, y, 0] })),
      part(ellipsoid(0.075), gold, { at: [0, -0.05, 0] }),
    ],
  }),
  shield: () => {
    const outline = [
      [0, -0.68],
      [0.3, -0.42],
      [0.5, -0.05],
      [0.53, 0.4],
      [0.3, 0.46],
      [0, 0.54],
      [-0.3, 0.46],
      [-0.53, 0.4],
      [-0.5, -0.05],
      [-0.3, -0.42],
    ] as const;
    return {
      parts: [
        part(extrudeSmooth(outline, 0.1), steel, { at: [0, 0, -0.02] }),
        part(
          cushion(
            outline.map(([x, y]) => [x * 0.88, y * 0.88 - 0.005] as const),
            0.22,
            0.4,
          ),
          main(n.red),
        ),
        ...[1, -1].flatMap((side) => [
          part(box(0.1, 1.0, 0.04), gold, { at: [0, -0.03, side * 0.1] }),
          part(box(0.82, 0.1, 0.04), gold, { at: [0, 0.12, side * 0.1] }),
          part(ellipsoid(0.12, 0.12, 0.07), gold, { at: [0, 0.12, side * 0.11] }),
        ]),
      ],
    };
  },
  hammer: () => ({
    parts: [
      part(
        vase([
          [0, 0],
          [0.07, 0.005],
          [0.075, 0.15],
          [0.055, 0.45],
          [0.05, 1],
          [0, 1.0],
        ]),
        fixed(n.wood),
      ),
      part(box(0.3, 0.17, 0.17, 0.02), main(n.darkSteel), { at: [-0.02, 1.02, 0] }),
      part(cylinder(0.075, 0.1), main(n.darkSteel), { at: [-0.2, 1.02, 0], turn: [0, 0, 90] }),
      part(cylinder(0.115, 0.14), main(n.darkSteel, 1.15), {
        at: [-0.3, 1.02, 0],
        turn: [0, 0, 90],
      }),
      ...mirrored(
        "z",
        part(
          tube(
            [
              [0.1, 1.03, 0.03],
              [0.28, 1.04, 0.05],
              [0.46, 0.93, 0.07],
            ],
            { radius: [0.065, 0.05, 0.018] },
          ),
          main(n.darkSteel),
        ),
      ),
    ],
  }),
  key: () => ({
    parts: [
      part(torus(0.24, 0.065), main(n.gold), { at: [0, 0.5, 0], turn: [90, 0, 0] }),
      part(cylinder(0.058, 0.86), main(n.gold), { at: [0, -0.16, 0] }),
      part(torus(0.07, 0.035), main(n.gold, 0.85), { at: [0, 0.2, 0] }),
      part(box(0.24, 0.09, 0.07), main(n.gold), { at: [0.14, -0.52, 0] }),
      part(box(0.17, 0.09, 0.07), main(n.gold), { at: [0.1, -0.36, 0] }),
      part(box(0.07, 0.13, 0.07), main(n.gold), { at: [0.23, -0.47, 0] }),
    ],
  }),
  bell: () => ({
    parts: [
      part(
        vase([
          [0.58, 0],
          [0.5, 0.1],
          [0.38, 0.32],
          [0.32, 0.6],
          [0.24, 0.8],
          [0, 0.88],
        ]),
        main(n.gold),
      ),
      part(
        lathe([
          [0.34, 0.35],
          [0.5, 0.03],
          [0.58, 0],
        ]),
        main(n.gold, 0.55),
      ),
      part(torus(0.565, 0.035), main(n.gold, 0.9), { at: [0, 0.03, 0] }),
      part(torus(0.355, 0.018), main(n.gold, 0.8), { at: [0, 0.42, 0] }),
      part(torus(0.1, 0.035), main(n.gold), { at: [0, 0.94, 0], turn: [90, 0, 0] }),
      part(cylinder(0.02, 0.5), fixed(n.darkSteel), { at: [0, 0.2, 0] }),
      part(ellipsoid(0.11), fixed(n.darkSteel), { at: [0, -0.02, 0] }),
    ],
  }),
  crown: () => ({
    parts: [
      part(
        lathe([
          [0.44, 0],
          [0.48, 0],
          [0.48, 0.2],
          [0.45, 0.2],
          [0.44, 0],
        ]),
        main(n.gold),
      ),
      part(torus(0.475, 0.035), main(n.gold, 0.88), { at: [0, 0.03, 0] }),
      ...around(
        8,
        ...group(
          { turn: [0, 90, 0] },
          part(
            extrude(
              [
                [-0.185, 0],
                [0.185, 0],
                [0.1, 0.2],
                [0, 0.44],
                [-0.1, 0.2],
              ],
              0.035,
            ),
            main(n.gold),
            { at: [0, 0.16, 0.475], turn: [8, 0, 0] },
          ),
          part(ellipsoid(0.05), main(n.gold, 1.05), { at: [0, 0.63, 0.545] }),
        ),
      ),
      ...around(
        4,
        part(ellipsoid(0.03, 0.06, 0.06), fixed(n.red, "glossy"), { at: [0.49, 0.13, 0] }),
      ),
      ...group(
        { turn: [0, 45, 0] },
        ...around(
          4,
          part(ellipsoid(0.03, 0.06, 0.06), fixed(n.blue, "glossy"), { at: [0.49, 0.13, 0] }),
        ),
      ),
    ],
  }),
  hat: () => ({
    parts: [
      part(
        lathe([
          [0.36, 0],
          [0.62, 0.02],
          [0.66, 0.07],
          [0.36, 0.05],
        ]),
        main([0.16, 0.16, 0.18]),
      ),
      part(
        lathe([
          [0, 0.02],
          [0.37, 0.02],
          [0.35, 0.4],
          [0.4, 0.8],
          [0, 0.8],
        ]),
        main([0.16, 0.16, 0.18]),
      ),
      part(
        lathe([
          [0.374, 0.05],
          [0.378, 0.05],
          [0.366, 0.2],
          [0.362, 0.2],
        ]),
        fixed(n.red),
      ),
      part(torus(0.645, 0.022), main([0.16, 0.16, 0.18]), { at: [0, 0.05, 0] }),
    ],
  }),
  book: () => ({
    parts: [
      ...[0.12, -0.12].map((y) =>
        part(box(0.8, 0.035, 1.06, 0.012), main(n.red), { at: [0, y, 0] }),
      ),
      part(
        extrudeSmooth(
          [
            [-0.4, -0.13],
            [-0.43, 0],
            [-0.4, 0.13],
            [-0.44, 0.13],
            [-0.47, 0],
            [-0.44, -0.13],
          ],
          1.06,
        ),
        main(n.red, 0.85),
      ),
      part(box(0.76, 0.21, 0.99), fixed(n.cream), { at: [-0.015, 0, 0] }),
      ...[-0.07, -0.035, 0, 0.035, 0.07].map((y) =>
        part(box(0.765, 0.006, 0.995), fixed([0.7, 0.65, 0.52]), { at: [-0.015, y, 0] }),
      ),
      part(box(0.44, 0.01, 0.1), fixed(n.gold), { at: [0.02, 0.138, -0.22] }),
      part(box(0.3, 0.01, 0.05), fixed(n.gold), { at: [0.02, 0.138, -0.05] }),
      part(box(0.06, 0.012, 0.2), fixed(n.red), { at: [0.1, -0.09, 0.56] }),
    ].flatMap((p) => group({ turn: [90, 0, 0] }, p)),
  }),
  pencil: () => {
    const hex = (low: number, high: number) =>
      prism(
        [
          [0.11, low],
          [0.11, high],
        ],
        6,
      );
    return {
      parts: [
        part(hex(0.05, 1.05), main(n.yellow)),
        part(
          lathe([
            [0.105, 1.05],
            [0.03, 1.3],
          ]),
          fixed([0.93, 0.76, 0.53]),
        ),
        part(
          lathe([
            [0.034, 1.29],
            [0, 1.4],
          ]),
          ink,
        ),
        part(cylinder(0.112, 0.14), steel, { at: [0, 0, 0] }),
        ...[-0.03, 0.03].map((y) => part(torus(0.112, 0.01), steel, { at: [0, y, 0] })),
        part(cylinder(0.105, 0.14), fixed(n.pink), { at: [0, -0.13, 0] }),
      ].flatMap((p) => group({ turn: [0, 0, -38] }, p)),
    };
  },
  guitar: () => ({
    parts: [
      part(
        extrudeSmooth(
          [
            [0, -0.6],
            [0.26, -0.56],
            [0.37, -0.36],
            [0.3, -0.12],
            [0.22, 0],
            [0.27, 0.16],
            [0.18, 0.3],
            [0, 0.33],
            [-0.18, 0.3],
            [-0.27, 0.16],
            [-0.22, 0],
            [-0.3, -0.12],
            [-0.37, -0.36],
            [-0.26, -0.56],
          ],
          0.17,
        ),
        main([0.85, 0.52, 0.2]),
      ),
      part(cylinder(0.105, 0.01), fixed(n.ink), { at: [0, 0.02, 0.087], turn: [90, 0, 0] }),
      part(torus(0.11, 0.014), fixed(n.darkWood), { at: [0, 0.02, 0.088], turn: [90, 0, 0] }),
      part(box(0.095, 0.78, 0.05), fixed(n.darkWood), { at: [0, 0.6, 0.09] }),
      ...[0.42, 0.54, 0.65, 0.75, 0.84, 0.92].map((y) =>
        part(box(0.095, 0.01, 0.012), steel, { at: [0, y, 0.118] }),
      ),
      part(
        extrude(
          [
            [-0.07, 0.96],
            [0.07, 0.96],
            [0.1, 1.24],
            [-0.1, 1.24],
          ],
          0.05,
        ),
        main([0.85, 0.52, 0.2], 0.7),
        { at: [0, 0, 0.085] },
      ),
      ...mirrored(
        "x",
        ...[1.03, 1.11, 1.19].map((y) =>
          part(ellipsoid(0.04, 0.022, 0.022), steel, { at: [0.125, y, 0.085] }),
        ),
      ),
      part(box(0.24, 0.035, 0.03), fixed(n.darkWood), { at: [0, -0.26, 0.1] }),
      ...[-0.032, -0.011, 0.011, 0.032].map((x) =>
        part(cylinder(0.004, 1.3), fixed([0.85, 0.85, 0.85]), { at: [x, 0.38, 0.125] }),
      ),
    ],
  }),
  drum: () => ({
    parts: [
      part(cylinder(0.5, 0.6), main(n.red)),
      ...[0.29, -0.29].map((y) => part(torus(0.5, 0.045), gold, { at: [0, y, 0] })),
      ...[0.3, -0.3].map((y) => part(cylinder(0.48, 0.03), fixed(n.cream), { at: [0, y, 0] })),
      ...around(
        8,
        part(
          tube(
            [
              [0.51, 0.28, 0],
              [0.47, -0.28, 0.2],
            ],
            { radius: 0.016 },
          ),
          fixed(n.cream),
        ),
        part(
          tube(
            [
              [0.51, 0.28, 0],
              [0.47, -0.28, -0.2],
            ],
            { radius: 0.016 },
          ),
          fixed(n.cream),
        ),
      ),
      ...[20, -25].flatMap((turn, i) =>
        group(
          { at: [0, 0.36 + i * 0.05, i * 0.1 - 0.05], turn: [0, turn, 0] },
          part(
            tube(
              [
                [-0.5, 0, 0],
                [0.5, 0, 0],
              ],
              { radius: 0.028 },
            ),
            fixed(n.wood),
          ),
          part(ellipsoid(0.065, 0.05, 0.05), fixed(n.wood), { at: [0.52, 0, 0] }),
        ),
      ),
    ],
  }),
  trophy: () => ({
    parts: [
      part(box(0.5, 0.2, 0.5), fixed([0.25, 0.16, 0.12]), { at: [0, 0.1, 0] }),
      part(box(0.28, 0.09, 0.02), main(n.gold), { at: [0, 0.1, 0.25] }),
      part(
        lathe([
          [0, 0.2],
          [0.2, 0.2],
          [0.18, 0.26],
          [0.06, 0.34],
          [0.05, 0.5],
          [0.12, 0.56],
          [0.28, 0.7],
          [0.36, 0.95],
          [0.38, 1.2],
          [0.34, 1.2],
          [0.32, 0.96],
          [0.2, 0.74],
          [0, 0.64],
        ]),
        main(n.gold),
      ),
      part(torus(0.37, 0.025), main(n.gold, 0.9), { at: [0, 1.2, 0] }),
      ...mirrored(
        "x",
        part(
          tube(
            [
              [0.34, 1.1, 0],
              [0.56, 1.14, 0],
              [0.6, 0.92, 0],
              [0.44, 0.74, 0],
              [0.3, 0.76, 0],
            ],
            { radius: 0.04 },
          ),
          main(n.gold),
        ),
      ),
      part(
        cushion(
          Array.from(
            { length: 10 },
            (_, i) => arc(i % 2 === 0 ? 0.16 : 0.07, 90 + i * 36, 90 + i * 36 + 1, 2)[0] ?? [0, 0],
          ),
          0.06,
          0.06,
          false,
        ),
        main(n.gold, 0.75),
        { at: [0, 0.95, 0.36] },
      ),
    ],
  }),
  anchor: () => ({
    parts: [
      part(cylinder(0.065, 1.1), main(n.darkSteel), { at: [0, 0.05, 0] }),
      part(torus(0.13, 0.045), main(n.darkSteel), { at: [0, 0.74, 0], turn: [90, 0, 0] }),
      part(
        tube(
          [
            [-0.34, 0.46, 0],
            [0.34, 0.46, 0],
          ],
          { radius: 0.055 },
        ),
        main(n.darkSteel),
      ),
      part(
        tube(
          arc(0.56, 200, 340, 9).map(([x, y]) => [x, y + 0.02, 0] as const),
          { radius: [0.03, 0.055, 0.07, 0.08, 0.085, 0.08, 0.07, 0.055, 0.03] },
        ),
        main(n.darkSteel),
      ),
      ...mirrored(
        "x",
        part(
          cushion(
            [
              [0.36, -0.2],
              [0.66, -0.24],
              [0.6, 0.1],
            ],
            0.12,
            0.06,
            false,
          ),
          main(n.darkSteel),
        ),
      ),
    ],
  }),
  diamond: () => {
    const at = (radius: number, y: number, k: number): readonly [number, number, number] => {
      const angle = (k / 8) * 2 * Math.PI;
      return [radius * sin(angle), y, radius * cos(angle)];
    };
    const blue = [0.5, 0.8, 0.95] as const;
    return {
      parts: Array.from({ length: 8 }, (_, k) => [
        // From the point below to the girdle, from the girdle to the table, and the table's wedge.
        part(
          quad(
            at(0.001, -0.5, k + 1),
            at(0.55, 0.12, k + 1),
            at(0.55, 0.12, k),
            at(0.001, -0.5, k),
          ),
          main(blue, k % 2 ? 0.86 : 1.05),
        ),
        part(
          quad(at(0.55, 0.12, k + 1), at(0.32, 0.36, k + 1), at(0.32, 0.36, k), at(0.55, 0.12, k)),
          main(blue, k % 2 ? 1.08 : 0.93),
        ),
        part(
          quad(
            at(0.32, 0.36, k + 1),
            at(0.001, 0.36, k + 1),
            at(0.001, 0.36, k),
            at(0.32, 0.36, k),
          ),
          main(blue, 1.12),
        ),
      ]).flat(),
    };
  },
  dumbbell: () => ({
    parts: [
      part(cylinder(0.055, 0.8), steel, { turn: [0, 0, 90] }),
      ...mirrored(
        "x",
        part(
          lathe([
            [0, -0.07],
            [0.24, -0.07],
            [0.28, -0.04],
            [0.28, 0.04],
            [0.24, 0.07],
            [0, 0.07],
          ]),
          main(n.darkSteel),
          { at: [0.42, 0, 0], turn: [0, 0, 90] },
        ),
        part(
          lathe([
            [0, -0.06],
            [0.19, -0.06],
            [0.22, -0.03],
            [0.22, 0.03],
            [0.19, 0.06],
            [0, 0.06],
          ]),
          main(n.darkSteel, 1.15),
          { at: [0.56, 0, 0], turn: [0, 0, 90] },
        ),
        part(cylinder(0.09, 0.06), steel, { at: [0.64, 0, 0], turn: [0, 0, 90] }),
      ),
    ],
  }),
  magnet: () => ({
    parts: [
      part(extrude([...arc(0.5, 180, 360, 25), ...arc(0.24, 360, 180, 17)], 0.26), main(n.red)),
      ...mirrored(
        "x",
        part(box(0.26, 0.38, 0.26), main(n.red), { at: [0.37, 0.19, 0] }),
        part(box(0.262, 0.2, 0.262), fixed(n.steel), { at: [0.37, 0.46, 0] }),
      ),
    ],
  }),
  gear: () => {
    const teeth = Array.from({ length: 10 }, (_, i) => {
      const a = i * 36;
      return [
        ...arc(0.44, a, a + 11, 3),
        ...arc(0.6, a + 14, a + 25, 3),
        ...arc(0.44, a + 28, a + 29, 2).slice(0, 1),
      ];
    }).flat();
    return {
      parts: [
        part(extrude(teeth, 0.2), main(n.steel)),
        ...mirrored(
          "z",
          part(torus(0.34, 0.045), main(n.steel, 0.8), { at: [0, 0, 0.1], turn: [90, 0, 0] }),
        ),
        ...mirrored(
          "z",
          part(cylinder(0.17, 0.06), main(n.steel, 0.9), { at: [0, 0, 0.12], turn: [90, 0, 0] }),
        ),
        ...mirrored("z", part(cylinder(0.1, 0.02), ink, { at: [0, 0, 0.15], turn: [90, 0, 0] })),
      ],
    };
  },
  "traffic cone": () => ({
    parts: [
      part(box(0.82, 0.07, 0.82, 0.025), main(n.orange), { at: [0, 0.035, 0] }),
      part(
        lathe([
          [0.32, 0.06],
          [0.225, 0.38],
        ]),
        main(n.orange),
      ),
      part(
        lathe([
          [0.225, 0.38],
          [0.165, 0.58],
        ]),
        fixed(n.white),
      ),
      part(
        lathe([
          [0.165, 0.58],
          [0.115, 0.75],
        ]),
        main(n.orange),
      ),
      part(
        lathe([
          [0.115, 0.75],
          [0.08, 0.87],
        ]),
        fixed(n.white),
      ),
      part(
        lathe([
          [0.08, 0.87],
          [0.045, 1],
          [0, 1],
        ]),
        main(n.orange),
      ),
    ],
  }),
  chest: () => ({
    parts: [
      part(box(0.96, 0.42, 0.6), main(n.wood), { at: [0, 0.21, 0] }),
      part(
        extrude(
          [
            [-0.3, 0.43],
            [0.3, 0.43],
            ...arc(0.3, 0, 180, 15)
              .slice(1, -1)
              .map(([x, y]) => [x, 0.43 + y * 0.85] as const),
          ],
          0.96,
        ),
        main(n.wood, 0.92),
        { turn: [0, 90, 0] },
      ),
      ...[-0.36, 0.36].flatMap((x) => [
        part(box(0.09, 0.43, 0.62), gold, { at: [x, 0.212, 0] }),
        part(
          extrude(
            [
              [-0.31, 0.43],
              [0.31, 0.43],
              ...arc(0.31, 0, 180, 15)
                .slice(1, -1)
                .map(([px, y]) => [px, 0.43 + y * 0.86] as const),
            ],
            0.09,
          ),
          gold,
          { at: [x, 0, 0], turn: [0, 90, 0] },
        ),
      ]),
      part(box(0.98, 0.05, 0.62), gold, { at: [0, 0.43, 0] }),
      part(box(0.16, 0.2, 0.05), gold, { at: [0, 0.41, 0.31] }),
      part(cylinder(0.025, 0.02), ink, { at: [0, 0.41, 0.34], turn: [90, 0, 0] }),
    ],
  }),
};
