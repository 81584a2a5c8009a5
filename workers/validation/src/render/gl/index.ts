/**
 * The `gl` backend: WebGL 2 through ANGLE. In a process of its own also because the add-on cannot be loaded in a second
 * thread.
 */
import type { Environment } from "../../gpu/environment.ts";
import { type DeviceRenderer, startDeviceRenderer } from "../remote/index.ts";
import { leastDb } from "../self-test.ts";

/**
 * @param env the variables of the process that draws: usually all that this process has
 * @throws DeviceError when it cannot be had
 */
export function startGlRenderer(env: Environment): Promise<DeviceRenderer> {
  return startDeviceRenderer({
    backend: "gl",
    program: new URL("gl-process.ts", import.meta.url),
    env: { ...env, ANGLE_DEFAULT_PLATFORM: "vulkan" },
    leastDb: leastDb.gl,
    inFlight: 2,
  });
}
