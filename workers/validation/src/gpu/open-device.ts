/** The GPU that draws. */
import { DeviceError } from "./errors.ts";
import { chooseGpu, gpuNames, requestAdapter } from "./library.ts";

export interface OpenOptions {
  /** Which GPU, by the index or a part of the name that `turntable-worker devices` shows; the fastest when absent. */
  readonly gpu?: string | undefined;
  /** Whether a driver that computes on the CPU will do. */
  readonly allowSoftware?: boolean | undefined;
}

export interface OpenDevice {
  readonly device: GPUDevice;
  /** As its driver names it. */
  readonly name: string;
}

/** @throws DeviceError `unavailable` when there is none, or none that may be used */
export async function openDevice({ gpu, allowSoftware }: OpenOptions): Promise<OpenDevice> {
  const adapter = await requestAdapter(gpu === undefined ? gpu : chooseGpu(await gpuNames(), gpu));
  if (adapter === null) {
    const fix = "is a Vulkan driver installed? `turntable-worker devices` says what was found";
    throw new DeviceError("unavailable", `WebGPU finds no GPU; ${fix}`);
  }
  const name = describe(adapter.info);
  const refusal = refusalOf(adapter, allowSoftware);
  if (refusal !== undefined) {
    throw new DeviceError("unavailable", `${name} ${refusal}`);
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  return { device, name };
}

/** What the kernels need besides room for the splats. Every WebGPU device has it. */
const least = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupStorageSize: 16_384 };

/** Why a GPU is not used; undefined when it is. */
export function refusalOf(
  { info, limits }: GPUAdapter,
  allowSoftware: boolean | undefined,
): string | undefined {
  if (info.isFallbackAdapter && allowSoftware !== true) {
    return "computes on the CPU; --allow-software-gpu would use it, to try things out";
  }
  for (const limit of [
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupStorageSize",
  ] as const) {
    if (limits[limit] >= least[limit]) {
      continue;
    }
    return `is too small: its ${limit} is ${limits[limit]}, and ${least[limit]} are needed`;
  }
  return undefined;
}

/** `nvidia h100 (NVIDIA: 570.1 …)`, say. */
export function describe(info: GPUAdapterInfo): string {
  const { vendor, device, architecture, description } = info;
  const name = [vendor, device || architecture].filter((part) => part !== "").join(" ");
  return description === "" ? name : `${name} (${description})`;
}

/** Tells of failures that no call returns. */
export function watchDevice(
  { device, name }: OpenDevice,
  onFailure: (error: DeviceError) => void,
): void {
  device.addEventListener("uncapturederror", ({ error }) => {
    const code = error instanceof GPUOutOfMemoryError ? "out-of-memory" : "lost";
    onFailure(new DeviceError(code, `${name} reports an error: ${error.message}`));
  });
  device.lost.then(({ message }) =>
    onFailure(new DeviceError("lost", `${name} was lost: ${message}`)),
  );
}
