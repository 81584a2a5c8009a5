import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "./errors.ts";
import {
  type JsonFile,
  namesIn,
  parsePreprocessing,
  readPictureSettings,
} from "./picture-settings.ts";

/** As transformers 5 writes it, unset values included. Its mean and std are not CLIP's. */
const settings = {
  image_processor_type: "CLIPImageProcessorFast",
  crop_size: { height: 224, width: 224 },
  data_format: "channels_first",
  default_to_square: false,
  device: null,
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_pad: null,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
  input_data_format: null,
  pad_size: null,
  resample: 3,
  rescale_factor: 0.00392156862745098,
  size: { shortest_edge: 224 },
};

function assertRefused(files: readonly JsonFile[], message: RegExp): void {
  assert.throws(
    () => readPictureSettings(files),
    (error) =>
      error instanceof ModelError && error.code === "configuration" && message.test(error.message),
    `${message}`,
  );
}

test("settings are found in both files of transformers, old and new", () => {
  for (const files of [
    [["preprocessor_config.json", settings]],
    [["processor_config.json", { image_processor: settings, processor_class: "CLIPProcessor" }]],
    [["processor_config.json", settings]],
    [["preprocessor_config.json", { image_processor: settings }]],
    [
      ["preprocessor_config.json", settings],
      ["processor_config.json", { processor_class: "CLIPProcessor" }],
    ],
    [
      ["preprocessor_config.json", settings],
      ["processor_config.json", { image_processor: settings }],
    ],
  ] satisfies JsonFile[][]) {
    const { preprocessing, file } = readPictureSettings(files);
    assert.deepEqual(preprocessing.mean, [0.5, 0.5, 0.5]);
    assert.equal(file, files[0]?.[0]);
  }
});

test("where nothing is said CLIP's own settings hold, and no file is named", () => {
  for (const files of [
    [],
    [["processor_config.json", { processor_class: "CLIPProcessor" }]],
    [["config.json", { vision_config: { image_size: 224 } }]],
  ] satisfies JsonFile[][]) {
    const { preprocessing, file } = readPictureSettings(files);
    assert.deepEqual(preprocessing, parsePreprocessing({}));
    assert.equal(file, undefined);
  }
});

test("settings in a form that is not read are refused by the file's name", () => {
  const openClip = { model_cfg: {}, preprocess_cfg: { mean: [0.5, 0.5, 0.5], std: [1, 1, 1] } };
  assertRefused([["open_clip_config.json", openClip]], /open_clip_config\.json.*preprocess_cfg/);
  assertRefused([["image_processor.json", settings]], /image_processor\.json.*crop_size/);
  assertRefused(
    [["processor_config.json", { vision: { image_mean: [0, 0, 0] } }]],
    /processor_config\.json.*image_mean/,
  );
  // Another part's, as diffusers lays it out; and another language's.
  assertRefused(
    [["feature_extractor/preprocessor_config.json", settings]],
    /feature_extractor\/preprocessor_config\.json seems to say/,
  );
  const yaml = "# of a trainer\nname: clip\nimage_mean: [0, 0, 0]\n";
  assertRefused([["preprocess.yaml", namesIn(yaml)]], /preprocess\.yaml.*image_mean/);
  const toml = namesIn('[model]\n"crop_size" = 224');
  assertRefused([["clip.toml", toml]], /clip\.toml.*crop_size/);
});

test("means that no pixel can have are refused", () => {
  const bytes = { ...settings, image_mean: [122.7, 116.7, 104], image_std: [68.5, 66.6, 70.3] };
  assertRefused([["preprocessor_config.json", bytes]], /image_mean is above 1, the brightest/);
  const unscaled = { ...bytes, do_rescale: false };
  assert.equal(parsePreprocessing(unscaled).mean[0], 122.7);
});

test("two files that contradict each other are refused", () => {
  assertRefused(
    [
      ["preprocessor_config.json", settings],
      ["processor_config.json", { image_processor: { ...settings, image_std: [1, 1, 1] } }],
    ],
    /preprocessor_config\.json and processor_config\.json say different things/,
  );
});

test("a setting that is not known is refused by its name", () => {
  for (const name of ["do_thumbnail", "crop_pct", "image_means", "default_to_square"]) {
    assertRefused(
      [["preprocessor_config.json", { ...settings, [name]: true }]],
      new RegExp(`the setting ${name} is not known; accepted are do_resize, size`),
    );
  }
});

test("every way of writing a size is read, and others are refused with those", () => {
  const crop = { width: 224, height: 224 };
  for (const [size, resize] of [
    [224, { shortestEdge: 224 }],
    [{ shortest_edge: 224 }, { shortestEdge: 224 }],
    [
      { height: 200, width: 300 },
      { height: 200, width: 300 },
    ],
    [[200, 300], { height: 200, width: 300 }],
  ]) {
    assert.deepEqual(parsePreprocessing({ size }).resize, resize);
  }
  for (const size of [
    { longest_edge: 224 },
    "224",
    [224],
    { shortest_edge: 224, longest_edge: 9 },
  ]) {
    assertRefused([["preprocessor_config.json", { size }]], /accepted are 224, .*"height": 224/s);
  }
  for (const size of [224, crop, [224, 224]]) {
    assert.deepEqual(parsePreprocessing({ crop_size: size }).crop, crop);
  }
});

test("pictures that are made one size need no cut", () => {
  const size = { height: 336, width: 336 };
  assert.deepEqual(parsePreprocessing({ size, do_center_crop: false }).crop, size);
});
