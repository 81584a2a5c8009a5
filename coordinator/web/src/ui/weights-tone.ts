import type { Tone } from "./verdict.tsx";

const tones: ReadonlyMap<string, Tone> = new Map([
  ["included", "good"],
  ["unchanged", "good"],
  ["refused", "bad"],
  ["rejected", "bad"],
  ["failed", "bad"],
  ["unknown", "warn"],
]);

/** Of what the chain said to weights, an open set; nothing said is still under way. */
export function weightsTone(outcome: string): Tone {
  return tones.get(outcome) ?? "work";
}
