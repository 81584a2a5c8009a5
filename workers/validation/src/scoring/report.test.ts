import assert from "node:assert/strict";
import { test } from "node:test";
import { createReport } from "./report.ts";
import type { ScoredAsset, Scorer } from "./score-asset.ts";

const scored: ScoredAsset = {
  score: 0.65,
  views: [0.5, 0.6, 0.7, 0.8].map((probability) => ({
    azimuthDeg: 0,
    elevationDeg: 0,
    radius: 2.5,
    probability,
  })),
  images: [],
  splatCount: 1,
  findings: [],
  geometry: new Float32Array(),
  assetSha256: new Uint8Array(32),
  decodeMs: 1,
  renderMs: 2,
  scoreMs: 3,
};
const request = {
  prompt: "a red cube",
  cameraSeed: 7n,
  profile: { name: "sn17-seed" } as Parameters<typeof createReport>[1]["profile"], // only the name is read
};
const files: readonly string[] = ["model.onnx"];
const scorer = {
  clip: {
    name: "tiny",
    sha256: new Uint8Array(32),
    demonstration: true,
    files,
    unknownWords: () => ["wooden"],
  },
  renderer: { backend: "cpu", approximate: false },
} as unknown as Pick<Scorer, "clip" | "renderer">; // only these are read

test("views are counted as low by the threshold that the job names, and the report says which", () => {
  const strict = createReport(scored, request, scorer, { acceptance: 0.75 });
  assert.deepEqual([strict.acceptance, strict.lowViewShare], [0.75, 0.75]);
});

test("the report names the files that the model is, and where nothing is said about pictures", () => {
  const { model } = createReport(scored, request, scorer);
  assert.deepEqual([model?.files, model?.pictureSettings], [["model.onnx"], ""]);
});

test("a job that names no threshold goes by the subnet's", () => {
  for (const more of [{}, { acceptance: 0 }]) {
    const report = createReport(scored, request, scorer, more);
    assert.deepEqual([report.acceptance, report.lowViewShare], [0.6, 0.25]);
  }
});

test("the report names the words of the prompt that the model does not know", () => {
  assert.deepEqual(createReport(scored, request, scorer).unknownWords, ["wooden"]);
});
