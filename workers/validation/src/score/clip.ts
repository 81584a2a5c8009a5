/**
 * The judge: how well pictures fit a prompt, by a CLIP.
 *
 * C1 A picture is compared with seven texts: six negatives that never change, and the prompt last. A list that grew
 *    with each request was a real fault of the subnet's first validators.
 * C2 Which batch a picture is in, and what was asked before, does not change its probability.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { Environment } from "../gpu/index.ts";
import type { RgbImage } from "../render/index.ts";
import { ModelError } from "./errors.ts";
import {
  type ExecutionProvider,
  type Inference,
  type Placement,
  startInference,
} from "./inference/index.ts";
import { type ModelDirectory, readModelDirectory } from "./model-directory.ts";
import { createCrop } from "./preprocess.ts";

/** A loaded model. */
export interface Clip extends AsyncDisposable {
  /** The model directory's name. */
  readonly name: string;
  /** Over the model's files, 32 bytes. */
  readonly sha256: Uint8Array;
  /** The files that were hashed: paths in the directory, sorted. */
  readonly files: readonly string[];
  /** The one of them that says how pictures are prepared; undefined: none does, and CLIP's own settings hold. */
  readonly pictureSettings: string | undefined;
  /** A small model to show that things work; wherever its scores are shown, that is said. */
  readonly demonstration: boolean;
  /** The words of a prompt that a demonstration model does not know; none of other models, which read any. */
  unknownWords(prompt: string): readonly string[];
  /** What really runs it: `cpu`, `cuda` or `webgpu`. */
  readonly executionProvider: string;
  /** Where its operators run, if not all on the CPU. */
  readonly placement: Placement;
  /** Why the execution provider is not what was asked for, and that the towers are of two precisions. */
  readonly note?: string;
  /**
   * @returns for each picture the probability, 0 to 1, that the prompt fits it better than the negatives
   * @throws the signal's reason when it is aborted
   */
  probabilities(
    prompt: string,
    images: readonly RgbImage[],
    signal?: AbortSignal,
  ): Promise<readonly number[]>;
  /** Compares pictures as they come, while others are still being rendered. */
  startViews(prompt: string, options?: ViewOptions): ViewScoring;
}

export interface ViewOptions {
  readonly signal?: AbortSignal | undefined;
  /** The model waits for the last view: for pictures that are made on the cores that it runs on. */
  readonly waitsForLast?: boolean;
  /** Told at the end when pictures were made the model's size, and when the model ran; `performance.now()`, in ms. */
  readonly onStage?: ((stage: ViewStage) => void) | undefined;
}

export interface ViewStage {
  readonly name: "preprocess" | "infer";
  readonly startMs: number;
  readonly endMs: number;
}

/** The views of one asset on their way to probabilities. */
export interface ViewScoring {
  /**
   * @param view which one; each once, in any order
   * @throws RangeError when a picture's bytes are not those of its size
   */
  add(view: number, image: RgbImage): void;
  /** After the last view. @returns the probabilities in the order of the views */
  finish(): Promise<readonly number[]>;
}

export type ClipOptions = CommonOptions &
  (
    | { readonly executionProvider?: "cpu"; readonly env?: Environment }
    /** `env`: the variables of a process that works on a GPU, usually all that this process has. */
    | { readonly executionProvider: ExecutionProvider; readonly env: Environment }
  );

interface CommonOptions {
  /** Which GPU renders: one that the execution provider cannot be told to take is refused. */
  readonly gpu?: string | undefined;
  /** Whether a GPU driver that computes on the CPU may be used. */
  readonly allowSoftwareGpu?: boolean | undefined;
  /** Threads of one run of the model; by default as many as there are cores. */
  readonly threads?: number;
  /** Pictures of one run of the model. */
  readonly batchSize?: number;
  /** Told of each run how many pictures it has. */
  readonly onBatch?: ((pictures: number) => void) | undefined;
  readonly signal?: AbortSignal;
}

/** The model that comes with the project: a demonstration that knows the words of the procedural engine. */
export const defaultModelDir = fileURLToPath(
  new URL("../../../../resources/models/turntable-small", import.meta.url),
);

