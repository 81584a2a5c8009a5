/** The variables of processes that work on a device. */
import { existsSync } from "node:fs";
import type { OpenOptions } from "./open-device.ts";

/** The variables of a process, as `process.env` of this one. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface VulkanOptions extends Pick<OpenOptions, "allowSoftware"> {
  /** What the process is given beside what Vulkan needs: usually all that this process has. */
  readonly env: Environment;
}

/** SwiftShader, which comes with Debian's chromium but is not among the system's drivers. */
const softwareDriver = "/usr/lib/chromium/vk_swiftshader_icd.json";

/**
 * The environment of a process that uses Vulkan. Where software will do and nothing else is said, its driver is offered
 * beside the system's.
 */
export function vulkanEnvironment({ env, allowSoftware }: VulkanOptions): Environment {
  const isChosen = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"].some(
    (name) => env[name] !== undefined,
  );
  if (allowSoftware !== true || isChosen || !existsSync(softwareDriver)) {
    return env;
  }
  return { ...env, VK_ADD_DRIVER_FILES: softwareDriver };
}
