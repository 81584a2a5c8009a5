/** The compiled shaders of ./shaders, and which buffers each takes. */
import { readFileSync } from "node:fs";

/** How a kernel uses a buffer. */
type Use = "uniform" | "read" | "write";

/** Kernels that take the same buffers. */
interface KernelGroup {
  readonly layout: GPUBindGroupLayout;
  readonly kernels: Readonly<Record<string, GPUComputePipeline>>;
}

export type Kernels = ReturnType<typeof createKernels>;

export function createKernels(device: GPUDevice) {
  const group = <const Name extends string>(
    files: readonly string[],
    uses: readonly Use[],
    names: readonly Name[],
  ) => {
    const layout = device.createBindGroupLayout({
      entries: uses.map((use, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: bufferTypes[use] },
      })),
    });
    const code = ["constants", "view", ...files].map((name) => source(name)).join("\n");
    const module = device.createShaderModule({ label: files.at(-1) ?? "", code });
    const pipelines = names.map((entryPoint) => [
      entryPoint,
      device.createComputePipeline({
        label: entryPoint,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint },
      }),
    ]);
    const kernels: Record<Name, GPUComputePipeline> = Object.fromEntries(pipelines);
    return { layout, kernels } satisfies KernelGroup;
  };
  return {
    project: group(
      ["project"],
      ["uniform", "read", "read", "write", "write", "write", "write"],
      ["project"],
    ),
    sort: group(
      ["prefix", "sort"],
      ["uniform", "write", "read", "read", "write", "write", "write"],
      ["countDigits", "placeDigits", "moveEntries"],
    ),
    pairs: group(
      ["prefix", "pairs"],
      ["uniform", "read", "read", "write", "write", "write", "write", "write"],
      ["sumBlocks", "placeBlocks", "listPairs"],
    ),
    ranges: group(["ranges"], ["write", "read", "write"], ["findRanges"]),
    raster: group(["raster"], ["uniform", "read", "read", "read", "write", "write"], ["raster"]),
  };
}

const bufferTypes = {
  uniform: "uniform",
  read: "read-only-storage",
  write: "storage",
} as const;

function source(name: string): string {
  return readFileSync(new URL(`shaders/${name}.wgsl`, import.meta.url), "utf8");
}
