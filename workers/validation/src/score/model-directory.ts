/**
 * A CLIP in the usual ONNX layout on disk: which of its files count, what its JSON says, and one hash over all of it.
 * Nothing here runs the model.
 *
 * D1 A name that is the layout's own goes before a variant (`_fp16`, `_quantized`, …), the directory before its
 *    `onnx/`, the split layout before the combined one: its text tower runs once a prompt, not once a batch.
 * D2 `logit_scale_init_value` of config.json is the value before training and is never read.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { ModelError } from "./errors.ts";
import { type Preprocessing, parsePreprocessing } from "./preprocess.ts";
import { createTokenizer, type Tokenizer, type TokenizerFiles } from "./tokenizer.ts";

export interface ModelDirectory {
  /** The directory's name. */
  readonly name: string;
  readonly graphs: GraphFiles;
  readonly preprocessing: Preprocessing;
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
  /** The files that are hashed: all that can change a score. Sorted paths in the directory. */
  readonly files: readonly string[];
}

/** Absolute paths of the ONNX files. */
export type GraphFiles =
  | { readonly layout: "split"; readonly vision: string; readonly text: string }
  | { readonly layout: "combined"; readonly model: string };

/** Of the trained CLIPs. */
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
});

/** @throws ModelError that says which file is missing or wrong */
export async function readModelDirectory(
  directory: string,
  signal?: AbortSignal,
): Promise<ModelDirectory> {
  const root = resolve(directory);
  const files = await listFiles(root);
  const graphs = findGraphs(root, files);
  const config = await readJson(root, files, "config.json", configSchema);
  if (config.model_type !== "clip") {
    throw new ModelError(
      "unsupported-model",
      `${root} holds a model of the type "${config.model_type}"; only "clip" can be scored with`,
    );
  }
  const preprocessing = parsePreprocessing(
    await readJson(root, files, "preprocessor_config.json", z.record(z.string(), z.unknown())),
  );
  const { crop } = preprocessing;
  const side = config.vision_config.image_size;
  if (crop.width !== side || crop.height !== side) {
    throw new ModelError(
      "unsupported-model",
      `${root}: preprocessor_config.json makes pictures of ${crop.width} × ${crop.height} pixels, ` +
        `but config.json says that the model takes ${side} × ${side}`,
    );
  }
  const tokenizerFiles = findTokenizer(root, files);
  const tokenizer = createTokenizer(
    await readTokenizerFiles(root, tokenizerFiles),
    config.text_config.max_position_embeddings,
  );
  const own = await readJson(root, files, "turntable.json", turntableSchema);
  const counted = files.filter(
    (file) =>
      tokenizerFiles.includes(file) ||
      ["config.json", "preprocessor_config.json", "turntable.json"].includes(file) ||
      graphPaths(graphs).some((path) => isPartOf(join(root, file), path)),
  );
  return {
    name: basename(root),
    graphs,
    preprocessing,
    tokenizer,
    logitScale: own.logit_scale,
    demonstration: own.demonstration,
    sha256: await hashFiles(root, counted, signal),
    files: counted,
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

function findGraphs(root: string, files: readonly string[]): GraphFiles {
  const vision = variantsOf("vision_model", files);
  const text = variantsOf("text_model", files);
  const [firstVision] = vision;
  const [firstText] = text;
  if (firstVision !== undefined && firstText !== undefined) {
    const sameVariant = text.find(
      (file) => file === firstVision.replace("vision_model", "text_model"),
    );
    return {
      layout: "split",
      vision: join(root, firstVision),
      text: join(root, sameVariant ?? firstText),
    };
  }
  const [combined] = variantsOf("model", files);
  if (combined !== undefined) return { layout: "combined", model: join(root, combined) };
  const found = firstVision ?? firstText;
  throw new ModelError(
    "model-missing",
    found === undefined
      ? `${root} has no vision_model.onnx with text_model.onnx and no model.onnx, in it or in onnx/`
      : `${root} has ${found} but not the ${found === firstVision ? "text" : "vision"} model that belongs to it`,
  );
}

/** D1: files `<stem>.onnx` and `<stem>_<variant>.onnx`, the best first. */
function variantsOf(stem: string, files: readonly string[]): readonly string[] {
  const rank = (file: string): number =>
    (basename(file) === `${stem}.onnx` ? 0 : 2) + (file.startsWith("onnx/") ? 1 : 0);
  return files
    .filter((file) => {
      const name = basename(file);
      return name === `${stem}.onnx` || (name.startsWith(`${stem}_`) && name.endsWith(".onnx"));
    })
    .toSorted((a, b) => rank(a) - rank(b));
}

function findTokenizer(root: string, files: readonly string[]): readonly string[] {
  if (files.includes("tokenizer.json")) return ["tokenizer.json"];
  if (files.includes("vocab.json") && files.includes("merges.txt")) {
    return ["merges.txt", "vocab.json"];
  }
  throw new ModelError(
    "tokenizer-missing",
    `${root} has no tokenizer: add tokenizer.json, or vocab.json and merges.txt`,
  );
}

async function readTokenizerFiles(root: string, names: readonly string[]): Promise<TokenizerFiles> {
  const read = (name: string): Promise<string> => readFile(join(root, name), "utf8");
  if (names.includes("tokenizer.json")) return { tokenizerJson: await read("tokenizer.json") };
  return { vocabJson: await read("vocab.json"), mergesTxt: await read("merges.txt") };
}

/** A file that is not there counts as `{}`: every value has a default. */
async function readJson<T>(
  root: string,
  files: readonly string[],
  name: string,
  schema: z.ZodType<T>,
): Promise<T> {
  let json: unknown = {};
  if (files.includes(name)) {
    try {
      json = JSON.parse(await readFile(join(root, name), "utf8"));
    } catch (cause) {
      throw new ModelError("configuration", `${join(root, name)} is not JSON: ${String(cause)}`, {
        cause,
      });
    }
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ModelError("configuration", `${join(root, name)}: ${z.prettifyError(parsed.error)}`);
}

function graphPaths(graphs: GraphFiles): readonly string[] {
  return graphs.layout === "split" ? [graphs.vision, graphs.text] : [graphs.model];
}

/** The file itself, or weights that it keeps beside it (`model.onnx_data`, `model.onnx.data`). */
function isPartOf(file: string, graph: string): boolean {
  return file === graph || file.startsWith(`${graph}_data`) || file === `${graph}.data`;
}

async function hashFiles(
  root: string,
  files: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const all = createHash("sha256");
  for (const name of files) {
    const path = join(root, name);
    if (!(await stat(path)).isFile()) {
      throw new ModelError("model-damaged", `${path} is not a file`);
    }
    const hash = createHash("sha256");
    const stream = createReadStream(path, signal === undefined ? {} : { signal });
    for await (const chunk of stream) hash.update(chunk);
    all.update(`${hash.digest("hex")}  ${name}\n`);
  }
  return all.digest();
}
