/** Compares pictures with many prompts as the scorer does, but looks at the pictures once. */
import { availableParallelism } from "node:os";
import { loadClip, negatives, type RgbImage } from "@turntable/validation";
import { createCrop, readModelDirectory, startInference } from "@turntable/validation/internal";

export interface Judge extends AsyncDisposable {
  /** @returns the probability of a prompt, one a picture */
  look(images: readonly RgbImage[]): Promise<(prompt: string) => Promise<readonly number[]>>;
}

/** What the scorer itself says may differ by rounding alone. */
const tolerance = 1e-6;

/** @throws Error when it does not say what the scorer says, which is tried with the first pictures */
export async function startJudge(directory: string): Promise<Judge> {
  await using stack = new AsyncDisposableStack();
  const model = await readModelDirectory(directory);
  const inference = stack.use(
    await startInference({
      graphs: model.graphs,
      preprocessing: model.preprocessing,
      operators: model.operators,
      executionProvider: "cpu",
      env: {},
      threads: availableParallelism(),
      padId: model.tokenizer.endId,
      maxTokens: model.tokenizer.maxTokens,
    }),
  );
  const clip = stack.use(await loadClip(directory));
  const crop = createCrop(model.preprocessing);
  const known = new Map<string, Float64Array>();
  const embed = async (texts: readonly string[]): Promise<readonly Float64Array[]> => {
    const ids = texts.map((text) => model.tokenizer.encode(text));
    const rows = await inference.request({ kind: "embedTexts", texts: ids });
    rows.forEach((row, i) => {
      known.set(texts[i] ?? "", unit(row));
    });
    return texts.flatMap((text) => known.get(text) ?? []);
  };
  const against = await embed(negatives);
  let tried = false;
  const owned = stack.move();
  return {
    async look(images) {
      const rows = (await inference.request({ kind: "embedImages", images: images.map(crop) })).map(
        unit,
      );
      return async (prompt) => {
        const embedding = known.get(prompt);
        const texts = [
          ...against,
          ...(embedding === undefined ? await embed([prompt]) : [embedding]),
        ];
        const probabilities = rows.map((row) => {
          const weights = texts.map((text) => Math.exp(model.logitScale * (dot(row, text) - 1)));
          return (weights.at(-1) ?? 0) / weights.reduce((sum, weight) => sum + weight, 0);
        });
        if (!tried) {
          tried = true;
          const actual = await clip.probabilities(prompt, images);
          const worst = Math.max(...actual.map((p, i) => Math.abs(p - (probabilities[i] ?? 0))));
          if (!(worst <= tolerance)) {
            throw new Error(`differs from the scorer by ${worst}`);
          }
        }
        return probabilities;
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function unit(values: Float32Array): Float64Array {
  const wide = Float64Array.from(values);
  const length = Math.sqrt(dot(wide, wide));
  return wide.map((value) => value / length);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
