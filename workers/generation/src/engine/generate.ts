import { type Splat, shC0 } from "@turntable/splat";
import { colours, parsePrompt } from "../grammar/index.ts";
import { createRandom, seedOf } from "./random.ts";
import { surfaces } from "./surface.ts";

export interface GenerateRequest {
  readonly prompt: string;
  /** Other seeds give other splats of the same object; by default it follows from the prompt. */
  readonly seed?: number;
  /** How many splats. */
  readonly splats?: number;
}

export interface Generated {
  readonly splat: Splat;
  /** Words of the prompt that had no effect. */
  readonly unknownWords: readonly string[];
}

const defaultSplats = 20_000;
/** Light from above and the front left, and how much comes from everywhere. */
const light = [-0.36, 0.8, 0.48] as const;
const ambient = 0.72;
/** Splats are discs: this thin, in units of the object. */
const thickness = 0.002;
/** Logit of the opacity 0.95. */
const opacityLogit = Math.log(0.95 / 0.05);

/** The object that a prompt names, as Gaussian splats on its surface. Same request, same splats. */
export function generate(request: GenerateRequest): Generated {
  const { scene, unknownWords } = parsePrompt(request.prompt);
  const count = request.splats ?? defaultSplats;
  const random = createRandom(request.seed ?? seedOf(request.prompt));
  const surface = surfaces[scene.shape];
  const colour = colours[scene.colour];
  // Discs of this standard deviation overlap enough to hide what is behind them.
  const deviation = Math.sqrt(surface.area / count) * 0.75;
  const splat: Splat = {
    count,
    shDegree: 0,
    positions: new Float32Array(count * 3),
    scales: new Float32Array(count * 3),
    rotations: new Float32Array(count * 4),
    opacities: new Float32Array(count).fill(opacityLogit),
    shDc: new Float32Array(count * 3),
    shRest: new Float32Array(0),
  };
  for (let i = 0; i < count; i++) {
    const { position, normal } = surface.sample(random);
    const facing = normal[0] * light[0] + normal[1] * light[1] + normal[2] * light[2];
    const shade = ambient + (1 - ambient) * Math.max(0, facing) + 0.02 * (random() - 0.5);
    splat.positions.set(position, i * 3);
    splat.scales.set([Math.log(deviation), Math.log(deviation), Math.log(thickness)], i * 3);
    splat.rotations.set(rotationTo(normal), i * 4);
    splat.shDc.set(
      colour.map((value) => (Math.min(1, value * shade) - 0.5) / shC0),
      i * 3,
    );
  }
  return { splat, unknownWords };
}

/** The quaternion (w, x, y, z) that turns +z to `normal`. */
function rotationTo(
  normal: readonly [number, number, number],
): readonly [number, number, number, number] {
  const [x, y, z] = normal;
  if (z < -0.999999) return [0, 1, 0, 0];
  const w = Math.sqrt((1 + z) / 2);
  return [w, -y / (2 * w), x / (2 * w), 0];
}
