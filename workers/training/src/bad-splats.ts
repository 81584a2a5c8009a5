/** Assets that show nothing that any prompt asks for. The engine's own quality `noise` comes beside them. */
import { pick, type Random } from "@turntable/generation/grammar";
import { createSplat, type Splat, shC0 } from "@turntable/splat";

const forms = ["pale", "speck", "haze", "blob", "confetti", "far"] as const;
type Rgb = readonly [number, number, number];

/** Next to nothing, a patch of one colour, or a few stray splats. */
export function blankSplat(random: Random): Splat {
  const any = (): number => random() * 2 - 1;
  const colour: Rgb = [random(), random(), random()];
  const cloud = (count: number, reach: number, size: number, opacity: number, of = () => colour) =>
    splatOf(count, () => [any() * reach, any() * reach, any() * reach], size, opacity, of);
  switch (pick(random, forms)) {
    case "pale":
      return cloud(1000, 0.5, 0.02, 0.9, () => [1, 1, 1]);
    case "speck":
      return cloud(1 + Math.floor(random() * 5), 0.4, 0.004 + 0.02 * random(), 0.95);
    case "haze":
      return cloud(300, 0.6, 0.05 + 0.2 * random(), 0.01 + 0.06 * random());
    case "blob":
      return cloud(1, 0.2, 0.15 + 0.5 * random(), 0.99);
    case "confetti":
      return cloud(20 + Math.floor(random() * 300), 0.6, 0.005 + 0.05 * random(), 0.95, () => [
        random(),
        random(),
        random(),
      ]);
    case "far":
      return splatOf(
        500,
        () => [any(), 30 + any(), any()],
        0.02,
        0.9,
        () => colour,
      );
  }
}

function splatOf(
  count: number,
  position: () => Rgb,
  size: number,
  opacity: number,
  colour: () => Rgb,
): Splat {
  const splat = createSplat(count);
  splat.scales.fill(Math.log(size));
  splat.opacities.fill(Math.log(opacity / (1 - opacity)));
  for (let i = 0; i < count; i++) {
    splat.positions.set(position(), i * 3);
    splat.rotations[i * 4] = 1;
    splat.shDc.set(
      colour().map((value) => (value - 0.5) / shC0),
      i * 3,
    );
  }
  return splat;
}
