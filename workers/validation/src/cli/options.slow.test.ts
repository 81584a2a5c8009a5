/** What the verbs refuse on their command line, and the limits that they share with the processes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { AssetError, writePly, writeSpz } from "@turntable/splat";
import { createTestSplat } from "../render/index.ts";
import { type Command, UsageError } from "./arguments.ts";
import { convertCommand } from "./convert.ts";
import { inspectCommand } from "./inspect.ts";
import { lintCommand } from "./lint.ts";
import { modelsCommand } from "./models.ts";
import { previewCommand } from "./preview.ts";
import { renderCommand } from "./render.ts";
import { repairCommand } from "./repair.ts";
import { scoreCommand } from "./score.ts";

const folder = mkdtempSync(join(tmpdir(), "turntable-options-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const splat = createTestSplat({ count: 60 });
writeFileSync(at("a.ply"), writePly(splat));
writeFileSync(at("a.spz"), writeSpz(splat, { version: 4 }));

async function assertRefused(
  command: Command,
  argv: readonly string[],
  message: RegExp,
  env: Readonly<Record<string, string>> = {},
) {
  const words = argv.map((word) => (/\.(ply|spz|obj)$/.test(word) ? at(word) : word));
  await assert.rejects(command.run(words, env), (error) => {
    assert.ok(error instanceof UsageError || error instanceof AssetError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

describe("an option that does not apply is an error", () => {
  const render = ["a.ply", "--out", at("out")];
  const score = ["a.ply", "--prompt", "x"];
  for (const [command, argv, message] of [
    [convertCommand, ["a.ply", "x.ply", "--spz-version", "3"], /go with an OUT that ends in \.spz/],
    [
      convertCommand,
      ["a.ply", "x.spz", "--spz-version", "4", "--spz-compression", "gzip"],
      /goes with SPZ 1 to 3/,
    ],
    [convertCommand, ["a.ply", "x.ply", "--activated"], /activated ones go from 0 to 1/],
    [convertCommand, ["a.spz", "x.ply", "--activated"], /spz 4 says itself what its values mean/],
    [convertCommand, ["a.ply", "x.obj"], /the name must end in \.ply, \.spz, \.glb, \.splat/],
    [convertCommand, ["a.ply", "x.ply", "--rotate", "90"], /three numbers of degrees/],
    [convertCommand, ["a.ply", "x.ply", "--flip", "w"], /one of x, y, z is needed/],
    [inspectCommand, ["a.ply", "--format", "splat"], /is ply, as it says itself/],
    [inspectCommand, ["a.ply", "--format", "ply"], /one of splat is needed/],
    [lintCommand, ["a.ply", "--activated"], /Unknown option/],
    [renderCommand, [...render, "--backend", "cpu", "--gpu", "0"], /--gpu makes no sense/],
    [renderCommand, [...render, "--backend", "gl", "--gpu", "0"], /--gpu makes no sense/],
    [renderCommand, [...render, "--backend", "webgpu", "--threads", "2"], /--threads makes no/],
    [
      scoreCommand,
      [...score, "--backend", "cpu", "--allow-software-gpu"],
      /makes no sense with --backend cpu and --execution-provider cpu/,
    ],
    [
      scoreCommand,
      ["--pictures", ".", "--prompt", "x", "--limits-splats", "5"],
      /--limits-splats makes no sense with --pictures/,
    ],
    [modelsCommand, ["check", ".", "--asset", "a.ply"], /--asset makes no sense without --against/],
    [modelsCommand, ["pull", "clip", "--against", "b"], /Unknown option/],
  ] as const) {
    test(`${argv.join(" ")}: ${message.source}`, async () => {
      await assertRefused(command, argv, message);
    });
  }
});

test("a GPU may be meant for the model alone", async () => {
  const onCpu = [at("a.ply"), "--prompt", "a red ball", "--backend", "cpu"];
  const argv = [...onCpu, "--execution-provider", "webgpu", "--gpu", "nonesuch"];
  await assert.rejects(scoreCommand.run(argv, process.env), /the execution provider webgpu cannot/);
});

describe("limits", () => {
  for (const [name, command, more] of [
    ["inspect", inspectCommand, []],
    ["render", renderCommand, ["--out", at("pictures"), "--backend", "cpu"]],
    ["preview", previewCommand, ["--front", at("front.png")]],
    ["convert", convertCommand, ["y.ply"]],
    ["repair", repairCommand, ["y.ply"]],
    ["score", scoreCommand, ["--prompt", "a ball", "--backend", "cpu"]],
  ] as const) {
    test(`of ${name} come by flag and by variable`, async () => {
      const tooMany = /declares 60 splats; at most 59 are allowed/;
      await assertRefused(command, ["a.ply", ...more, "--limits-splats", "59"], tooMany);
      const variables = { TURNTABLE_LIMITS_SPLATS: "59" };
      await assertRefused(command, ["a.ply", ...more], tooMany, variables);
    });
  }

  test("are parsed as the processes parse them", async () => {
    const argv = ["a.ply", "--limits-splats", "1.5"];
    await assertRefused(inspectCommand, argv, /--limits-splats \(TURNTABLE_LIMITS_SPLATS\)/);
    const small = ["a.ply", "--limits-asset-mebibytes", "0.001"];
    await assertRefused(inspectCommand, small, /at most 1048.576 are allowed/);
  });
});
