/** npm's `webgpu`, which is Dawn, and the GPUs that it offers. */
import { create, globals } from "webgpu";
import { DeviceError } from "./errors.ts";

const options = [
  "backend=vulkan",
  // Clearing it for each workgroup took SwiftShader three quarters of its time, and 2 s to compile.
  "enable-dawn-features=disable_workgroup_init",
];

/** The library takes the process down when one of these is collected. */
const kept: GPU[] = [];

/** @param name which GPU; the fastest when absent. @throws Error that lists the names when there is none such */
export async function requestAdapter(name: string | undefined): Promise<GPUAdapter | null> {
  // The names of usage flags, which the library does not set by itself.
  Object.assign(globalThis, globals);
  const gpu = create([...options, ...(name === undefined ? [] : [`adapter=${name}`])]);
  kept.push(gpu);
  return await gpu.requestAdapter({ powerPreference: "high-performance" });
}

/** In the library's order, which is that of `--gpu`. */
export async function gpuNames(): Promise<readonly string[]> {
  try {
    // Asked for a name that no driver gives, it says which there are.
    await requestAdapter("no driver's name");
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return [...text.matchAll(/^ \* backend: '\w+', name: '(.*)'$/gm)].map(([, name = ""]) => name);
  }
  return [];
}

/**
 * @param wanted index or part of a name
 * @throws DeviceError `unavailable` when that names none, or several that the library cannot tell apart
 */
export function chooseGpu(names: readonly string[], wanted: string): string {
  const isIndex = /^\d+$/.test(wanted);
  const fitting = isIndex
    ? names.slice(Number(wanted), Number(wanted) + 1)
    : names.filter((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  const [chosen] = fitting;
  if (chosen === undefined) {
    const list = names.map((name, index) => `${index} ${name}`).join(", ");
    const there = names.length === 0 ? "there is none" : `there are ${list}`;
    throw new DeviceError("unavailable", `no GPU fits --gpu ${wanted}; ${there}`);
  }
  if (fitting.length > 1 && new Set(fitting).size > 1) {
    const message = `--gpu ${wanted} fits ${fitting.join(" and ")}; name one`;
    throw new DeviceError("unavailable", message);
  }
  // The library takes the first whose name contains what it was given.
  const taken = names.filter((name) => name.includes(chosen));
  if (taken.length > 1) {
    const message =
      `there are ${taken.length} GPUs whose names contain "${chosen}", and the WebGPU library chooses by name alone; ` +
      "show the worker only one of them, as Kubernetes' device plugin does, or with NVIDIA_VISIBLE_DEVICES";
    throw new DeviceError("unavailable", message);
  }
  return chosen;
}
