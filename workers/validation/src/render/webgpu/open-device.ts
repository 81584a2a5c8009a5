/** The GPU that draws. */
import { create, globals } from "webgpu";
import { DeviceError } from "../device/errors.ts";

export interface OpenOptions {
  /** Part of the GPU's name as `turntable-worker devices` shows it; the fastest one when absent. */
  readonly gpu?: string;
  /** Whether a driver that computes on the CPU will do. */
  readonly allowSoftware?: boolean;
}

export interface OpenDevice {
  readonly device: GPUDevice;
  /** As its driver names it. */
  readonly name: string;
  /** Has to be kept for as long as the device is used: the library takes the process down otherwise. */
  readonly gpu: GPU;
}

/** What the kernels need besides room for the splats. Every WebGPU device has it. */
const needed = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupStorageSize: 16_384 };

const libraryOptions = [
  "backend=vulkan",
  // Clearing it for each workgroup took SwiftShader three quarters of its time, and 2 s to compile.
  "enable-dawn-features=disable_workgroup_init",
];

/** @throws DeviceError `unavailable` when there is none, or none that may be used */
export async function openDevice({ gpu: wanted, allowSoftware }: OpenOptions): Promise<OpenDevice> {
  // The names of usage flags, which the library does not set by itself.
  Object.assign(globalThis, globals);
  const gpu = create([...libraryOptions, ...(wanted === undefined ? [] : [`adapter=${wanted}`])]);
  const adapter = await requestAdapter(gpu, wanted);
  const { limits, info } = adapter;
  const name = nameOf(info);
  if (info.isFallbackAdapter && allowSoftware !== true) {
    const why = "computes on the CPU; --allow-software-gpu would use it, to try things out";
    throw new DeviceError("unavailable", `${name} ${why}`);
  }
  for (const limit of [
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupStorageSize",
  ] as const) {
    if (limits[limit] >= needed[limit]) continue;
    const what = `${limit} is ${limits[limit]}, and ${needed[limit]} are needed`;
    throw new DeviceError("unavailable", `${name} is too small: its ${what}`);
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = limits;
  const device = await adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  return { device, name, gpu };
}

async function requestAdapter(gpu: GPU, wanted: string | undefined): Promise<GPUAdapter> {
  const adapter = await gpu
    .requestAdapter({ powerPreference: "high-performance" })
    .catch((cause: unknown) => {
      // It lists those that there are.
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new DeviceError("unavailable", `no GPU "${wanted}": ${message}`, { cause });
    });
  if (adapter !== null) return adapter;
  const fix = "is a Vulkan driver installed? `turntable-worker devices` says what was found";
  throw new DeviceError("unavailable", `WebGPU finds no GPU; ${fix}`);
}

/** `nvidia h100 (NVIDIA: 570.1 …)`, say. */
function nameOf({ vendor, device, architecture, description }: GPUAdapterInfo): string {
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
