import type { ObjectNameOf } from "../../grammar/index.ts";
import { cos, sin } from "../maths.ts";
import { around, fixed, group, type Model, main, mirrored, part } from "../model.ts";
import { natural as n } from "../palette.ts";
import { box, cylinder, ellipsoid, lathe, torus, tube, vase } from "../surfaces/index.ts";

const sprinkleColours = [n.red, n.yellow, n.blue, n.green, n.white];

export const kitchenModels: Readonly<Record<ObjectNameOf<"kitchen">, () => Model>> = {
  mug: () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.38, 0],
          [0.4, 0.03],
          [0.4, 0.88],
          [0.35, 0.88],
          [0.35, 0.06],
          [0, 0.06],
        ]),
        main(n.red),
      ),
      part(
        tube(
          [
            [0.37, 0.7, 0],
            [0.56, 0.72, 0],
            [0.66, 0.52, 0],
            [0.6, 0.28, 0],
            [0.38, 0.2, 0],
          ],
          { radius: 0.055 },
        ),
        main(n.red),
      ),
      part(cylinder(0.35, 0.02), fixed(n.chocolate), { at: [0, 0.6, 0] }),
    ],
    opening: { floor: 0.6, rim: 0.88, radius: 0.3 },
  }),
  bowl: () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.24, 0],
          [0.24, 0.05],
          [0.42, 0.16],
          [0.56, 0.34],
          [0.62, 0.52],
          [0.575, 0.52],
          [0.51, 0.36],
          [0.38, 0.2],
          [0.2, 0.11],
          [0, 0.1],
        ]),
        main(n.blue),
      ),
    ],
    opening: { floor: 0.1, rim: 0.52, radius: 0.45 },
  }),
  teapot: () => ({
    parts: [
      part(
        vase([
          [0, 0],
          [0.3, 0.01],
          [0.5, 0.22],
          [0.54, 0.42],
          [0.44, 0.64],
          [0.26, 0.75],
          [0, 0.76],
        ]),
        main(n.blue),
      ),
      part(
        vase([
          [0.28, 0.74],
          [0.2, 0.83],
          [0.06, 0.87],
          [0, 0.87],
        ]),
        main(n.blue, 0.88),
      ),
      part(ellipsoid(0.075), main(n.blue, 0.8), { at: [0, 0.92, 0] }),
      part(
        tube(
          [
            [0.44, 0.25, 0],
            [0.66, 0.36, 0],
            [0.74, 0.56, 0],
            [0.88, 0.74, 0],
          ],
          { radius: [0.13, 0.095, 0.07, 0.065] },
        ),
        main(n.blue),
      ),
      part(
        tube(
          [
            [-0.44, 0.6, 0],
            [-0.72, 0.68, 0],
            [-0.84, 0.46, 0],
            [-0.72, 0.24, 0],
            [-0.5, 0.22, 0],
          ],
          { radius: 0.055 },
        ),
        main(n.blue),
      ),
    ],
  }),
  bottle: () => ({
    parts: [
      part(
        vase([
          [0, 0],
          [0.23, 0.005],
          [0.26, 0.05],
          [0.26, 0.35],
          [0.26, 0.7],
          [0.22, 0.86],
          [0.1, 1.02],
          [0.085, 1.15],
          [0.085, 1.3],
          [0, 1.31],
        ]),
        main(n.green),
      ),
      part(
        lathe([
          [0.265, 0.22],
          [0.268, 0.22],
          [0.268, 0.6],
          [0.265, 0.6],
        ]),
        fixed(n.cream),
      ),
      part(cylinder(0.1, 0.08), main(n.green, 0.8), { at: [0, 1.22, 0] }),
      part(cylinder(0.07, 0.12), fixed(n.wood), { at: [0, 1.35, 0] }),
    ],
  }),
  goblet: () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.32, 0],
          [0.32, 0.03],
          [0.1, 0.08],
          [0.05, 0.14],
          [0.045, 0.52],
          [0.1, 0.56],
          [0.3, 0.66],
          [0.37, 0.85],
          [0.34, 1.15],
          [0.31, 1.15],
          [0.33, 0.86],
          [0.27, 0.7],
          [0, 0.62],
        ]),
        main(n.gold),
      ),
      part(ellipsoid(0.085, 0.05), main(n.gold, 0.9), { at: [0, 0.34, 0] }),
    ],
  }),
  pan: () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.44, 0],
          [0.54, 0.16],
          [0.5, 0.16],
          [0.41, 0.035],
          [0, 0.035],
        ]),
        main(n.darkSteel),
      ),
      part(
        tube(
          [
            [0.5, 0.12, 0],
            [0.75, 0.19, 0],
            [1.25, 0.25, 0],
          ],
          { radius: [0.045, 0.05, 0.06] },
        ),
        fixed(n.ink),
      ),
    ],
    opening: { floor: 0.035, rim: 0.16, radius: 0.38 },
  }),
  vase: () => ({
    parts: [
      part(
        vase([
          [0, 0],
          [0.2, 0.005],
          [0.27, 0.1],
          [0.38, 0.35],
          [0.38, 0.55],
          [0.24, 0.82],
          [0.16, 0.98],
          [0.2, 1.1],
          [0.26, 1.16],
          [0.22, 1.14],
          [0.13, 0.98],
          [0.2, 0.82],
          [0.33, 0.5],
          [0.2, 0.1],
          [0, 0.06],
        ]),
        main(n.blue),
      ),
      part(torus(0.375, 0.02), main(n.blue, 0.7), { at: [0, 0.58, 0] }),
      part(torus(0.38, 0.02), main(n.blue, 0.7), { at: [0, 0.34, 0] }),
    ],
    opening: { floor: 0.75, rim: 1.16, radius: 0.16 },
  }),
  cake: () => ({
    parts: [
      part(cylinder(0.62, 0.05), fixed(n.gray), { at: [0, 0, 0] }),
      part(cylinder(0.54, 0.36), main(n.pink), { at: [0, 0.2, 0] }),
      part(cylinder(0.36, 0.3), main(n.pink, 1.05), { at: [0, 0.53, 0] }),
      ...around(16, part(ellipsoid(0.085, 0.07), fixed(n.white), { at: [0.52, 0.4, 0] })),
      ...around(16, part(ellipsoid(0.075), fixed(n.white), { at: [0.55, 0.05, 0] })),
      ...around(12, part(ellipsoid(0.065), fixed(n.white), { at: [0.33, 0.69, 0] })),
      ...around(
        5,
        part(cylinder(0.025, 0.26), fixed(n.yellow), { at: [0.2, 0.8, 0] }),
        part(ellipsoid(0.035, 0.065), fixed(n.orange), { at: [0.2, 0.98, 0] }),
      ),
    ],
  }),
  cupcake: () => ({
    parts: [
      part(cylinder(0.3, 0.42, 0.42), fixed(n.bread), { at: [0, 0.21, 0] }),
      ...around(
        22,
        part(
          tube(
            [
              [0.3, 0.01, 0],
              [0.43, 0.42, 0],
            ],
            { radius: 0.03 },
          ),
          fixed([0.78, 0.5, 0.2]),
        ),
      ),
      part(torus(0.3, 0.17), main(n.pink), { at: [0, 0.5, 0] }),
      part(torus(0.2, 0.15), main(n.pink, 1.03), { at: [0, 0.68, 0] }),
      part(torus(0.1, 0.12), main(n.pink, 1.06), { at: [0, 0.84, 0] }),
      part(
        vase([
          [0.12, 0.88],
          [0.06, 1.0],
          [0, 1.06],
        ]),
        main(n.pink),
      ),
      part(ellipsoid(0.1), fixed(n.red, "glossy"), { at: [0, 1.08, 0] }),
      part(
        tube(
          [
            [0, 1.16, 0],
            [0.02, 1.24, 0],
            [0.08, 1.3, 0],
          ],
          { radius: 0.013 },
        ),
        fixed(n.darkLeaf),
      ),
    ],
  }),
  "ice cream": () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.32, 0.85],
          [0, 0.85],
        ]),
        fixed(n.bread),
      ),
      ...around(
        10,
        part(
          tube(
            [
              [0.02, 0.04, 0],
              [0.14, 0.38, 0.1],
              [0.18, 0.8, 0.27],
            ],
            { radius: 0.012 },
          ),
          fixed([0.68, 0.42, 0.16]),
        ),
      ),
      ...around(
        10,
        part(
          tube(
            [
              [0.02, 0.04, 0],
              [0.14, 0.38, -0.1],
              [0.18, 0.8, -0.27],
            ],
            { radius: 0.012 },
          ),
          fixed([0.68, 0.42, 0.16]),
        ),
      ),
      part(ellipsoid(0.36, 0.33), main(n.pink), { at: [0, 1.05, 0] }),
      ...around(11, part(ellipsoid(0.1, 0.08), main(n.pink, 0.97), { at: [0.3, 0.88, 0] })),
      part(ellipsoid(0.09), fixed(n.red, "glossy"), { at: [0.04, 1.42, 0.02] }),
    ],
  }),
  donut: () => ({
    parts: [
      part(torus(0.42, 0.21), fixed(n.bread)),
      part(torus(0.42, 0.215), main(n.pink), { at: [0, 0.03, 0] }),
      ...Array.from({ length: 44 }, (_, i) => {
        const turn = i * 137.5;
        const spread = 0.42 + 0.13 * (((i * 7) % 11) / 5 - 1);
        const rise = Math.sqrt(Math.max(0, 0.215 * 0.215 - (spread - 0.42) * (spread - 0.42)));
        const sprinkle = part(box(0.08, 0.03, 0.03), fixed(sprinkleColours[i % 5] ?? n.red), {
          at: [spread, 0.035 + rise, 0],
          turn: [0, i * 61, 0],
        });
        return group({ turn: [0, turn, 0] }, sprinkle);
      }).flat(),
    ],
  }),
  hamburger: () => ({
    parts: [
      part(
        vase([
          [0, 0],
          [0.45, 0.005],
          [0.52, 0.06],
          [0.52, 0.13],
          [0.46, 0.19],
          [0, 0.2],
        ]),
        fixed(n.bread),
      ),
      part(
        vase([
          [0, 0.18],
          [0.5, 0.19],
          [0.56, 0.25],
          [0.56, 0.29],
          [0.5, 0.35],
          [0, 0.36],
        ]),
        fixed(n.chocolate),
      ),
      part(box(0.82, 0.035, 0.82), fixed(n.yellow), { at: [0, 0.37, 0], turn: [0, 30, 0] }),
      ...around(
        14,
        part(ellipsoid(0.15, 0.035, 0.12), fixed(n.leaf), {
          at: [0.48, 0.41, 0],
          turn: [25, 0, 0],
        }),
      ),
      part(cylinder(0.5, 0.05), fixed(n.red), { at: [0, 0.44, 0] }),
      part(
        vase([
          [0, 0.46],
          [0.5, 0.465],
          [0.57, 0.52],
          [0.55, 0.64],
          [0.4, 0.79],
          [0.2, 0.86],
          [0, 0.88],
        ]),
        main(n.bread),
      ),
      ...around(
        7,
        part(ellipsoid(0.03, 0.015, 0.02), fixed(n.cream), {
          at: [0.36, 0.81, 0],
          turn: [0, 20, -35],
        }),
      ),
      ...around(
        4,
        part(ellipsoid(0.03, 0.015, 0.02), fixed(n.cream), {
          at: [0.16, 0.875, 0],
          turn: [0, 50, -10],
        }),
      ),
    ],
  }),
  lollipop: () => ({
    parts: [
      part(cylinder(0.035, 0.85), fixed(n.white), { at: [0, 0.42, 0] }),
      part(ellipsoid(0.4, 0.4, 0.13), main(n.red), { at: [0, 1.1, 0] }),
      ...mirrored(
        "z",
        part(
          tube(
            Array.from({ length: 22 }, (_, i) => {
              const r = 0.36 * (1 - i / 22);
              const [s, c] = [sin(i * 0.7), cos(i * 0.7)];
              const bulge = 0.13 * Math.sqrt(Math.max(0, 1 - (r / 0.4) * (r / 0.4)));
              return [r * c, 1.1 + r * s, bulge] as const;
            }),
            { radius: 0.028 },
          ),
          fixed(n.white),
        ),
      ),
    ],
  }),
};
