/**
 * How pictures are made ready for a model, as its directory says it.
 *
 * S1 Nothing is guessed: a setting that this does not know, or one in a file that it does not read, is refused by name.
 *    Where nothing is said at all, CLIP's own values hold, and that is told.
 * S2 `image_processor` of processor_config.json is what transformers 5 writes, preprocessor_config.json what came before
 *    it. Where both are there they must mean the same.
 */
import { basename, dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { ModelError } from "./errors.ts";
import type { Preprocessing, Triple } from "./preprocess.ts";
import { oneOf } from "./schema.ts";

export interface PictureSettings {
  readonly preprocessing: Preprocessing;
  /** The file that says so; undefined: none does, and they are CLIP's own. */
  readonly file: string | undefined;
}

/** A JSON file of the directory: its path in it, and what it holds. */
export type JsonFile = readonly [name: string, json: unknown];

const pixels = z.int().min(1).max(4096);
const scalar = z.number().transform((value): Triple => [value, value, value]);
const triple = z.tuple([z.number(), z.number(), z.number()]).readonly();
const perChannel = oneOf(
  z.union([triple, scalar]),
  "three numbers (red, green, blue) and one for all",
);
const positive = (values: Triple): boolean => values.every((value) => value > 0);

const exactSize = z.union([
  z.strictObject({ height: pixels, width: pixels }),
  z.tuple([pixels, pixels]).transform(([height, width]) => ({ height, width })),
]);
const exactForms = '{"height": 224, "width": 224} and [224, 224] (height, width), 1 to 4096 each';
const sizeSchema = oneOf(
  z.union([
    z.union([pixels, z.strictObject({ shortest_edge: pixels })]).transform((size) => ({
      shortestEdge: typeof size === "number" ? size : size.shortest_edge,
    })),
    exactSize,
  ]),
  `224, {"shortest_edge": 224}, ${exactForms}`,
);
const cropSchema = oneOf(
  z.union([pixels.transform((side) => ({ height: side, width: side })), exactSize]),
  `224, ${exactForms}`,
);
/** Pillow's number of bicubic, the filter CLIP uses, and torchvision's name. */
const resample = z.literal([3, "bicubic"], {
  error: "3 (bicubic) is accepted, the filter that CLIPs are trained with",
});

const known = z.object({
  do_resize: z.boolean().default(true),
  size: sizeSchema.default({ shortestEdge: 224 }),
  resample: resample.default(3),
  do_center_crop: z.boolean().default(true),
  crop_size: cropSchema.default({ height: 224, width: 224 }),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  // The mean and deviation of the pictures that OpenAI's CLIP was trained on, which is what transformers assumes.
  image_mean: perChannel.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: perChannel
    .refine(positive, "each number is above 0")
    .default([0.26862954, 0.26130258, 0.27577711]),
});

/** 1/255 is written with more or fewer digits. */
const roundingUp = 1.001;

/** Names of classes, and what changes nothing about pictures of three bytes a pixel. */
const harmless = new Set([
  "image_processor_type",
  "feature_extractor_type",
  "processor_class",
  "auto_map",
  "do_convert_rgb",
  "data_format",
  "input_data_format",
  "return_tensors",
  "device",
  "disable_grouping",
  "image_seq_length",
]);

/**
 * The settings of one object of JSON; an empty one means CLIP's own values.
 * @param where named in errors
 * @throws ModelError when it asks for something that this does not know or cannot do
 */
export function parsePreprocessing(
  config: unknown,
  where = "preprocessor_config.json",
): Preprocessing {
  const refuse = (why: string): ModelError => new ModelError("configuration", `${where}: ${why}`);
  const object = z.record(z.string(), z.unknown()).safeParse(config);
  if (!object.success) {
    throw refuse("an object of settings is accepted");
  }
  // null and false: not asked for. A leading underscore: notes of the library that wrote it.
  const given = Object.entries(object.data).filter(([, value]) => value !== null);
  const unknown = given.find(
    ([name, value]) =>
      !(name in known.shape) && !harmless.has(name) && value !== false && !name.startsWith("_"),
  );
  if (unknown !== undefined) {
    throw refuse(
      `the setting ${unknown[0]} is not known; accepted are ${Object.keys(known.shape).join(", ")}`,
    );
  }
  const parsed = known.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    throw refuse(z.prettifyError(parsed.error));
  }
  const { size, crop_size: crop, ...values } = parsed.data;
  const brightest = values.do_rescale ? 255 * values.rescale_factor : 255;
  if (values.do_normalize && values.image_mean.some((mean) => mean > brightest * roundingUp)) {
    throw refuse(
      `image_mean is above ${Number(brightest.toPrecision(4))}, the brightest that a pixel is once it is rescaled; ` +
        "accepted are means of rescaled pixels, or do_rescale false",
    );
  }
  const isExact = values.do_resize && !("shortestEdge" in size);
  if (!values.do_center_crop && !isExact) {
    throw refuse(
      "do_center_crop is false, and a CLIP takes pictures of one size; accepted is true, or a size of height and width",
    );
  }
  return {
    resize: values.do_resize ? size : undefined,
    crop: !values.do_center_crop && !("shortestEdge" in size) ? size : crop,
    rescaleFactor: values.do_rescale ? values.rescale_factor : 1,
    mean: values.do_normalize ? values.image_mean : [0, 0, 0],
    std: values.do_normalize ? values.image_std : [1, 1, 1],
  };
}

