/**
 * A CLIP on disk: which of its files count, what its JSON says, and one hash over all of it. Nothing here runs the model.
 *
 * H1 The hash covers every file that can change a score and no other: the graphs in use, the files that they name for
 *    their weights, the settings of pictures, the tokenizer, config.json and turntable.json.
 * H2 `logit_scale_init_value` of config.json is the value before training and is never read.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { standIn } from "@turntable/splat";
import { z } from "zod";
import { ModelError } from "./errors.ts";
import {
  findGraphs,
  type GraphFile,
  type GraphFiles,
  graphMapSchema,
  mixedPrecisions,
  pathInside,
} from "./graph-files.ts";
import { readOnnxFacts } from "./onnx-file.ts";
import {
  type JsonFile,
  namesIn,
  type PictureSettings,
  readPictureSettings,
} from "./picture-settings.ts";
import type { Preprocessing } from "./preprocess.ts";
import { createTokenizer, type Tokenizer, type TokenizerFiles } from "./tokenizer.ts";

export interface ModelDirectory {
  /** The directory's name. */
  readonly name: string;
  readonly graphs: GraphFiles;
  readonly preprocessing: Preprocessing;
  /** The file that says how pictures are prepared; undefined: none does, and CLIP's own settings hold. */
  readonly pictureSettings: string | undefined;
  /** Operators of the graphs. */
  readonly operators: ReadonlySet<string>;
  /** Said where the towers are of two precisions. */
  readonly note?: string;
  readonly tokenizer: Tokenizer;
  /** What cosine similarities of a split model are multiplied by; a combined one knows its own. */
  readonly logitScale: number;
  /** A small model to show that things work; its scores say little. */
  readonly demonstration: boolean;
  /**
   * SHA-256 over lines `<SHA-256 of a file, hex>  <its path in the directory>\n` in the order of the paths: what
   * `sha256sum FILE … | sha256sum` prints.
   */
  readonly sha256: Uint8Array;
  /** The files that are hashed, H1. Sorted paths in the directory. */
  readonly files: readonly string[];
}

/** The logit scale of the trained CLIPs, for a model whose directory names none. */
const defaultLogitScale = 100;

const configSchema = z.object({
  model_type: z.string().default("clip"),
  // Values equal to the defaults are left out by transformers.
  vision_config: z.object({ image_size: z.int().min(1).default(224) }).prefault({}),
  text_config: z
    .object({ max_position_embeddings: z.int().min(3).max(4096).default(77) })
    .prefault({}),
});

/** What this project adds to the layout. */
const turntableSchema = z.strictObject({
  logit_scale: z.number().positive().default(defaultLogitScale),
  demonstration: z.boolean().default(false),
  description: z.string().optional(),
  graphs: graphMapSchema.optional(),
});

/** @throws ModelError that says which file is missing or wrong */
export async function readModelDirectory(
  directory: string,
  signal?: AbortSignal,
): Promise<ModelDirectory> {
  const root = resolve(directory);
  const files = await listFiles(root);
  const own = await readJson(root, files, "turntable.json", turntableSchema);
  const graphs = findGraphs(root, files, own.graphs);
  const config = await readJson(root, files, "config.json", configSchema);
  if (config.model_type !== "clip") {
    throw new ModelError(
      "unsupported-model",
      `${root} holds a model of the type "${config.model_type}"; only "clip" can be scored with`,
    );
  }
  const { preprocessing, file: pictureSettings } = await pictureSettingsOf(root, files);
  const { crop } = preprocessing;
  const side = config.vision_config.image_size;
  if (crop.width !== side || crop.height !== side) {
    throw new ModelError(
      "unsupported-model",
      `${root}: ${pictureSettings ?? "without settings for pictures, CLIP's own"} makes pictures of ` +
        `${crop.width} × ${crop.height} pixels, but config.json says that the model takes ${side} × ${side}`,
    );
  }
  const tokenizerFiles = findTokenizer(root, files);
  const tokenizer = createTokenizer(
    await readTokenizerFiles(root, tokenizerFiles),
    config.text_config.max_position_embeddings,
  );
  const { weights, operators } = await lookInto(root, graphs);
  const counted = new Set([
    ...tokenizerFiles,
    ...["config.json", "turntable.json"].filter((name) => files.includes(name)),
    ...(pictureSettings === undefined ? [] : [pictureSettings]),
    ...graphFilesOf(graphs).map(({ file }) => file),
    ...weights,
  ]);
  const note = own.graphs === undefined ? mixedPrecisions(graphs) : undefined;
  return {
    name: basename(root),
    graphs,
    preprocessing,
    pictureSettings,
    operators,
    ...(note === undefined ? {} : { note }),
    tokenizer,
    logitScale: own.logit_scale,
    demonstration: own.demonstration,
    sha256: await hashFiles(root, [...counted].sort(), signal),
    files: [...counted].sort(),
  };
}

