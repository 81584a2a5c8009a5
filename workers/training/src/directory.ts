/**
 * The files of a model directory beside the ONNX graphs: configuration, picture preparation and the tokenizer, as
 * transformers writes them. `node workers/training/src/directory.ts [DIR]`
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createVocabulary, tokenizerJson } from "@turntable/validation/internal";
import { preparation, smallDir } from "./settings.ts";
import { knownWords } from "./words.ts";

/** @returns the content of each file by its name */
export function directoryFiles(): ReadonlyMap<string, string> {
  const vocabulary = createVocabulary(knownWords);
  const { vocab, startId, endId } = vocabulary;
  const { crop, resize, rescaleFactor, mean, std } = preparation;
  const special = {
    bos_token: "<|startoftext|>",
    eos_token: "<|endoftext|>",
    unk_token: "<|endoftext|>",
    pad_token: "<|endoftext|>",
  };
  const json = {
    "config.json": {
      model_type: "clip",
      projection_dim: 128,
      text_config: { bos_token_id: startId, eos_token_id: endId, vocab_size: vocab.size },
      vision_config: { image_size: crop.width },
    },
    "preprocessor_config.json": {
      crop_size: crop,
      do_center_crop: true,
      do_convert_rgb: true,
      do_normalize: true,
      do_rescale: true,
      do_resize: true,
      image_mean: mean,
      image_processor_type: "CLIPImageProcessor",
      image_std: std,
      resample: 3,
      rescale_factor: rescaleFactor,
      size: { shortest_edge: resize.shortestEdge },
    },
    "special_tokens_map.json": special,
    "tokenizer.json": tokenizerJson(vocabulary),
    "tokenizer_config.json": {
      ...special,
      do_lower_case: true,
      model_max_length: 77,
      tokenizer_class: "CLIPTokenizer",
    },
  };
  return new Map(
    Object.entries(json).map(([name, value]) => [name, `${JSON.stringify(value, undefined, 1)}\n`]),
  );
}

if (import.meta.main) {
  const directory = process.argv[2] ?? smallDir;
  await mkdir(directory, { recursive: true });
  for (const [name, text] of directoryFiles()) {
    await writeFile(join(directory, name), text);
  }
  console.log(`wrote ${directory}`);
}