/** Which files the model is, and by what pictures are prepared. */
export function describeFiles({ files, pictureSettings }: Pick<Clip, "files" | "pictureSettings">) {
  return `${files.join(", ")}; pictures by ${pictureSettings ?? ownSettings}`;
}

/** Said where no file of a model says how pictures are prepared. */
export const ownSettings = "CLIP's own settings";

/** Said wherever scores of a demonstration model are shown. */
export const demonstrationNote = "a demonstration model with a small vocabulary";

/** In the subnet's order, which is that of the logits. */
export const negatives: readonly string[] = [
  "empty",
  "nothing",
  "false",
  "wrong",
  "negative",
  "not quite right",
];

/** Prompts whose embeddings are kept, 2 to 4 kB each. */
const maxKeptPrompts = 512;
const defaultBatchSize = 12;

/** @throws ModelError that says what is wrong with the directory or the execution provider */
export async function loadClip(directory: string, options: ClipOptions = {}): Promise<Clip> {
  const { executionProvider = "cpu", batchSize = defaultBatchSize, signal } = options;
  const { threads = availableParallelism() } = options;
  const model = await readModelDirectory(directory, signal);
  await using stack = new AsyncDisposableStack();
  const inference = stack.use(
    await startInference({
      graphs: model.graphs,
      preprocessing: model.preprocessing,
      operators: model.operators,
      executionProvider,
      env: options.env ?? {},
      gpu: options.gpu,
      allowSoftwareGpu: options.allowSoftwareGpu,
      threads,
      padId: model.tokenizer.endId,
      maxTokens: model.tokenizer.maxTokens,
    }),
  );
  const judge = await createJudge(model, inference);
  await tryOnce(model, judge);
  const owned = stack.move();
  const crop = createCrop(model.preprocessing);
  const notes = [model.note, inference.note].filter((note) => note !== undefined);

  // Pictures are made the model's size here, a millisecond each: the thread of the model is busy with the model.
  const startViews: Clip["startViews"] = (prompt, viewOptions = {}) => {
    const { signal, waitsForLast = false, onStage } = viewOptions;
    return scoreInBatches({
      batchSize,
      waitsForLast,
      onStage,
      crop,
      run(images) {
        options.onBatch?.(images.length);
        return judge(prompt, images, signal);
      },
    });
  };
  return {
    name: model.name,
    sha256: model.sha256,
    files: model.files,
    pictureSettings: model.pictureSettings,
    demonstration: model.demonstration,
    unknownWords: (prompt) => (model.demonstration ? model.tokenizer.wordsInPieces(prompt) : []),
    executionProvider: inference.executionProvider,
    placement: inference.placement,
    ...(notes.length === 0 ? {} : { note: notes.join("; ") }),
    startViews,
    probabilities(prompt, images, signal) {
      const scoring = startViews(prompt, { signal });
      images.forEach((image, view) => {
        scoring.add(view, image);
      });
      return scoring.finish();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Probabilities of the prompt, one a picture of the model's size. */
type Judge = (
  prompt: string,
  images: readonly RgbImage[],
  signal?: AbortSignal,
) => Promise<readonly number[]>;

async function createJudge(model: ModelDirectory, inference: Inference): Promise<Judge> {
  const { tokenizer, logitScale } = model;
  const negativeIds = negatives.map((text) => tokenizer.encode(text));
  if (inference.layout === "combined") {
    return async (prompt, images, signal) => {
      const texts = [...negativeIds, tokenizer.encode(prompt)];
      const rows = await inference.request({ kind: "compare", images, texts }, signal);
      return rows.map((logits) => lastProbability([...logits]));
    };
  }

  const embed = async (ids: readonly (readonly number[])[]): Promise<readonly Float64Array[]> =>
    (await inference.request({ kind: "embedTexts", texts: ids })).map(normalise);
  const negativeEmbeddings = await embed(negativeIds);
  // Not cut short by one caller's signal: another may wait for the same prompt.
  const prompts = createCache(async (prompt: string) => {
    const [embedding] = await embed([tokenizer.encode(prompt)]);
    if (embedding === undefined) {
      throw new Error("the text tower gave nothing");
    }
    return embedding;
  });
  return async (prompt, images, signal) => {
    const promptEmbedding = await prompts(prompt);
    const rows = await inference.request({ kind: "embedImages", images }, signal);
    return rows.map((row) => {
      const image = normalise(row);
      const texts = [...negativeEmbeddings, promptEmbedding];
      return lastProbability(texts.map((text) => logitScale * dot(image, text)));
    });
  };
}

/** A model of another shape fails at the start and not at the first job. */
async function tryOnce(
  { name, preprocessing: { crop } }: ModelDirectory,
  judge: Judge,
): Promise<void> {
  const gray = { ...crop, pixels: new Uint8Array(crop.width * crop.height * 3).fill(128) };
  let probability: number | undefined;
  try {
    [probability] = await judge("a test", [gray]);
  } catch (cause) {
    if (cause instanceof ModelError) {
      throw cause;
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ModelError("unsupported-model", `${name} does not run: ${why}`, { cause });
  }
  if (probability === undefined || !Number.isFinite(probability)) {
    throw new ModelError("unsupported-model", `${name} gives ${probability} for a gray picture`);
  }
}

interface Batching {
  readonly batchSize: number;
  readonly waitsForLast: boolean;
  readonly onStage: ViewOptions["onStage"];
  readonly crop: (image: RgbImage) => RgbImage;
  readonly run: (images: readonly RgbImage[]) => Promise<readonly number[]>;
}

function scoreInBatches({ batchSize, waitsForLast, onStage, crop, run }: Batching): ViewScoring {
  const waiting: { readonly view: number; readonly image: RgbImage }[] = [];
  const running: Promise<void>[] = [];
  const probabilities: number[] = [];
  const cropped = createSpell();
  const inferred = createSpell();
  const flush = (): void => {
    inferred.begin();
    const batch = waiting.splice(0, batchSize);
    const done = run(batch.map(({ image }) => image)).then((values) => {
      batch.forEach(({ view }, index) => {
        probabilities[view] = values[index] ?? Number.NaN;
      });
    });
    // Whoever calls finish() hears of it; until then it is not unhandled.
    done.catch(() => undefined);
    running.push(done);
  };
  return {
    add(view, image) {
      cropped.begin();
      waiting.push({ view, image: crop(image) });
      cropped.end();
      if (waiting.length === batchSize && !waitsForLast) {
        flush();
      }
    },
    async finish() {
      while (waiting.length > 0) {
        flush();
      }
      await Promise.all(running);
      inferred.end();
      onStage?.({ name: "preprocess", ...cropped.times });
      onStage?.({ name: "infer", ...inferred.times });
      return probabilities;
    },
  };
}

/** From the first beginning to the last end. */
function createSpell() {
  const times = { startMs: Number.POSITIVE_INFINITY, endMs: 0 };
  return {
    times,
    begin(): void {
      times.startMs = Math.min(times.startMs, performance.now());
    },
    end(): void {
      times.endMs = performance.now();
    },
  };
}

/** Keeps the most recently used answers; one that failed is not kept. */
function createCache<T>(load: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const kept = new Map<string, Promise<T>>();
  return (key) => {
    const known = kept.get(key);
    const value = known ?? load(key);
    kept.delete(key);
    kept.set(key, value); // last in the order of insertion
    if (known === undefined) {
      value.catch(() => kept.delete(key));
    }
    for (const oldest of kept.keys()) {
      if (kept.size <= maxKeptPrompts) {
        break;
      }
      kept.delete(oldest);
    }
    return value;
  };
}

function normalise(embedding: Float32Array): Float64Array {
  const wide = Float64Array.from(embedding);
  const length = Math.sqrt(dot(wide, wide));
  return wide.map((value) => value / length);
}

/** @throws ModelError when the two towers do not give embeddings of one length */
function dot(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) {
    throw new ModelError(
      "unsupported-model",
      `its vision model gives ${a.length} numbers and its text model ${b.length}: they are not of one CLIP`,
    );
  }
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += (a[i] ?? 0) * (b[i] ?? 0);
  }
  return sum;
}

/** Softmax over all logits; that of the last one. */
function lastProbability(logits: readonly number[]): number {
  const highest = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - highest), 0);
  return Math.exp((logits.at(-1) ?? Number.NaN) - highest) / sum;
}