/**
 * The tokenizer of a directory alone: no ONNX file needs to be there.
 * @throws ModelError
 */
export async function readTokenizer(directory: string): Promise<Tokenizer> {
  const root = resolve(directory);
  const files = await listFiles(root);
  const config = await readJson(root, files, "config.json", configSchema);
  return createTokenizer(
    await readTokenizerFiles(root, findTokenizer(root, files)),
    config.text_config.max_position_embeddings,
  );
}

/** Names in the directory and its `onnx/`, sorted by their UTF-16 units. */
async function listFiles(root: string): Promise<readonly string[]> {
  let names: readonly string[];
  try {
    names = await readdir(root);
  } catch (cause) {
    throw new ModelError(
      "directory-missing",
      `cannot read the model directory ${root}; give the path of a CLIP in the ONNX layout`,
      { cause },
    );
  }
  const inner = names.includes("onnx") ? await readdir(join(root, "onnx")).catch(() => []) : [];
  return [...names, ...inner.map((name) => `onnx/${name}`)].sort();
}

function findTokenizer(root: string, files: readonly string[]): readonly string[] {
  if (files.includes("tokenizer.json")) {
    return ["tokenizer.json"];
  }
  if (files.includes("vocab.json") && files.includes("merges.txt")) {
    return ["merges.txt", "vocab.json"];
  }
  throw new ModelError(
    "tokenizer-missing",
    `${root} has no tokenizer: add tokenizer.json, or vocab.json and merges.txt`,
  );
}

async function readTokenizerFiles(root: string, names: readonly string[]): Promise<TokenizerFiles> {
  const read = async (name: string): Promise<string> => {
    const bytes = await readFile(join(root, name));
    const foreign = standIn(bytes);
    if (foreign === undefined) {
      return bytes.toString("utf8");
    }
    throw new ModelError("tokenizer-damaged", `${join(root, name)} is ${foreign}`);
  };
  if (names.includes("tokenizer.json")) {
    return { tokenizerJson: await read("tokenizer.json") };
  }
  return { vocabJson: await read("vocab.json"), mergesTxt: await read("merges.txt") };
}

/** A file that is not there counts as `{}`: every value has a default. */
async function readJson<T>(
  root: string,
  files: readonly string[],
  name: string,
  schema: z.ZodType<T>,
): Promise<T> {
  const json = files.includes(name) ? await parseJson(join(root, name)) : {};
  const parsed = schema.safeParse(json);
  if (parsed.success) {
    return parsed.data;
  }
  throw new ModelError("configuration", `${join(root, name)}: ${z.prettifyError(parsed.error)}`);
}

async function parseJson(path: string): Promise<unknown> {
  const bytes = await readFile(path);
  try {
    return JSON.parse(bytes.toString("utf8").replace(/^\ufeff/, ""));
  } catch (cause) {
    const foreign = standIn(bytes);
    throw new ModelError(
      "configuration",
      foreign === undefined ? `${path} is not JSON: ${String(cause)}` : `${path} is ${foreign}`,
      { cause },
    );
  }
}

