/**
 * How closely each render backend agrees with the float64 rasteriser, on scenes made by code: the table in the worker's
 * README. `node test/golden/backends.ts` writes it anew, on a machine that has all backends.
 */
import { readFileSync, writeFileSync } from "node:fs";
import {
  createScene,
  createTestSplat,
  orbitCamera,
  psnr,
  type Renderer,
  renderReference,
  startCpuRenderer,
  startGlRenderer,
} from "@turntable/validation";
import { startWebgpuRenderer } from "@turntable/validation/internal";

export const backends = {
  cpu: () => startCpuRenderer(2),
  webgpu: () => startWebgpuRenderer({ env: process.env, allowSoftware: true }),
  gl: () => startGlRenderer(process.env),
} as const;

const background = [1, 0.5, 0.25] as const;
const splats = createTestSplat({ count: 400, shDegree: 3, seed: 5 });

/** Small ones: a GPU in software takes a second for 40,000 pixels. */
const cases = {
  "mostly opaque splats": createScene(splats),
  "the same without harmonics": createScene(createTestSplat({ count: 400, seed: 5 })),
  "faint splats in deep stacks": createScene({
    ...splats,
    opacities: splats.opacities.map((opacity) => opacity - 3),
  }),
  "large splats": createScene({ ...splats, scales: splats.scales.map((scale) => scale + 1) }),
} as const;

export type Agreement = Readonly<Record<string, number>>;

/** @returns dB of the worse of two views, for each case */
export async function measureAgreement(renderer: Renderer): Promise<Agreement> {
  const cameras = [25, 190].map((azimuthDeg) =>
    orbitCamera({ azimuthDeg, elevationDeg: 10, radius: 1.2 }, { size: 72, fovyDeg: 49.1 }),
  );
  const agreement: Record<string, number> = {};
  for (const [name, scene] of Object.entries(cases)) {
    const images = await renderer.render(scene, cameras, background);
    agreement[name] = Math.min(
      ...images.map((image, index) => {
        const camera = cameras[index];
        return camera === undefined ? 0 : psnr(image, renderReference(scene, camera, background));
      }),
    );
  }
  return agreement;
}

const file = new URL("../../workers/validation/README.md", import.meta.url).pathname;
const [begin, end] = ["<!-- backends -->", "<!-- /backends -->"];

/** What the README says: for each backend and case, in dB. */
export function readTable(): Readonly<Record<string, Agreement>> {
  const text = readFileSync(file, "utf8");
  const [header = [], , ...rows] = text
    .slice(text.indexOf(begin) + begin.length, text.indexOf(end))
    .trim()
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return Object.fromEntries(
    Object.keys(backends).map((backend) => [
      backend,
      Object.fromEntries(
        rows.map((cells) => [cells[1] ?? "", Number(cells[header.indexOf(backend)])]),
      ),
    ]),
  );
}

async function writeTable(): Promise<void> {
  const columns: Agreement[] = [];
  for (const start of Object.values(backends)) {
    await using renderer = await start();
    columns.push(await measureAgreement(renderer));
  }
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const table = [
    line(["dB against the float64 rasteriser", ...Object.keys(backends)]),
    line(["---", ...columns.map(() => "---")]),
    ...Object.keys(cases).map((name) =>
      line([name, ...columns.map((column) => (column[name] ?? Number.NaN).toFixed(1))]),
    ),
  ].join("\n");
  const text = readFileSync(file, "utf8");
  const before = text.slice(0, text.indexOf(begin) + begin.length);
  writeFileSync(file, `${before}\n${table}\n${text.slice(text.indexOf(end))}`);
}

if (import.meta.main) {
  await writeTable();
}
