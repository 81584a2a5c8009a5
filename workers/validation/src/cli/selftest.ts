/** `turntable-worker selftest`: whether the render backends draw what they should, and how fast. */
import { cpus } from "node:os";
import {
  checkBackend,
  DeviceError,
  exactDb,
  largeTest,
  leastDb,
  type Renderer,
  startRenderer,
  timeBackend,
} from "../render/index.ts";
import { type Command, parseArguments } from "./arguments.ts";
import { parseRendererOptions, rendererOptions } from "./renderer-options.ts";

const help = `Usage: turntable-worker selftest [options]

Renders ${largeTest.views} views of a built-in scene of ${largeTest.count} splats at ${largeTest.size}×${largeTest.size} on each backend and compares them with
a plain rasteriser in double precision. Exits with 1 when a backend is further from it than allowed (cpu ${leastDb.cpu} dB,
webgpu ${leastDb.webgpu} dB, gl ${leastDb.gl} dB), or cannot be started though it was named. Below ${exactDb} dB reports are marked approximate.

  --backend NAME     cpu, webgpu or gl alone; with auto those that this machine has [auto]
  --gpu WHICH        index or part of the name of a GPU, as \`devices\` shows them [the fastest]
  --allow-software-gpu  take a GPU driver that computes on the CPU as well
  --threads N        render threads of cpu [one a core]
`;

export const selftestCommand: Command = {
  summary: "whether the render backends draw what they should",
  help,
  async run(argv) {
    const { values } = parseArguments(argv, rendererOptions, []);
    const rendering = parseRendererOptions(values);
    const { backend: asked, threads } = rendering;
    process.stdout.write(row("backend", "PSNR", "ms a view", "", "device"));
    for (const backend of asked === "auto" ? (["cpu", "webgpu", "gl"] as const) : [asked]) {
      let renderer: Renderer;
      try {
        renderer = await startRenderer({ ...rendering, backend });
      } catch (error) {
        const isAbsent = error instanceof DeviceError && error.code === "unavailable";
        if (!isAbsent || asked !== "auto") throw error;
        process.stdout.write(row(backend, "-", "-", "absent", error.message));
        continue;
      }
      await using drawing = renderer;
      const psnrDb = await checkBackend(drawing.render, largeTest);
      const msPerView = await timeBackend(drawing.render, largeTest);
      const verdict = verdictOn(psnrDb, leastDb[backend]);
      if (verdict === "wrong") process.exitCode = 1;
      const device = drawing.device ?? `${cpus()[0]?.model ?? "CPU"}, threads: ${threads}`;
      process.stdout.write(
        row(backend, `${psnrDb.toFixed(1)} dB`, msPerView.toFixed(1), verdict, device),
      );
    }
  },
};

function verdictOn(psnrDb: number, least: number): "good" | "approximate" | "wrong" {
  if (psnrDb < least) return "wrong";
  return psnrDb < exactDb ? "approximate" : "good";
}

function row(backend: string, ratio: string, ms: string, verdict: string, device: string): string {
  const cells = [backend.padEnd(9), ratio.padStart(9), ms.padStart(11), verdict.padEnd(12), device];
  return `${cells.join("  ").trimEnd()}\n`;
}
