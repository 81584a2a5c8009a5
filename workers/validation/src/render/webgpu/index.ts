/** The `webgpu` backend: compute shaders through Dawn, on any GPU with a Vulkan driver. */
import { existsSync } from "node:fs";
import { environment } from "../../config.ts";
import { type DeviceRenderer, startDeviceRenderer } from "../device/index.ts";
import { leastDb } from "../self-test.ts";
import type { OpenOptions } from "./open-device.ts";

export interface WebgpuOptions extends OpenOptions {
  /** The longest wait for a view, or for a start, in ms. */
  readonly timeoutMs?: number;
}

/** As many as its painter keeps under way. */
const inFlight = 3;

/** @throws DeviceError when it cannot be had */
export function startWebgpuRenderer(options: WebgpuOptions = {}): Promise<DeviceRenderer> {
  const { timeoutMs, ...open } = options;
  return startDeviceRenderer(
    {
      backend: "webgpu",
      program: new URL("process.ts", import.meta.url),
      argv: [JSON.stringify(open)],
      env: vulkanEnvironment(open),
      leastDb: leastDb.webgpu,
      inFlight,
    },
    timeoutMs,
  );
}

/** SwiftShader, which comes with Debian's chromium but is not among the system's drivers. */
const softwareDriver = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Variables for processes that use Vulkan: where software will do, its driver is offered beside the system's. */
export function vulkanEnvironment({
  allowSoftware,
}: Pick<OpenOptions, "allowSoftware">): Readonly<Record<string, string>> {
  const isChosen = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"].some(
    (name) => environment[name] !== undefined,
  );
  if (allowSoftware !== true || isChosen || !existsSync(softwareDriver)) return {};
  return { VK_ADD_DRIVER_FILES: softwareDriver };
}
