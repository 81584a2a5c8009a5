/**
 * Whether a model computes what it should, on pictures made by code. What it should is in `selftest.json` beside the
 * model, written by `turntable-worker selftest --record` on a CPU. A model without that file is held to what every CLIP
 * does: a probability for each picture, whatever other pictures are beside it.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { RgbImage } from "../render/index.ts";
import type { Clip } from "./clip.ts";
import { ModelError } from "./errors.ts";

/** The most that a view's probability may differ from the right one. */
export const mostDifference = 1e-3;
/** The same where only a picture alone and one among others are compared: int8 models look at all of a batch. */
const mostDifferenceOfBatches = 0.05;

const fileName = "selftest.json";
const prompt = "a red ball";
const size = 224;
const radius = 70;

/** A disc from blue to red: a model that knows colours is sure of some and not of all, and there a fault shows. */
const testPictures = [150, 165, 175, 180, 185, 200].map((red): RgbImage => {
  const pixels = new Uint8Array(size * size * 3).fill(255);
  for (let at = 0; at < size * size; at++) {
    if (Math.hypot((at % size) - size / 2, Math.floor(at / size) - size / 2) < radius) {
      pixels.set([red, 0, 255 - red], at * 3);
    }
  }
  return { width: size, height: size, pixels };
});

const recordSchema = z.strictObject({
  /** Over the model's files. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  prompt: z.literal(prompt),
  probabilities: z.array(z.number().min(0).max(1)).length(testPictures.length),
});

export const testPictureCount = testPictures.length;

/** What a model says of the test pictures. */
export function probabilitiesOfTest(clip: Pick<Clip, "probabilities">): Promise<readonly number[]> {
  return clip.probabilities(prompt, testPictures);
}

/** The largest; infinite where one is no number. */
export function differenceOf(ours: readonly number[], right: readonly number[]): number {
  const differences = right.map((value, view) => Math.abs(value - (ours[view] ?? Number.NaN)));
  return differences.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...differences);
}

export interface ModelTest {
  /** What it was held against. */
  readonly against: "recorded" | "batches";
  readonly difference: number;
}

/**
 * Tries a loaded model.
 * @throws ModelError `self-test` when it computes wrongly, or is not the model that was recorded
 */
export async function checkModel(
  clip: Pick<Clip, "name" | "sha256" | "executionProvider" | "probabilities">,
  directory: string,
): Promise<ModelTest> {
  const record = await readRecord(directory);
  const { name, executionProvider } = clip;
  if (record !== undefined && record.sha256 !== Buffer.from(clip.sha256).toString("hex")) {
    throw new ModelError(
      "self-test",
      `${name}: its files are not those of which ${fileName} was made: fetch it again, or, if it was changed on purpose, run turntable-worker selftest --model ${directory} --record`,
    );
  }
  const probabilities = await probabilitiesOfTest(clip);
  if (!probabilities.every((value) => value >= 0 && value <= 1)) {
    throw wrong(`gives ${probabilities.join(", ")}, which are no probabilities`);
  }
  const test: ModelTest =
    record === undefined
      ? { against: "batches", difference: await differenceOfBatches(clip, probabilities) }
      : { against: "recorded", difference: differenceOf(probabilities, record.probabilities) };
  const most = record === undefined ? mostDifferenceOfBatches : mostDifference;
  if (test.difference <= most) {
    return test;
  }
  const right =
    record === undefined ? "the same pictures alone" : `what it gives elsewhere (${fileName})`;
  throw wrong(
    `gives probabilities ${test.difference.toFixed(4)} off ${right}; ${most} are allowed`,
  );

  function wrong(what: string): ModelError {
    return new ModelError(
      "self-test",
      `${name} on ${executionProvider} ${what}. turntable-worker selftest compares the execution providers of this machine`,
    );
  }
}

/** Of the first and the last, which lie farthest apart. */
async function differenceOfBatches(
  clip: Pick<Clip, "probabilities">,
  together: readonly number[],
): Promise<number> {
  const differences: number[] = [];
  for (const index of [0, testPictures.length - 1]) {
    const alone = await clip.probabilities(prompt, testPictures.slice(index, index + 1));
    differences.push(differenceOf(alone, together.slice(index, index + 1)));
  }
  return Math.max(...differences);
}

/** Writes what a model says now beside it: the right values from then on. */
export async function recordModel(
  clip: Pick<Clip, "sha256" | "probabilities">,
  directory: string,
): Promise<string> {
  const record: z.infer<typeof recordSchema> = {
    sha256: Buffer.from(clip.sha256).toString("hex"),
    prompt,
    probabilities: [...(await probabilitiesOfTest(clip))],
  };
  const file = join(directory, fileName);
  await writeFile(file, `${JSON.stringify(record, undefined, 1)}\n`);
  return file;
}

async function readRecord(directory: string) {
  const file = join(directory, fileName);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  });
  if (text === undefined) {
    return undefined;
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new ModelError("configuration", `${file}: ${why}`, { cause });
  }
}
