import type { ObjectNameOf } from "../../grammar/index.ts";
import { around, fixed, group, type Model, main, mirrored, part } from "../model.ts";
import { natural as n } from "../palette.ts";
import { box, cone, cylinder, ellipsoid, lathe, torus, tube, vase } from "../surfaces/index.ts";

const wood = main(n.wood);
const steel = fixed(n.steel, "metal");

export const homeModels: Readonly<Record<ObjectNameOf<"home">, () => Model>> = {
  table: () => ({
    parts: [
      part(box(1.5, 0.09, 0.95), wood, { at: [0, 0.75, 0] }),
      part(box(1.3, 0.12, 0.75), main(n.wood, 0.85), { at: [0, 0.66, 0] }),
      ...mirrored(
        "z",
        ...mirrored("x", part(box(0.1, 0.72, 0.1), wood, { at: [0.63, 0.36, 0.36] })),
      ),
    ],
  }),
  chair: () => ({
    parts: [
      part(box(0.6, 0.07, 0.58), wood, { at: [0, 0.5, 0] }),
      ...mirrored("x", part(box(0.07, 0.48, 0.07), wood, { at: [0.26, 0.24, 0.25] })),
      ...mirrored("x", part(box(0.07, 1.2, 0.07), wood, { at: [0.26, 0.6, -0.25] })),
      ...[0.75, 0.93, 1.12].map((y) => part(box(0.5, 0.1, 0.045), wood, { at: [0, y, -0.25] })),
      ...mirrored("x", part(box(0.04, 0.04, 0.45), wood, { at: [0.26, 0.2, 0] })),
    ],
    seat: { at: [0, 0.54, 0.03], width: 0.5 },
  }),
  stool: () => ({
    parts: [
      part(cylinder(0.36, 0.09), wood, { at: [0, 0.75, 0] }),
      ...around(
        3,
        part(
          tube(
            [
              [0.34, 0.02, 0],
              [0.2, 0.74, 0],
            ],
            { radius: 0.045 },
          ),
          wood,
        ),
      ),
      part(torus(0.27, 0.025), wood, { at: [0, 0.28, 0] }),
    ],
  }),
  sofa: () => {
    const cloth = main(n.red);
    return {
      parts: [
        part(box(1.5, 0.28, 0.62, 0.06), cloth, { at: [0, 0.26, 0] }),
        ...mirrored(
          "x",
          part(box(0.62, 0.16, 0.55, 0.06), main(n.red, 1.08), { at: [0.32, 0.46, 0.04] }),
        ),
        part(box(1.5, 0.62, 0.2, 0.08), cloth, { at: [0, 0.55, -0.28] }),
        ...mirrored(
          "x",
          part(box(0.2, 0.5, 0.68, 0.08), main(n.red, 0.93), { at: [0.7, 0.38, 0.02] }),
        ),
        ...mirrored(
          "z",
          ...mirrored(
            "x",
            part(cylinder(0.045, 0.14), fixed(n.darkWood), { at: [0.64, 0.06, 0.22] }),
          ),
        ),
      ],
      seat: { at: [0, 0.54, 0.05], width: 0.9 },
    };
  },
  bed: () => ({
    parts: [
      part(box(0.95, 0.16, 1.5), main(n.darkWood, 0.85), { at: [0, 0.24, 0] }),
      part(box(0.9, 0.18, 1.44, 0.06), fixed(n.white), { at: [0, 0.4, 0] }),
      part(box(0.98, 0.2, 0.95, 0.07), main(n.blue), { at: [0, 0.415, 0.27] }),
      ...mirrored(
        "x",
        part(box(0.38, 0.13, 0.28, 0.06), fixed(n.white), { at: [0.22, 0.53, -0.5] }),
      ),
      part(box(1.02, 0.75, 0.08), main(n.darkWood, 0.85), { at: [0, 0.45, -0.76] }),
      part(box(1.02, 0.42, 0.07), main(n.darkWood, 0.85), { at: [0, 0.3, 0.77] }),
      ...mirrored(
        "z",
        ...mirrored(
          "x",
          part(box(0.08, 0.2, 0.08), main(n.darkWood, 0.85), { at: [0.46, 0.09, 0.74] }),
        ),
      ),
    ],
    seat: { at: [0, 0.52, 0.2], width: 0.7 },
  }),
  bench: () => ({
    parts: [
      ...[-0.17, 0, 0.17].map((z) => part(box(1.5, 0.06, 0.14), wood, { at: [0, 0.45, z] })),
      ...[0.62, 0.8].map((y) =>
        part(box(1.5, 0.13, 0.05), wood, { at: [0, y, -0.3], turn: [-10, 0, 0] }),
      ),
      ...mirrored(
        "x",
        part(box(0.06, 0.45, 0.06), fixed(n.darkSteel), { at: [0.6, 0.21, 0.2] }),
        part(box(0.06, 0.92, 0.06), fixed(n.darkSteel), {
          at: [0.6, 0.44, -0.27],
          turn: [-6, 0, 0],
        }),
        part(box(0.06, 0.05, 0.5), fixed(n.darkSteel), { at: [0.6, 0.4, -0.02] }),
      ),
    ],
    seat: { at: [0, 0.48, 0], width: 0.6 },
  }),
  lamp: () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.3, 0],
          [0.3, 0.05],
          [0.06, 0.11],
          [0, 0.11],
        ]),
        fixed(n.darkSteel, "glossy"),
      ),
      part(cylinder(0.035, 0.75), fixed(n.darkSteel, "glossy"), { at: [0, 0.45, 0] }),
      part(
        lathe([
          [0.48, 0.66],
          [0.24, 1.2],
          [0.22, 1.2],
          [0.46, 0.66],
          [0.48, 0.66],
        ]),
        main(n.yellow),
      ),
      part(ellipsoid(0.12, 0.15), fixed([1, 0.97, 0.8]), { at: [0, 0.86, 0] }),
    ],
  }),
  bookshelf: () => {
    const bookColours = [n.red, n.blue, n.green, n.yellow, n.purple, n.orange];
    const books = [0.1, 0.5, 0.9].flatMap((y, row) =>
      Array.from({ length: 8 }, (_, i) => {
        const height = 0.22 + 0.07 * ((i * 5 + row * 3) % 3);
        const colour = bookColours[(i * 2 + row * 3 + (i >> 1)) % bookColours.length] ?? n.red;
        return part(box(0.075, height, 0.22), fixed(colour), {
          at: [-0.31 + i * 0.088, y + height / 2, 0.03],
        });
      }),
    );
    return {
      parts: [
        ...mirrored("x", part(box(0.06, 1.36, 0.34), wood, { at: [0.42, 0.68, 0] })),
        ...[0.06, 0.47, 0.87, 1.33].map((y) =>
          part(box(0.84, 0.06, 0.34), wood, { at: [0, y, 0] }),
        ),
        part(box(0.8, 1.3, 0.03), main(n.wood, 0.8), { at: [0, 0.68, -0.155] }),
        ...books,
      ],
    };
  },
  candle: () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.36, 0],
          [0.4, 0.07],
          [0.36, 0.07],
          [0.32, 0.04],
          [0, 0.04],
        ]),
        fixed(n.gold, "metal"),
      ),
      part(torus(0.1, 0.025), fixed(n.gold, "metal"), { at: [0.46, 0.08, 0], turn: [90, 0, 0] }),
      part(cylinder(0.16, 0.85), main(n.cream), { at: [0, 0.46, 0] }),
      part(
        tube(
          [
            [0, 0.88, 0],
            [0.01, 0.98, 0],
          ],
          { radius: 0.014 },
        ),
        fixed(n.ink),
      ),
      part(
        vase([
          [0, 0.9],
          [0.075, 0.98],
          [0.06, 1.08],
          [0.02, 1.2],
          [0, 1.26],
        ]),
        fixed(n.flame),
      ),
      part(
        vase([
          [0, 0.89],
          [0.04, 0.94],
          [0.03, 0.99],
          [0, 1.03],
        ]),
        fixed([1, 0.95, 0.6]),
        { at: [0, 0, 0.05] },
      ),
    ],
  }),
  clock: () => {
    const ink = fixed(n.ink);
    const dial = [
      ...Array.from({ length: 12 }, (_, i) => i).flatMap((i) =>
        group(
          { turn: [0, 0, -30 * i] },
          part(box(i % 3 === 0 ? 0.05 : 0.028, i % 3 === 0 ? 0.11 : 0.07, 0.02), ink, {
            at: [0, 0.36, 0],
          }),
        ),
      ),
      part(box(0.04, 0.27, 0.02), ink, { at: [0.1, 0.085, 0.02], turn: [0, 0, -50] }),
      part(box(0.03, 0.36, 0.02), fixed(n.red), { at: [-0.09, 0.14, 0.03], turn: [0, 0, 33] }),
      part(cylinder(0.04, 0.04), ink, { turn: [90, 0, 0], at: [0, 0, 0.03] }),
    ];
    return {
      parts: [
        part(cylinder(0.5, 0.26), main(n.red), { turn: [90, 0, 0] }),
        part(torus(0.5, 0.05), main(n.red, 0.85), { turn: [90, 0, 0], at: [0, 0, 0.13] }),
        part(cylinder(0.46, 0.02), fixed(n.white), { turn: [90, 0, 0], at: [0, 0, 0.135] }),
        ...group({ at: [0, 0, 0.15] }, ...dial),
        ...mirrored(
          "x",
          part(ellipsoid(0.19, 0.14, 0.19), steel, { at: [0.32, 0.5, 0], turn: [0, 0, -35] }),
          part(cone(0.07, 0.22), steel, { at: [0.32, -0.48, 0], turn: [0, 0, 212] }),
        ),
        part(
          tube(
            [
              [-0.12, 0.5, 0],
              [0, 0.66, 0],
              [0.12, 0.5, 0],
            ],
            { radius: 0.025 },
          ),
          steel,
        ),
      ],
    };
  },
  bucket: () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.32, 0],
          [0.46, 0.8],
          [0.42, 0.8],
          [0.29, 0.05],
          [0, 0.05],
        ]),
        main(n.blue),
      ),
      part(torus(0.46, 0.035), main(n.blue, 0.85), { at: [0, 0.79, 0] }),
      part(
        tube(
          [
            [-0.47, 0.76, 0],
            [-0.4, 1.05, 0.12],
            [0, 1.2, 0.2],
            [0.4, 1.05, 0.12],
            [0.47, 0.76, 0],
          ],
          { radius: 0.022 },
        ),
        steel,
      ),
    ],
    opening: { floor: 0.05, rim: 0.8, radius: 0.36 },
  }),
  basket: () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.4, 0],
          [0.52, 0.45],
          [0.48, 0.45],
          [0.37, 0.05],
          [0, 0.05],
        ]),
        main(n.bread),
      ),
      ...[0.06, 0.16, 0.26, 0.36, 0.45].map((y) =>
        part(torus(0.41 + (y / 0.45) * 0.115, 0.035), main(n.bread, y > 0.4 ? 0.75 : 0.88), {
          at: [0, y, 0],
        }),
      ),
      ...around(
        18,
        part(
          tube(
            [
              [0.41, 0.02, 0],
              [0.535, 0.45, 0],
            ],
            { radius: 0.022 },
          ),
          main(n.bread, 1.08),
        ),
      ),
      part(
        tube(
          [
            [-0.51, 0.42, 0],
            [-0.46, 0.75, 0],
            [0, 1, 0],
            [0.46, 0.75, 0],
            [0.51, 0.42, 0],
          ],
          { radius: 0.035 },
        ),
        main(n.bread, 0.8),
      ),
    ],
    opening: { floor: 0.06, rim: 0.45, radius: 0.42 },
  }),
  ladder: () => ({
    parts: [
      ...mirrored("x", part(box(0.07, 1.5, 0.07), wood, { at: [0.25, 0.75, 0] })),
      ...[0.15, 0.39, 0.63, 0.87, 1.11, 1.35].map((y) =>
        part(cylinder(0.035, 0.5), main(n.wood, 0.9), { at: [0, y, 0], turn: [0, 0, 90] }),
      ),
    ],
  }),
  umbrella: () => ({
    parts: [
      part(
        lathe([
          [0.7, 0.86],
          [0.62, 1.05],
          [0.46, 1.2],
          [0.26, 1.3],
          [0, 1.34],
        ]),
        main(n.red),
      ),
      ...around(
        8,
        part(
          tube(
            [
              [0.7, 0.86, 0],
              [0.62, 1.06, 0],
              [0.46, 1.21, 0],
              [0.26, 1.31, 0],
              [0, 1.35, 0],
            ],
            { radius: 0.014 },
          ),
          main(n.red, 0.75),
        ),
      ),
      part(cylinder(0.022, 1.3), fixed(n.darkSteel), { at: [0, 0.72, 0] }),
      part(cone(0.03, 0.14), fixed(n.darkSteel), { at: [0, 1.4, 0] }),
      part(
        tube(
          [
            [0, 0.1, 0],
            [0, -0.02, 0],
            [0.07, -0.1, 0],
            [0.15, -0.05, 0],
            [0.16, 0.03, 0],
          ],
          { radius: 0.035 },
        ),
        fixed(n.darkWood),
      ),
    ],
  }),
  barrel: () => ({
    parts: [
      part(
        lathe([
          [0, 0],
          [0.36, 0],
          [0.36, 0.02],
          [0.43, 0.25],
          [0.455, 0.5],
          [0.43, 0.75],
          [0.36, 0.98],
          [0.36, 1],
          [0.31, 1],
          [0.31, 0.96],
          [0, 0.96],
        ]),
        main(n.wood),
      ),
      ...[0.09, 0.3, 0.7, 0.91].map((y) =>
        part(torus(0.455 - 0.1 * (2 * y - 1) ** 2, 0.025), fixed(n.darkSteel), { at: [0, y, 0] }),
      ),
    ],
  }),
  gift: () => ({
    parts: [
      part(box(0.9, 0.7, 0.9), main(n.red), { at: [0, 0.35, 0] }),
      part(box(0.98, 0.2, 0.98), main(n.red, 0.92), { at: [0, 0.76, 0] }),
      part(box(0.16, 0.875, 1), fixed(n.yellow), { at: [0, 0.4345, 0] }),
      part(box(1, 0.875, 0.16), fixed(n.yellow), { at: [0, 0.4345, 0] }),
      ...mirrored(
        "x",
        part(
          tube(
            [
              [0, 0.88, 0],
              [0.2, 1.08, 0],
              [0.36, 1.04, 0],
              [0.28, 0.9, 0],
            ],
            { radius: 0.05, closed: true },
          ),
          fixed(n.yellow),
        ),
      ),
      part(ellipsoid(0.09), fixed(n.yellow, "matte"), { at: [0, 0.92, 0] }),
    ],
  }),
};
