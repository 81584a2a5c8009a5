import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createMetrics, startStatusServer } from "@turntable/process";
import { observeGpus } from "./events.ts";
import { readGpuStatistics } from "./gpu-statistics.ts";

/** A program in the place of nvidia-smi, which prints what that does, and the files of an AMD card beside others. */
function openMachine() {
  const directory = mkdtempSync(join(tmpdir(), "turntable-gpus-"));
  const script = `#!/bin/sh
[ "$2" = "--format=csv,noheader,nounits" ] || exit 2
echo "0, NVIDIA H200, 37, 1024, 143771"
echo "1, NVIDIA T400, [N/A], 512, [N/A]"
`;
  mkdirSync(join(directory, "bin"));
  writeFileSync(join(directory, "bin/nvidia-smi"), script, { mode: 0o755 });
  const drm = join(directory, "drm");
  const card = (name: string, files: Readonly<Record<string, string>>): void => {
    mkdirSync(join(drm, name, "device"), { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      writeFileSync(join(drm, name, "device", file), `${content}\n`);
    }
  };
  const memory = { mem_info_vram_used: "1000", mem_info_vram_total: "4000" };
  card("card0", { vendor: "0x1002", gpu_busy_percent: "50", ...memory });
  card("card1", { vendor: "0x8086" });
  card("card0-DP-1", {});
  return {
    drm,
    env: { PATH: `${join(directory, "bin")}:/usr/bin:/bin` },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

test("NVIDIA's and AMD's GPUs tell load and memory, and what is not told is left out", async () => {
  using machine = openMachine();
  const metrics = createMetrics("test");
  observeGpus(metrics, () => readGpuStatistics(machine.env, machine.drm));
  await using server = await startStatusServer({
    ...{ host: "127.0.0.1", port: 0, metrics, notReady: () => undefined },
  });
  const text = await (await fetch(new URL("/metrics", server.url))).text();
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith("turntable_gpu"))
    .map((line) => line.replace(/,?otel_scope_name="test"/, ""));
  const mebibyte = 1024 * 1024;
  assert.deepEqual(lines.toSorted(), [
    `turntable_gpu_memory_bytes{gpu="0",name="NVIDIA H200"} ${143_771 * mebibyte}`,
    'turntable_gpu_memory_bytes{gpu="card0",name="AMD"} 4000',
    `turntable_gpu_memory_used_bytes{gpu="0",name="NVIDIA H200"} ${1024 * mebibyte}`,
    `turntable_gpu_memory_used_bytes{gpu="1",name="NVIDIA T400"} ${512 * mebibyte}`,
    'turntable_gpu_memory_used_bytes{gpu="card0",name="AMD"} 1000',
    'turntable_gpu_utilization_ratio{gpu="0",name="NVIDIA H200"} 0.37',
    'turntable_gpu_utilization_ratio{gpu="card0",name="AMD"} 0.5',
  ]);
});

test("a machine with neither has nothing to tell", async () => {
  const env = { PATH: "/nonexistent" };
  assert.deepEqual(await readGpuStatistics(env, "/nonexistent"), []);
});
