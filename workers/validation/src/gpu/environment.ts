/** Variables for processes that use Vulkan. */
import { existsSync } from "node:fs";
import { environment } from "../config.ts";
import type { OpenOptions } from "./open-device.ts";

/** SwiftShader, which comes with Debian's chromium but is not among the system's drivers. */
const softwareDriver = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Where software will do and nothing else is said, its driver is offered beside the system's. */
export function vulkanEnvironment({
  allowSoftware,
}: Pick<OpenOptions, "allowSoftware">): Readonly<Record<string, string>> {
  const isChosen = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"].some(
    (name) => environment[name] !== undefined,
  );
  if (allowSoftware !== true || isChosen || !existsSync(softwareDriver)) return {};
  return { VK_ADD_DRIVER_FILES: softwareDriver };
}