/**
 * @param files the JSON files of the directory that may hold settings of pictures
 * @throws ModelError S1, S2
 */
export function readPictureSettings(files: readonly JsonFile[]): PictureSettings {
  const found = files.flatMap(([name, json]) => {
    const settings = settingsIn(name, json);
    return settings === undefined
      ? []
      : [{ file: name, preprocessing: parsePreprocessing(settings.json, settings.where) }];
  });
  const [first, second] = found;
  if (first === undefined) {
    const foreign = files.find(([, json]) => mentions(json) !== undefined);
    if (foreign === undefined) {
      return { preprocessing: parsePreprocessing({}), file: undefined };
    }
    throw new ModelError(
      "configuration",
      `${foreign[0]} seems to say how pictures are prepared (${mentions(foreign[1])}), in a form that is not read; ` +
        "accepted are preprocessor_config.json, or processor_config.json with image_processor, as transformers write them",
    );
  }
  if (second !== undefined && !isDeepStrictEqual(first.preprocessing, second.preprocessing)) {
    throw new ModelError(
      "configuration",
      `${first.file} and ${second.file} say different things about pictures; keep the one that the model was trained with`,
    );
  }
  return first;
}

interface Settings {
  readonly json: unknown;
  readonly where: string;
}

/** Where older releases of transformers, or other programs, nest the settings of pictures. */
const nestedNames = ["image_processor", "feature_extractor"] as const;

/** Where settings are read from; those in any other folder are another part's, or of another layout. */
const ownFolders = [".", "onnx"];

function settingsIn(name: string, json: unknown): Settings | undefined {
  const kind = ownFolders.includes(dirname(name)) ? basename(name) : undefined;
  if (kind !== "preprocessor_config.json" && kind !== "processor_config.json") {
    return undefined;
  }
  const object = z.record(z.string(), z.unknown()).safeParse(json);
  if (!object.success) {
    throw new ModelError("configuration", `${name}: an object of settings is accepted`);
  }
  const nested = nestedNames.find((key) => typeof object.data[key] === "object");
  if (nested !== undefined && object.data[nested] !== null) {
    return { json: object.data[nested], where: `${name}: ${nested}` };
  }
  if (kind === "preprocessor_config.json") {
    return { json, where: name };
  }
  // A processor_config.json of transformers 4 names classes and no settings; one with settings at its top is read.
  return Object.keys(object.data).some((key) => key in known.shape)
    ? { json, where: name }
    : undefined;
}

/** The names that a text of another form sets, as YAML and TOML do: enough to see that it speaks of pictures. */
export function namesIn(text: string): Readonly<Record<string, true>> {
  const names = text.matchAll(/^[\s-]*["']?(\w+)["']?\s*[:=]/gm);
  return Object.fromEntries(Array.from(names, ([, name = ""]) => [name, true]));
}

/** Names of picture settings in transformers and other programs; names that other files use for more are left out. */
const settingNames = new Set([
  ...Object.keys(known.shape).filter((name) => name !== "size"),
  ...nestedNames,
  "preprocess_cfg",
  "interpolation",
  "resize_mode",
  "std",
]);
/** How many levels of nested objects are looked into: settings lie near the top, and a file may nest without end. */
const maxLevels = 4;

/** The first name of a setting of pictures, in the object or those in it. */
function mentions(json: unknown, level = 0): string | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json) || level > maxLevels) {
    return undefined;
  }
  for (const [name, value] of Object.entries(json)) {
    if (settingNames.has(name) && value !== null) {
      return name;
    }
    const inner = mentions(value, level + 1);
    if (inner !== undefined) {
      return inner;
    }
  }
  return undefined;
}
