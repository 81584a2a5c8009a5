/**
 * The two towers of a CLIP, whatever its layout: texts and pictures in, numbers out. Runs where it is called and
 * blocks that thread for as long as the model takes.
 */
import type { RgbImage } from "../../render/index.ts";
import { ModelError } from "../errors.ts";
import type { GraphFile, GraphFiles } from "../graph-files.ts";
import { createPixelWriter, type Preprocessing } from "../preprocess.ts";
import { type Feed, type Graph, loadGraph, type Output, type Provider } from "./graph.ts";
import { addPlacements, type Placement } from "./placement.ts";

export interface TowerOptions {
  readonly graphs: GraphFiles;
  readonly preprocessing: Preprocessing;
  readonly executionProvider: Provider;
  /** Threads of one run. */
  readonly threads: number;
  /** Fills up texts of a batch that are shorter than the longest. */
  readonly padId: number;
  /** Tokens of the longest text that will be asked about. */
  readonly maxTokens: number;
}

export type Towers = SplitTowers | CombinedTowers;

/** Embeddings as the model gives them, not normalised. Pictures have the model's size. */
export interface SplitTowers extends AsyncDisposable {
  readonly layout: "split";
  readonly executionProvider: Provider;
  readonly placement: Placement;
  /** @param texts input ids */
  embedTexts(texts: readonly (readonly number[])[]): Promise<readonly Float32Array[]>;
  embedImages(images: readonly RgbImage[]): Promise<readonly Float32Array[]>;
}

/** The model compares by itself, since only it knows its logit scale. Pictures have the model's size. */
export interface CombinedTowers extends AsyncDisposable {
  readonly layout: "combined";
  readonly executionProvider: Provider;
  readonly placement: Placement;
  /** @returns for each picture one logit a text */
  compare(
    images: readonly RgbImage[],
    texts: readonly (readonly number[])[],
  ): Promise<readonly Float32Array[]>;
}

