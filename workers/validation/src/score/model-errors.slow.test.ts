import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createTestModel,
  type TestModel,
  testCombinedModel,
  testTextModel,
  testVisionModel,
} from "../../test/test-model.ts";
import { loadClip, ModelError, type ModelErrorCode } from "./index.ts";

const lfsPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 5\n";

/** What is done to a sound model, the code that must come of it, and what the message must name. */
const cases: readonly (readonly [
  string,
  ModelErrorCode,
  RegExp,
  (model: TestModel) => Promise<void>,
])[] = [
  [
    "no ONNX file",
    "model-missing",
    /no vision_model\.onnx .* model\.onnx/,
    async (model) => {
      await model.remove("vision_model.onnx");
      await model.remove("text_model.onnx");
    },
  ],
  [
    "a vision model alone",
    "model-missing",
    /not the text model/,
    (m) => m.remove("text_model.onnx"),
  ],
  [
    "a text model alone",
    "model-missing",
    /not the vision model/,
    (m) => m.remove("vision_model.onnx"),
  ],
  [
    "a file cut off",
    "model-damaged",
    /vision_model\.onnx cannot be loaded/,
    (m) => m.write("vision_model.onnx", testVisionModel().subarray(0, 200)),
  ],
  ["an empty file", "model-damaged", /text_model\.onnx/, (m) => m.write("text_model.onnx", "")],
  [
    "a file that is not ONNX",
    "model-damaged",
    /text_model\.onnx is a web page/,
    (m) => m.write("text_model.onnx", "<html>404 Not Found</html>"),
  ],
  [
    "a pointer of Git LFS",
    "model-damaged",
    /vision_model\.onnx is a Git LFS pointer.*git lfs pull/,
    (m) => m.write("vision_model.onnx", lfsPointer),
  ],
  [
    "weights that are a pointer of Git LFS",
    "model-damaged",
    /weights\.bin is a Git LFS pointer/,
    async (model) => {
      await model.write("vision_model.onnx", testVisionModel({ location: "weights.bin" }));
      await model.write("weights.bin", lfsPointer);
    },
  ],
  [
    "a tokenizer that is a pointer of Git LFS",
    "tokenizer-damaged",
    /tokenizer\.json is a Git LFS pointer/,
    (m) => m.write("tokenizer.json", lfsPointer),
  ],
  [
    "a web page as config.json",
    "configuration",
    /config\.json is a web page/,
    (m) => m.write("config.json", "<!DOCTYPE html><html><head>"),
  ],
  [
    "a server's answer",
    "model-damaged",
    /text_model\.onnx is an error message/,
    (m) => m.write("text_model.onnx", "Entry not found"),
  ],
  [
    "a PyTorch checkpoint",
    "model-damaged",
    /vision_model\.onnx is a ZIP: a PyTorch checkpoint/,
    (m) => m.write("vision_model.onnx", "PK\u0003\u0004archive/data.pkl"),
  ],
  [
    "weights that are not there",
    "model-missing",
    /vision_model\.onnx keeps weights in 6f1c-weights/,
    (m) => m.write("vision_model.onnx", testVisionModel({ location: "6f1c-weights" })),
  ],
  ...["../outside.bin", "/etc/passwd", "a/../../outside.bin"].map(
    (location): (typeof cases)[number] => [
      `weights outside of the directory: ${location}`,
      "model-damaged",
      /which is not beside it or in a folder beside it/,
      (m) => m.write("vision_model.onnx", testVisionModel({ location })),
    ],
  ),
  [
    "no tokenizer",
    "tokenizer-missing",
    /vocab\.json and merges\.txt/,
    (m) => m.remove("tokenizer.json"),
  ],
  [
    "a tokenizer that is not JSON",
    "tokenizer-damaged",
    /tokenizer\.json is not JSON/,
    (m) => m.write("tokenizer.json", "{"),
  ],
  [
    "a tokenizer of another kind",
    "tokenizer-damaged",
    /tokenizer\.json: model\.type/,
    (m) => m.write("tokenizer.json", JSON.stringify({ model: { type: "Unigram", vocab: [] } })),
  ],
  [
    "a tokenizer without CLIP's end token",
    "tokenizer-damaged",
    /<\|startoftext\|>/,
    async (model) => {
      await model.remove("tokenizer.json");
      await model.write("vocab.json", JSON.stringify({ a: 0 }));
      await model.write("merges.txt", "#version: 0.2\n");
    },
  ],
  [
    "a model of another type",
    "unsupported-model",
    /"siglip".*only "clip"/,
    (m) => m.write("config.json", JSON.stringify({ model_type: "siglip" })),
  ],
  [
    "pictures of another size than the model's",
    "unsupported-model",
    /16 × 16.*8 × 8/,
    (m) => m.write("preprocessor_config.json", JSON.stringify({ size: 16, crop_size: 16 })),
  ],
  [
    "a filter that is not bicubic",
    "configuration",
    /resample/,
    (m) => m.write("preprocessor_config.json", JSON.stringify({ crop_size: 8, resample: 2 })),
  ],
  [
    "other names of inputs, without a map",
    "unsupported-model",
    /takes IMAGE; a CLIP takes pixel_values.*turntable\.json/,
    (m) => m.write("vision_model.onnx", testVisionModel({ input: "IMAGE" })),
  ],
  [
    "other names of files, without a map",
    "model-missing",
    /has textual\.onnx, visual\.onnx, but no .*"vision": \{"file": "visual\.onnx"/,
    async (model) => {
      await model.remove("vision_model.onnx");
      await model.remove("text_model.onnx");
      await model.write("visual.onnx", testVisionModel());
      await model.write("textual.onnx", testTextModel());
    },
  ],
  [
    "a map with a word that is not known",
    "configuration",
    /turntable\.json.*accepted are.*"pixel_values"/s,
    (m) =>
      m.write(
        "turntable.json",
        JSON.stringify({
          graphs: { vision: { file: "a.onnx", pixels: "IMAGE" }, text: { file: "b.onnx" } },
        }),
      ),
  ],
  [
    "a word in turntable.json that is not known",
    "configuration",
    /turntable\.json.*logitscale/s,
    (m) => m.write("turntable.json", JSON.stringify({ logitscale: 25 })),
  ],
  [
    "a config.json that is not JSON",
    "configuration",
    /config\.json/,
    (m) => m.write("config.json", "x"),
  ],
  [
    "a vision model without its projection",
    "unsupported-model",
    /last_hidden_state.*no image_embeds/,
    (m) => m.write("vision_model.onnx", testVisionModel({ imageOutput: "last_hidden_state" })),
  ],
  [
    "a vision model where the text model should be",
    "unsupported-model",
    /takes pixel_values; a CLIP takes input_ids/,
    (m) => m.write("text_model.onnx", testVisionModel()),
  ],
  [
    "a text model for shorter texts",
    "unsupported-model",
    /texts of 16 tokens.*77/,
    (m) => m.write("text_model.onnx", testTextModel({ sequence: 16 })),
  ],
  [
    "towers of two models",
    "unsupported-model",
    /4 numbers.* 6/,
    (m) => m.write("text_model.onnx", testTextModel({ width: 6 })),
  ],
  [
    "a combined model that fixes the number of texts",
    "unsupported-model",
    /does not run/,
    async (model) => {
      await model.remove("vision_model.onnx");
      await model.remove("text_model.onnx");
      await model.write("model.onnx", testCombinedModel({ batch: 3 }));
    },
  ],
  [
    "embeddings that are not numbers",
    "unsupported-model",
    /gives NaN/,
    (m) => m.write("vision_model.onnx", testVisionModel({ weights: Number.NaN })),
  ],
];

for (const [what, code, message, damage] of cases) {
  test(`${what}: ${code}`, async () => {
    await using model = await createTestModel();
    await model.write("vision_model.onnx", testVisionModel());
    await model.write("text_model.onnx", testTextModel());
    await damage(model);
    await assertRefused(loadClip(model.directory), code, message);
  });
}

test("the model that is damaged above is sound before", async () => {
  await using model = await createTestModel();
  await model.write("vision_model.onnx", testVisionModel());
  await model.write("text_model.onnx", testTextModel());
  await using clip = await loadClip(model.directory);
  assert.ok(clip.name.startsWith("turntable-model-"));
});

test("a directory that is not there: directory-missing", async () => {
  await assertRefused(loadClip("/no/such/model"), "directory-missing", /\/no\/such\/model/);
});

test("an execution provider that does not start: execution-provider, and auto goes on", async (t) => {
  await using model = await createTestModel();
  await model.write("vision_model.onnx", testVisionModel());
  await model.write("text_model.onnx", testTextModel());
  await using auto = await loadClip(model.directory, {
    executionProvider: "auto",
    env: process.env,
  });
  if (auto.executionProvider === "cuda") {
    return t.skip("CUDA starts on this machine");
  }
  assert.equal(auto.executionProvider, "cpu");
  await assertRefused(
    loadClip(model.directory, { executionProvider: "cuda", env: process.env }),
    "execution-provider",
    /cuda does not start.*use cpu, or auto/s,
  );
});

async function assertRefused(
  loading: Promise<AsyncDisposable>,
  code: ModelErrorCode,
  message: RegExp,
): Promise<void> {
  await assert.rejects(loading, (error) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}
