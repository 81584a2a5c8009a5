import type { ObjectNameOf } from "../../grammar/index.ts";
import { cos, sin } from "../maths.ts";
import { around, fixed, group, type Model, main, mirrored, part } from "../model.ts";
import { natural as n } from "../palette.ts";
import {
  cone,
  cushion,
  cylinder,
  ellipsoid,
  lathe,
  type Outline,
  torus,
  tube,
  vase,
} from "../surfaces/index.ts";

const stem = fixed(n.darkLeaf);
const bark = fixed(n.bark);

const leafOutline: Outline = [
  [-0.5, 0],
  [-0.2, -0.16],
  [0.2, -0.14],
  [0.5, 0],
  [0.2, 0.14],
  [-0.2, 0.16],
];
const leaf = (paint = fixed(n.leaf)) => part(cushion(leafOutline, 0.05, 0.12), paint);

/** A star's corners, the outer ones at radius 1. */
const starOutline: Outline = Array.from({ length: 10 }, (_, i) => {
  const r = i % 2 === 0 ? 0.62 : 0.27;
  const angle = Math.PI / 2 + (i * Math.PI) / 5;
  return [r * cos(angle), r * sin(angle)] as const;
});

/** A point of a sphere's spiral, evenly spread. */
function spread(i: number, count: number): { readonly y: number; readonly turnDeg: number } {
  return { y: 1 - (2 * i + 1) / count, turnDeg: i * 137.508 };
}

