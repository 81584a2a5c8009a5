/** The `webgpu` backend: compute shaders through Dawn, on any GPU with a Vulkan driver. */

import { type Environment, vulkanEnvironment } from "../../gpu/environment.ts";
import type { OpenOptions } from "../../gpu/open-device.ts";
import { type DeviceRenderer, startDeviceRenderer } from "../remote/index.ts";
import { leastDb } from "../self-test.ts";

export interface WebgpuOptions extends OpenOptions {
  /** The variables of the process that draws: usually all that this process has. */
  readonly env: Environment;
  /** The longest wait for a view, or for a start, in ms. */
  readonly timeoutMs?: number;
}

/** The longest wait for a view on a GPU, in ms; and on a CPU that may stand in for one. */
const timeouts = { gpu: 60_000, software: 600_000 };
/** As many as its painter keeps under way. */
const inFlight = 3;

/** @throws DeviceError when it cannot be had */
export function startWebgpuRenderer(options: WebgpuOptions): Promise<DeviceRenderer> {
  const { allowSoftware } = options;
  const { env, timeoutMs = timeouts[allowSoftware ? "software" : "gpu"], ...open } = options;
  return startDeviceRenderer(
    {
      backend: "webgpu",
      program: new URL("webgpu-process.ts", import.meta.url),
      argv: [JSON.stringify(open)],
      env: vulkanEnvironment({ env, allowSoftware }),
      leastDb: leastDb.webgpu,
      inFlight,
    },
    timeoutMs,
  );
}
