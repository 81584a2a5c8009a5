/**
 * What an asset of 100,000 splats costs: the procedural engine against the bare ViT-B/32 of fp32 on 36 pictures that
 * are ready, in alternating rounds of one run, and the memory that it needs, in a process of its own.
 *
 * `npm run bench:generate`. Exits with 1 when a bar is missed.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "@turntable/generation";
import { createRandom, samplePrompt } from "@turntable/generation/grammar";
import { loadGraph } from "@turntable/validation/internal/onnx";
import { benchModel } from "./model.ts";

/** Time against the model's; peak memory, and its growth from the 10th to the 40th asset, in MB. */
const bars = { ofBareModel: 1, peakMegabytes: 500, growthMegabytes: 60 };
const splats = 100_000;
const rounds = 5;
const views = 36;
const batch = 12;
const pixelsOfView = 3 * 224 * 224;
/** From plain to the hardest: many parts, two things, patterns. */
const prompts = [
  "a red cube",
  "a green tree",
  "a dotted purple teapot",
  "a castle",
  "a striped fish inside a glass sphere",
  "a stack of four pumpkins",
] as const;

if (process.argv[2] === "--memory") {
  measureMemory();
} else {
  await compare();
}

async function compare(): Promise<void> {
  const threads = availableParallelism();
  const model = await benchModel("vit-b-32");
  await using graph = await loadGraph(join(model, "vision_model.onnx"), {
    executionProvider: "cpu",
    threads,
  });
  const values = new Float32Array(batch * pixelsOfView).map((_, i) => ((i * 7919) % 997) / 498 - 1);
  const bare = async (): Promise<void> => {
    for (let done = 0; done < views; done += batch) {
      await graph.run({ pixel_values: { values, shape: [batch, 3, 224, 224] } });
    }
  };
  const time = async (work: () => unknown): Promise<number> => {
    const since = performance.now();
    await work();
    return performance.now() - since;
  };
  await bare();
  generate({ prompt: prompts[0], splats });
  const ratios = new Map<string, number[]>(prompts.map((prompt) => [prompt, []]));
  for (let round = 0; round < rounds; round++) {
    const bareMs = await time(bare);
    const row: string[] = [`bare model ${Math.round(bareMs)} ms`];
    for (const prompt of prompts) {
      const ms = await time(() => generate({ prompt, seed: round, splats }));
      ratios.get(prompt)?.push(ms / bareMs);
      row.push(`${Math.round(ms)}`);
    }
    console.log(row.join(", "));
  }
  console.log(
    `\n${splats} splats on one thread, ViT-B/32 with random weights on ${threads}; medians of ${rounds} rounds`,
  );
  const medians = [...ratios].map(([prompt, values]) => {
    const ratio = median(values);
    console.log(`  ${ratio.toFixed(2)}  ${prompt}`);
    return ratio;
  });
  const { peak, growth } = memoryOfChild();
  const results = [
    check("slowest prompt / bare model", Math.max(...medians), bars.ofBareModel),
    check("peak memory, MB", peak, bars.peakMegabytes),
    check("growth over 30 assets, MB", growth, bars.growthMegabytes),
  ];
  if (results.includes(false)) {
    process.exitCode = 1;
  }
}

/** Another 40 assets of the whole grammar; prints the peak after 10 and after all. */
function measureMemory(): void {
  const random = createRandom(1);
  // Not getrusage: that remembers the peak of the parent that this process was forked from.
  const peakMegabytes = (): number => {
    const [, kibibytes] = /^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return Number(kibibytes) / 1024;
  };
  let early = 0;
  for (let i = 1; i <= 40; i++) {
    generate({ prompt: samplePrompt(random).prompt, seed: i, splats });
    if (i === 10) {
      early = peakMegabytes();
    }
  }
  console.log(JSON.stringify({ early, peak: peakMegabytes() }));
}

function memoryOfChild(): { readonly peak: number; readonly growth: number } {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), "--memory"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { early, peak } = JSON.parse(child.stdout) as { early: number; peak: number }; // measureMemory's line
  return { peak, growth: peak - early };
}

function check(what: string, value: number, most: number): boolean {
  const holds = value <= most;
  console.log(`${holds ? "ok  " : "MISS"} ${what}: ${value.toFixed(2)} (at most ${most})`);
  return holds;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