export const gardenModels: Readonly<Record<ObjectNameOf<"garden">, () => Model>> = {
  apple: () => ({
    parts: [
      part(
        vase([
          [0, 0.1],
          [0.12, 0.02],
          [0.3, 0.06],
          [0.46, 0.32],
          [0.5, 0.58],
          [0.4, 0.84],
          [0.2, 0.92],
          [0.08, 0.86],
          [0, 0.78],
        ]),
        main(n.red),
      ),
      part(
        tube(
          [
            [0, 0.78, 0],
            [0.02, 0.95, 0],
            [0.07, 1.08, 0],
          ],
          { radius: 0.03 },
        ),
        bark,
      ),
      ...group({ at: [0.24, 1.04, 0], turn: [70, 0, 20], scale: 0.42 }, leaf()),
    ],
  }),
  banana: () => ({
    parts: [
      part(
        tube(
          [
            [-0.62, 0.42, 0],
            [-0.56, 0.3, 0],
            [-0.36, 0.06, 0],
            [0, -0.08, 0],
            [0.36, 0.06, 0],
            [0.56, 0.3, 0],
            [0.6, 0.4, 0],
          ],
          {
            radius: [0.045, 0.09, 0.165, 0.19, 0.165, 0.09, 0.035],
          },
        ),
        main(n.yellow),
      ),
      part(
        tube(
          [
            [-0.61, 0.4, 0],
            [-0.66, 0.54, 0],
          ],
          { radius: 0.05 },
        ),
        fixed(n.bark),
      ),
      part(ellipsoid(0.05), fixed(n.chocolate), { at: [0.6, 0.42, 0] }),
    ],
  }),
  pear: () => ({
    parts: [
      part(
        vase([
          [0, 0.02],
          [0.14, 0],
          [0.34, 0.1],
          [0.44, 0.36],
          [0.36, 0.66],
          [0.22, 0.9],
          [0.17, 1.05],
          [0.08, 1.14],
          [0, 1.13],
        ]),
        main([0.7, 0.78, 0.2]),
      ),
      part(
        tube(
          [
            [0, 1.1, 0],
            [0.02, 1.22, 0],
            [0.08, 1.32, 0],
          ],
          { radius: 0.028 },
        ),
        bark,
      ),
      ...group({ at: [0.22, 1.24, 0], turn: [70, 0, 15], scale: 0.4 }, leaf()),
    ],
  }),
  carrot: () => ({
    parts: [
      part(
        vase([
          [0, 0],
          [0.05, 0.06],
          [0.13, 0.4],
          [0.21, 0.8],
          [0.23, 0.93],
          [0.15, 1],
          [0, 1.01],
        ]),
        main(n.orange),
      ),
      ...[0.3, 0.5, 0.68, 0.82].map((y, i) =>
        part(torus(0.048 + y * 0.205, 0.012), main(n.orange, 0.8), {
          at: [0, y, 0],
          turn: [i * 3, 0, 3],
        }),
      ),
      ...around(
        6,
        part(
          tube(
            [
              [0.02, 0.98, 0],
              [0.1, 1.2, 0],
              [0.24, 1.42, 0],
            ],
            { radius: [0.035, 0.045, 0.02] },
          ),
          fixed(n.leaf),
        ),
      ),
      part(
        tube(
          [
            [0, 0.98, 0],
            [0, 1.25, 0],
            [0.02, 1.5, 0],
          ],
          { radius: [0.035, 0.05, 0.02] },
        ),
        fixed(n.leaf),
      ),
    ],
  }),
  pumpkin: () => ({
    parts: [
      ...around(10, part(ellipsoid(0.24, 0.4, 0.19), main(n.orange), { at: [0.32, 0.4, 0] })),
      part(ellipsoid(0.4, 0.3, 0.4), main(n.orange, 0.8), { at: [0, 0.4, 0] }),
      part(
        tube(
          [
            [0, 0.68, 0],
            [0.01, 0.86, 0],
            [0.1, 0.98, 0],
          ],
          { radius: [0.1, 0.06, 0.065] },
        ),
        fixed(n.darkLeaf),
      ),
    ],
  }),
  pineapple: () => ({
    parts: [
      part(ellipsoid(0.36, 0.48, 0.36), main([0.85, 0.6, 0.14]), { at: [0, 0.48, 0] }),
      ...Array.from({ length: 90 }, (_, i) => {
        const { y, turnDeg } = spread(i, 90);
        const ring = Math.sqrt(1 - y * y);
        return group(
          { turn: [0, turnDeg, 0] },
          part(ellipsoid(0.05, 0.058, 0.06), main([0.93, 0.7, 0.2], i % 2 ? 1 : 0.9), {
            at: [0.35 * ring, 0.48 + 0.47 * y, 0],
          }),
        );
      }).flat(),
      ...around(
        8,
        part(
          tube(
            [
              [0.04, 0.92, 0],
              [0.2, 1.08, 0],
              [0.42, 1.18, 0],
            ],
            { radius: [0.06, 0.055, 0.008] },
          ),
          fixed(n.darkLeaf),
        ),
      ),
      ...around(
        6,
        ...group(
          { turn: [0, 25, 0] },
          part(
            tube(
              [
                [0.03, 0.92, 0],
                [0.1, 1.2, 0],
                [0.24, 1.42, 0],
              ],
              { radius: [0.06, 0.05, 0.008] },
            ),
            fixed(n.leaf),
          ),
        ),
      ),
      part(
        tube(
          [
            [0, 0.92, 0],
            [0, 1.25, 0],
            [0, 1.52, 0],
          ],
          { radius: [0.06, 0.05, 0.008] },
        ),
        fixed(n.leaf),
      ),
    ],
  }),
  strawberry: () => ({
    parts: [
      part(
        vase([
          [0, 0],
          [0.1, 0.06],
          [0.32, 0.42],
          [0.42, 0.68],
          [0.34, 0.86],
          [0.15, 0.92],
          [0, 0.92],
        ]),
        main(n.red),
      ),
      ...Array.from({ length: 8 }, (_, row) => row).flatMap((row) => {
        const y = 0.14 + row * 0.09;
        const r = y < 0.68 ? 0.04 + 0.56 * y : 0.42 - (y - 0.68) * 0.35;
        const count = Math.max(4, Math.round(r * 26));
        return group(
          { turn: [0, row * 29, 0] },
          ...around(
            count,
            part(ellipsoid(0.012, 0.025, 0.016), fixed(n.yellow), { at: [r + 0.006, y, 0] }),
          ),
        );
      }),
      ...around(6, ...group({ at: [0.2, 0.94, 0], turn: [90, 0, -12], scale: 0.5 }, leaf())),
      part(
        tube(
          [
            [0, 0.9, 0],
            [0.02, 1.04, 0],
            [0.08, 1.12, 0],
          ],
          { radius: 0.025 },
        ),
        stem,
      ),
    ],
  }),
  mushroom: () => ({
    parts: [
      part(
        vase([
          [0, 0],
          [0.22, 0.01],
          [0.22, 0.1],
          [0.16, 0.35],
          [0.15, 0.62],
          [0, 0.64],
        ]),
        fixed(n.cream),
      ),
      part(
        lathe([
          [0, 0.56],
          [0.3, 0.55],
          [0.55, 0.5],
        ]),
        fixed([0.9, 0.82, 0.68]),
      ),
      part(
        vase([
          [0.55, 0.5],
          [0.58, 0.56],
          [0.53, 0.74],
          [0.36, 0.95],
          [0.16, 1.04],
          [0, 1.05],
        ]),
        main(n.red),
      ),
      ...around(
        6,
        part(ellipsoid(0.085, 0.085, 0.03), fixed(n.white), {
          at: [0.52, 0.71, 0],
          turn: [0, 90, 25],
        }),
      ),
      ...group(
        { turn: [0, 30, 0] },
        ...around(
          5,
          part(ellipsoid(0.08, 0.03, 0.08), fixed(n.white), {
            at: [0.34, 0.95, 0],
            turn: [0, 0, -40],
          }),
        ),
      ),
      part(ellipsoid(0.1, 0.03, 0.1), fixed(n.white), { at: [0, 1.045, 0] }),
    ],
  }),
  cactus: () => {
    const green = main(n.green);
    const spines = around(
      9,
      ...[0.5, 0.66, 0.82, 0.98, 1.14].map((y) =>
        part(ellipsoid(0.03, 0.014, 0.014), fixed(n.cream), { at: [0.19, y, 0] }),
      ),
    );
    return {
      parts: [
        part(
          lathe([
            [0, 0],
            [0.24, 0],
            [0.31, 0.3],
            [0.34, 0.3],
            [0.34, 0.38],
            [0.28, 0.38],
            [0.28, 0.34],
            [0, 0.34],
          ]),
          fixed(n.brick),
        ),
        part(cylinder(0.28, 0.02), fixed(n.chocolate), { at: [0, 0.345, 0] }),
        part(
          tube(
            [
              [0, 0.34, 0],
              [0, 0.8, 0],
              [0, 1.22, 0],
            ],
            { radius: 0.18 },
          ),
          green,
        ),
        part(
          tube(
            [
              [0.1, 0.62, 0],
              [0.34, 0.64, 0],
              [0.44, 0.76, 0],
              [0.44, 1.0, 0],
            ],
            { radius: 0.095 },
          ),
          green,
        ),
        part(
          tube(
            [
              [-0.1, 0.8, 0],
              [-0.32, 0.82, 0],
              [-0.4, 0.92, 0],
              [-0.4, 1.12, 0],
            ],
            { radius: 0.09 },
          ),
          green,
        ),
        ...spines,
        part(ellipsoid(0.08, 0.06), fixed(n.pink), { at: [0, 1.42, 0] }),
      ],
    };
  },
  flower: () => ({
    parts: [
      part(
        tube(
          [
            [0.02, 0, 0],
            [0, 0.4, 0.02],
            [0, 0.85, 0],
          ],
          { radius: 0.035 },
        ),
        fixed(n.leaf),
      ),
      ...group({ at: [0.2, 0.36, 0], turn: [60, 0, 30], scale: 0.5 }, leaf()),
      ...group({ at: [-0.2, 0.26, 0], turn: [60, 0, 150], scale: 0.5 }, leaf()),
      ...group(
        { at: [0, 0.95, 0.02], turn: [62, 0, 0] },
        ...around(
          8,
          part(ellipsoid(0.2, 0.035, 0.115), main(n.pink), {
            at: [0.26, 0.03, 0],
            turn: [0, 0, 14],
          }),
        ),
        part(ellipsoid(0.16, 0.09, 0.16), fixed(n.yellow), { at: [0, 0.05, 0] }),
      ),
    ],
  }),
  tree: () => {
    const leaves = main(n.leaf);
    const blob = (x: number, y: number, z: number, r: number, tone: number) =>
      part(ellipsoid(r, r * 0.88, r), main(n.leaf, tone), { at: [x, y, z] });
    return {
      parts: [
        part(
          vase([
            [0, 0],
            [0.2, 0],
            [0.12, 0.12],
            [0.1, 0.5],
            [0.12, 0.7],
            [0, 0.7],
          ]),
          bark,
        ),
        part(
          tube(
            [
              [0, 0.45, 0],
              [0.18, 0.62, 0.02],
              [0.28, 0.75, 0.02],
            ],
            { radius: 0.05 },
          ),
          bark,
        ),
        part(ellipsoid(0.42, 0.4, 0.42), leaves, { at: [0, 0.98, 0] }),
        blob(0.32, 0.88, 0.08, 0.27, 0.95),
        blob(-0.32, 0.86, -0.05, 0.27, 1.06),
        blob(0.05, 0.84, 0.34, 0.26, 1),
        blob(-0.05, 0.86, -0.34, 0.26, 0.93),
        blob(0.2, 1.2, -0.1, 0.25, 1.05),
        blob(-0.16, 1.22, 0.12, 0.24, 0.97),
        blob(0.24, 1.04, 0.26, 0.2, 1.08),
        blob(-0.28, 1.06, 0.22, 0.2, 0.94),
      ],
    };
  },
  "pine tree": () => ({
    parts: [
      part(cylinder(0.1, 0.35), bark, { at: [0, 0.15, 0] }),
      ...[
        [0.56, 0.24, 0.52],
        [0.47, 0.52, 0.46],
        [0.36, 0.8, 0.42],
        [0.25, 1.06, 0.4],
      ].map(([r = 0, y = 0, h = 0], i) =>
        part(
          lathe([
            [0, y + 0.07],
            [r, y],
            [0, y + h],
          ]),
          main(n.darkLeaf, 1 + i * 0.07),
        ),
      ),
    ],
  }),
  "palm tree": () => ({
    parts: [
      part(
        tube(
          [
            [0.14, 0, 0],
            [0.04, 0.4, 0],
            [-0.02, 0.8, 0],
            [-0.02, 1.1, 0],
          ],
          { radius: [0.11, 0.085, 0.075, 0.08] },
        ),
        bark,
      ),
      ...[0.15, 0.3, 0.45, 0.6, 0.75, 0.9].map((y) =>
        part(torus(0.085, 0.02), fixed([0.34, 0.22, 0.12]), {
          at: [0.14 - 0.19 * y + 0.03 * y * y, y, 0],
        }),
      ),
      ...group(
        { at: [-0.02, 1.1, 0] },
        ...around(
          9,
          part(
            cushion(
              [
                [0, 0],
                [0.16, 0.1],
                [0.4, 0.1],
                [0.62, -0.1],
                [0.74, -0.36],
                [0.58, -0.22],
                [0.36, -0.06],
                [0.14, -0.04],
              ],
              0.16,
              0.09,
            ),
            main(n.leaf),
          ),
        ),
        ...group(
          { turn: [0, 20, 0] },
          ...around(
            5,
            part(
              cushion(
                [
                  [0, 0],
                  [0.15, 0.16],
                  [0.35, 0.22],
                  [0.55, 0.14],
                  [0.36, 0.12],
                  [0.14, 0.02],
                ],
                0.14,
                0.08,
              ),
              main(n.leaf, 1.1),
            ),
          ),
        ),
        ...around(3, part(ellipsoid(0.085), fixed(n.chocolate), { at: [0.1, -0.08, 0] })),
      ),
    ],
  }),
  snowman: () => ({
    parts: [
      part(ellipsoid(0.42, 0.39, 0.42), main(n.snow), { at: [0, 0.37, 0] }),
      part(ellipsoid(0.31, 0.29, 0.31), main(n.snow), { at: [0, 0.9, 0] }),
      part(ellipsoid(0.22), main(n.snow), { at: [0, 1.3, 0] }),
      part(cone(0.05, 0.3), fixed(n.orange), { at: [0, 1.29, 0.33], turn: [90, 0, 0] }),
      ...mirrored("x", part(ellipsoid(0.03), fixed(n.ink), { at: [0.08, 1.37, 0.195] })),
      ...[0.78, 0.9, 1.02].map((y) =>
        part(ellipsoid(0.034), fixed(n.ink), { at: [0, y, y === 0.9 ? 0.31 : 0.285] }),
      ),
      part(torus(0.2, 0.055), fixed(n.red), { at: [0, 1.12, 0] }),
      part(
        tube(
          [
            [0.12, 1.1, 0.19],
            [0.16, 0.95, 0.28],
            [0.17, 0.82, 0.3],
          ],
          { radius: 0.05 },
        ),
        fixed(n.red),
      ),
      part(cylinder(0.27, 0.035), fixed(n.ink), { at: [0, 1.47, 0] }),
      part(cylinder(0.17, 0.28), fixed(n.ink), { at: [0, 1.61, 0] }),
      ...mirrored(
        "x",
        part(
          tube(
            [
              [0.28, 0.95, 0],
              [0.5, 1.08, 0],
              [0.66, 1.2, 0],
            ],
            { radius: [0.025, 0.022, 0.015] },
          ),
          bark,
        ),
      ),
    ],
  }),
  star: () => ({ parts: [part(cushion(starOutline, 0.34, 0.3, false), main(n.yellow))] }),
  heart: () => ({
    parts: [
      part(
        cushion(
          [
            [0, -0.56],
            [0.2, -0.38],
            [0.46, -0.08],
            [0.56, 0.2],
            [0.46, 0.44],
            [0.24, 0.48],
            [0.06, 0.36],
            [0, 0.27],
            [-0.06, 0.36],
            [-0.24, 0.48],
            [-0.46, 0.44],
            [-0.56, 0.2],
            [-0.46, -0.08],
            [-0.2, -0.38],
          ],
          0.42,
          0.5,
        ),
        main(n.red),
      ),
    ],
  }),
  moon: () => {
    const outer = Array.from({ length: 17 }, (_, i) => {
      const angle = (50 + (i * 260) / 16) * (Math.PI / 180);
      return [0.6 * cos(angle), 0.6 * sin(angle)] as const;
    });
    // The inner arc has its centre to the right and meets the outer one at the horns.
    const [hornX, hornY] = [0.6 * cos(Math.PI * (50 / 180)), 0.6 * sin(Math.PI * (50 / 180))];
    const centre = 0.3;
    const radius = Math.sqrt((hornX - centre) * (hornX - centre) + hornY * hornY);
    const inner = Array.from({ length: 13 }, (_, i) => {
      const angle = (-79.5 - ((i + 1) * 201) / 14) * (Math.PI / 180);
      return [centre + radius * cos(angle), radius * sin(angle)] as const;
    });
    return { parts: [part(cushion([...outer, ...inner], 0.3, 0.3, false), main(n.yellow))] };
  },
};
