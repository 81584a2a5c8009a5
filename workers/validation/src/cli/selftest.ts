/** `turntable-worker selftest`: whether backends draw and providers compute what they should, and how fast. */
import { cpus } from "node:os";
import { DeviceError } from "../gpu/index.ts";
import {
  checkBackend,
  exactDb,
  largeTest,
  leastDb,
  type Renderer,
  type RendererOptions,
  startRenderer,
  timeBackend,
} from "../render/index.ts";
import {
  type Clip,
  checkModel,
  defaultModelDir,
  describePlacement,
  differenceOf,
  loadClip,
  ModelError,
  mostDifference,
  probabilitiesOfTest,
  recordModel,
  testPictureCount,
} from "../score/index.ts";
import { type Command, parseArguments, parseChoice, UsageError } from "./arguments.ts";
import { parseRendererOptions, rendererOptions } from "./renderer-options.ts";

const help = `Usage: turntable-worker selftest [options]

Renders ${largeTest.views} views of a built-in scene of ${largeTest.count} splats at ${largeTest.size}×${largeTest.size} on each backend and compares them with
a plain rasteriser in double precision, and compares ${testPictureCount} pictures with a prompt on each execution provider, and those
results with the CPU's. Exits with 1 when a backend is further from it than allowed (cpu ${leastDb.cpu} dB, webgpu ${leastDb.webgpu} dB,
gl ${leastDb.gl} dB), a provider's probabilities are (${mostDifference}), or one cannot be started though it was named. Below ${exactDb} dB
reports are marked approximate. A worker tests the backend, the provider and the model that it was told to use in the
same way before it takes jobs; for the model there has to be a record of what it gives.

  --backend NAME     cpu, webgpu or gl alone; with auto those that this machine has [auto]
  --execution-provider NAME  cpu, webgpu or cuda alone; with auto those that this machine has [auto]
  --model DIR        CLIP model in the usual ONNX layout [the built-in one]
  --record           write what the model of --model gives on this CPU to its selftest.json, by which workers test it
  --gpu WHICH        index or part of the name of a GPU, as \`devices\` shows them [the fastest]
  --allow-software-gpu  take a GPU driver that computes on the CPU as well
  --threads N        render threads of cpu, and threads of the model there [one a core]
`;

const options = {
  ...rendererOptions,
  "execution-provider": { type: "string" },
  model: { type: "string" },
  record: { type: "boolean" },
} as const;

export const selftestCommand: Command = {
  summary: "whether render backends and execution providers compute what they should",
  help,
  async run(argv, env) {
    const { values } = parseArguments(argv, options, []);
    const providers = ["auto", "cpu", "webgpu", "cuda"] as const;
    const provider = parseChoice("execution-provider", values["execution-provider"], providers);
    const rendering = parseRendererOptions(values, env, provider);
    if (values.record === true) {
      if (values.model === undefined) {
        throw new UsageError("--record needs --model: the built-in model has its record");
      }
      await using clip = await loadClip(values.model, { threads: rendering.threads });
      process.stdout.write(`${await recordModel(clip, values.model)}\n`);
      return;
    }
    await testBackends(rendering);
    process.stdout.write("\n");
    await testProviders(provider, values.model ?? defaultModelDir, rendering);
  },
};

async function testBackends(rendering: RendererOptions): Promise<void> {
  const { backend: asked, threads } = rendering;
  process.stdout.write(row("backend", "PSNR", "ms a view", "", "device"));
  for (const backend of asked === "auto" ? (["cpu", "webgpu", "gl"] as const) : [asked]) {
    // A GPU that was named is webgpu's.
    const gpu = backend === "webgpu" ? rendering.gpu : undefined;
    let renderer: Renderer;
    try {
      renderer = await startRenderer({ ...rendering, backend, gpu });
    } catch (error) {
      const isAbsent = error instanceof DeviceError && error.code === "unavailable";
      if (!isAbsent || asked !== "auto" || gpu !== undefined) {
        throw error;
      }
      process.stdout.write(row(backend, "-", "-", "absent", error.message));
      continue;
    }
    await using drawing = renderer;
    const psnrDb = await checkBackend(drawing.render, largeTest);
    const msPerView = await timeBackend(drawing.render, largeTest);
    const verdict = verdictOn(psnrDb, leastDb[backend]);
    if (verdict === "wrong") {
      process.exitCode = 1;
    }
    const cpu = `${cpus()[0]?.model ?? "CPU"}, ${drawing.instructions}, threads: ${threads}`;
    const device = drawing.device ?? cpu;
    process.stdout.write(
      row(backend, `${psnrDb.toFixed(1)} dB`, msPerView.toFixed(1), verdict, device),
    );
  }
}

async function testProviders(
  asked: "auto" | "cpu" | "webgpu" | "cuda",
  modelDir: string,
  { env, gpu, allowSoftwareGpu, threads }: RendererOptions,
): Promise<void> {
  process.stdout.write(row("provider", "difference", "ms a batch", "", "model and operators"));
  await using cpu = await loadClip(modelDir, { threads });
  const { against, difference: onCpu } = await checkModel(cpu, modelDir);
  const expected = await runOf(cpu);
  if (asked === "auto" || asked === "cpu") {
    const device = `${cpu.name}, threads: ${threads}`;
    process.stdout.write(
      row(
        "cpu",
        against === "recorded" ? onCpu.toExponential(1) : "-",
        expected.ms.toFixed(1),
        "good",
        device,
      ),
    );
  }
  for (const provider of asked === "auto" ? (["webgpu", "cuda"] as const) : [asked]) {
    if (provider === "cpu") {
      continue;
    }
    let clip: Clip;
    try {
      clip = await loadClip(modelDir, {
        executionProvider: provider,
        env,
        gpu,
        allowSoftwareGpu,
        threads,
      });
    } catch (error) {
      const isAbsent = error instanceof ModelError && error.code === "execution-provider";
      if (!isAbsent || asked !== "auto") {
        throw error;
      }
      process.stdout.write(row(provider, "-", "-", "absent", error.message));
      continue;
    }
    await using running = clip;
    const { probabilities, ms } = await runOf(running);
    const difference = differenceOf(probabilities, expected.probabilities);
    const isGood = difference <= mostDifference;
    if (!isGood) {
      process.exitCode = 1;
    }
    const placed = describePlacement(running.executionProvider, running.placement);
    const what = `${running.name}, ${running.note ?? placed}`;
    const verdict = isGood ? "good" : "wrong";
    process.stdout.write(row(provider, difference.toExponential(1), ms.toFixed(1), verdict, what));
  }
}

/** The second time, when everything is warm. */
async function runOf(clip: Clip) {
  await probabilitiesOfTest(clip);
  const since = performance.now();
  const probabilities = await probabilitiesOfTest(clip);
  return { probabilities, ms: performance.now() - since };
}

function verdictOn(psnrDb: number, least: number): "good" | "approximate" | "wrong" {
  if (psnrDb < least) {
    return "wrong";
  }
  return psnrDb < exactDb ? "approximate" : "good";
}

function row(name: string, ratio: string, ms: string, verdict: string, device: string): string {
  const cells = [name.padEnd(9), ratio.padStart(10), ms.padStart(11), verdict.padEnd(12), device];
  return `${cells.join("  ").trimEnd()}\n`;
}