/** @throws ModelError when a file cannot be loaded or is not a CLIP's */
export async function loadTowers(options: TowerOptions): Promise<Towers> {
  const { graphs } = options;
  const load = ({ path, names }: GraphFile): Promise<Graph> =>
    loadGraph(path, { ...options, names });
  await using stack = new AsyncDisposableStack();
  const pixelFeed = createPixelFeed(options.preprocessing);
  if (graphs.layout === "combined") {
    const graph = stack.use(await load(graphs.model));
    checkInputs(graphs.model.path, graph, ["pixel_values", "input_ids"]);
    checkPixels(graphs.model.path, graph, options.preprocessing);
    checkTexts(graphs.model.path, graph, options.maxTokens);
    const output = outputOf(graphs.model.path, graph, "logits_per_image");
    const placement = await graph.place({
      pixel_values: pixelFeed([grayImage(options)], 1),
      ...textFeeds(graph, [[options.padId]], 1, options.padId),
    });
    const owned = stack.move();
    return {
      layout: "combined",
      executionProvider: options.executionProvider,
      placement,
      compare: async (images, texts) => {
        const feeds = {
          pixel_values: pixelFeed(images, images.length),
          ...textFeeds(graph, texts, texts.length, options.padId),
        };
        return rows(graphs.model.path, output, (await graph.run(feeds))[output], images.length);
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  }
  const vision = stack.use(await load(graphs.vision));
  checkInputs(graphs.vision.path, vision, ["pixel_values"]);
  checkPixels(graphs.vision.path, vision, options.preprocessing);
  const imageOutput = outputOf(graphs.vision.path, vision, "image_embeds");
  // Text and pictures never run at the same time: the session that waits costs memory only.
  const text = stack.use(await load(graphs.text));
  checkInputs(graphs.text.path, text, ["input_ids"]);
  checkTexts(graphs.text.path, text, options.maxTokens);
  const textOutput = outputOf(graphs.text.path, text, "text_embeds");
  const [images = 1] = vision.inputs.get("pixel_values")?.shape ?? [];
  const [texts = 1] = text.inputs.get("input_ids")?.shape ?? [];
  const placement = addPlacements([
    await vision.place({
      pixel_values: pixelFeed([grayImage(options)], images),
    }),
    await text.place(textFeeds(text, [[options.padId]], texts, options.padId)),
  ]);
  const owned = stack.move();
  return {
    layout: "split",
    executionProvider: options.executionProvider,
    placement,
    embedTexts: (texts) =>
      inBatches(texts, text.inputs.get("input_ids")?.shape[0] ?? 1, async (batch, size) => {
        const results = await text.run(textFeeds(text, batch, size, options.padId));
        return rows(graphs.text.path, textOutput, results[textOutput], size);
      }),
    embedImages: (images) =>
      inBatches(
        images,
        vision.inputs.get("pixel_values")?.shape[0] ?? images.length,
        async (batch, size) => {
          const feeds = { pixel_values: pixelFeed(batch, size) };
          return rows(
            graphs.vision.path,
            imageOutput,
            (await vision.run(feeds))[imageOutput],
            size,
          );
        },
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** To run a model once. */
function grayImage({ preprocessing: { crop } }: TowerOptions): RgbImage {
  return { ...crop, pixels: new Uint8Array(crop.width * crop.height * 3).fill(128) };
}

const knownInputs = ["pixel_values", "input_ids", "attention_mask"];

function checkInputs(file: string, graph: Graph, needed: readonly string[]): void {
  const names = [...graph.inputs.keys()];
  const missing = needed.find((name) => !names.includes(name));
  const unknown = names.find((name) => !knownInputs.includes(name));
  if (missing === undefined && unknown === undefined) {
    return;
  }
  throw new ModelError(
    "unsupported-model",
    `${file} takes ${names.join(", ")}; a CLIP takes ${needed.join(", ")} and at most attention_mask besides; ` +
      '"graphs" of turntable.json may map other names',
  );
}

function checkPixels(file: string, graph: Graph, { crop }: Preprocessing): void {
  const [, channels = 3, height = crop.height, width = crop.width] =
    graph.inputs.get("pixel_values")?.shape ?? [];
  if (channels === 3 && height === crop.height && width === crop.width) {
    return;
  }
  throw new ModelError(
    "unsupported-model",
    `${file} takes pictures of ${channels} × ${height} × ${width}, but the settings for pictures ` +
      `make 3 × ${crop.height} × ${crop.width}`,
  );
}

function checkTexts(file: string, graph: Graph, maxTokens: number): void {
  const length = graph.inputs.get("input_ids")?.shape[1];
  if (length === undefined || length >= maxTokens) {
    return;
  }
  throw new ModelError(
    "unsupported-model",
    `${file} takes texts of ${length} tokens, but config.json allows ${maxTokens}`,
  );
}

function outputOf(file: string, graph: Graph, name: string): string {
  if (graph.outputs.includes(name)) {
    return name;
  }
  throw new ModelError(
    "unsupported-model",
    `${file} gives ${graph.outputs.join(", ")}, but no ${name}; export it with its projection, or ` +
      'map its name by "graphs" of turntable.json',
  );
}

/** Runs items `size` at a time; the places that the last batch leaves free are computed and dropped. */
async function inBatches<T>(
  items: readonly T[],
  size: number,
  run: (batch: readonly T[], size: number) => Promise<readonly Float32Array[]>,
): Promise<readonly Float32Array[]> {
  const results: Float32Array[] = [];
  for (let from = 0; from < items.length; from += size) {
    const batch = items.slice(from, from + size);
    results.push(...(await run(batch, size)).slice(0, batch.length));
  }
  return results;
}

/** Each call writes over what the one before gave: a model has read it by then. Places without a picture are 0. */
function createPixelFeed(
  preprocessing: Preprocessing,
): (images: readonly RgbImage[], size: number) => Feed {
  const { width, height } = preprocessing.crop;
  const length = 3 * height * width;
  const write = createPixelWriter(preprocessing);
  let memory = new Float32Array(0);
  return (images, size) => {
    if (memory.length < size * length) {
      memory = new Float32Array(size * length);
    }
    const values = memory.subarray(0, size * length);
    images.forEach((image, index) => {
      write(image, values, index * length);
    });
    values.fill(0, images.length * length);
    return { values, shape: [size, 3, height, width] };
  };
}

/** Padded to the longest text, or to the length that the model fixes. */
function textFeeds(
  graph: Graph,
  texts: readonly (readonly number[])[],
  size: number,
  padId: number,
): Readonly<Record<string, Feed>> {
  const length =
    graph.inputs.get("input_ids")?.shape[1] ?? Math.max(...texts.map((text) => text.length));
  const ids = new Int32Array(size * length).fill(padId);
  const mask = new Int32Array(size * length);
  texts.forEach((text, row) => {
    ids.set(text, row * length);
    mask.fill(1, row * length, row * length + text.length);
  });
  const shape = [size, length];
  return {
    input_ids: { values: ids, shape },
    ...(graph.inputs.has("attention_mask") ? { attention_mask: { values: mask, shape } } : {}),
  };
}

function rows(
  file: string,
  name: string,
  output: Output | undefined,
  count: number,
): readonly Float32Array[] {
  if (output === undefined || output.shape.length !== 2 || output.shape[0] !== count) {
    throw new ModelError(
      "unsupported-model",
      `${file}: ${name} came out as [${output?.shape.join(", ")}] for ${count} inputs`,
    );
  }
  const width = output.shape[1] ?? 0;
  return Array.from({ length: count }, (_, row) =>
    output.values.slice(row * width, (row + 1) * width),
  );
}