/** JSON that says nothing about pictures, and may be large. */
const otherJson =
  /^(tokenizer|vocab|special_tokens|added_tokens|turntable|pins|generation)|\.index\.json$/;
/** Larger files hold no settings, in bytes. */
const maxSettingsBytes = 1024 * 1024;

async function pictureSettingsOf(root: string, files: readonly string[]): Promise<PictureSettings> {
  const found: JsonFile[] = [];
  for (const file of [...files, ...(await settingsElsewhere(root, files))]) {
    const path = join(root, file);
    if (otherJson.test(basename(file)) || !/\.(json|ya?ml|toml)$/.test(file)) {
      continue;
    }
    const { size } = await stat(path);
    if (size > maxSettingsBytes && settingsName.test(basename(file))) {
      throw new ModelError("configuration", `${path} has ${size} bytes; settings are far shorter`);
    }
    if (!(await isFile(path)) || size > maxSettingsBytes) {
      continue;
    }
    const isJson = file.endsWith(".json");
    found.push([file, isJson ? await parseJson(path) : namesIn(await readFile(path, "utf8"))]);
  }
  return readPictureSettings(found);
}

const settingsName = /^(pre)?processor_config\.json$/;

/** Settings in other folders than those that are read, such as feature_extractor/: there to be refused by name. */
async function settingsElsewhere(
  root: string,
  files: readonly string[],
): Promise<readonly string[]> {
  const folders = files.filter((file) => !file.includes("/") && file !== "onnx");
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(join(root, folder)).catch(() => []);
      return names.filter((name) => settingsName.test(name)).map((name) => `${folder}/${name}`);
    }),
  );
  return found.flat();
}

function graphFilesOf(graphs: GraphFiles): readonly GraphFile[] {
  return graphs.layout === "split" ? [graphs.vision, graphs.text] : [graphs.model];
}

interface InGraphs {
  /** Files beside the graphs that hold their weights. Paths in the directory. */
  readonly weights: readonly string[];
  readonly operators: ReadonlySet<string>;
}

/** @throws ModelError when a graph is not there or no ONNX, or its weights are not there or outside of the directory */
async function lookInto(root: string, graphs: GraphFiles): Promise<InGraphs> {
  const weights: string[] = [];
  const operators = new Set<string>();
  for (const { file, path } of graphFilesOf(graphs)) {
    if (!(await isFile(path))) {
      throw new ModelError("model-missing", `${path} is not a file`);
    }
    const facts = readOnnxFacts(path);
    for (const operator of facts.operators) {
      operators.add(operator);
    }
    for (const named of facts.externalFiles) {
      const inside = pathInside(root, file, named);
      if (!(await isFile(join(root, inside)))) {
        throw new ModelError(
          "model-missing",
          `${path} keeps weights in ${named}, and there is no file ${join(root, inside)}; fetch it, too`,
        );
      }
      weights.push(inside);
    }
  }
  return { weights, operators };
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function hashFiles(
  root: string,
  files: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const all = createHash("sha256");
  for (const name of files) {
    const path = join(root, name);
    if (!(await isFile(path))) {
      throw new ModelError("model-damaged", `${path} is not a file`);
    }
    const hash = createHash("sha256");
    const stream = createReadStream(path, signal === undefined ? {} : { signal });
    let isStart = true;
    for await (const chunk of stream) {
      const foreign = isStart ? standIn(chunk) : undefined;
      if (foreign !== undefined) {
        throw new ModelError("model-damaged", `${path} is ${foreign}`);
      }
      isStart = false;
      hash.update(chunk);
    }
    all.update(`${hash.digest("hex")}  ${name}\n`);
  }
  return all.digest();
}
