/** For tests that need something to draw with. */
import { DeviceError } from "../src/gpu/index.ts";
import type { DeviceRenderer } from "../src/render/remote/index.ts";

/** Why tests of a backend cannot run here, false when they can: the `skip` of node:test. */
export async function missingDevice(start: () => Promise<DeviceRenderer>): Promise<string | false> {
  try {
    await using _renderer = await start();
    return false;
  } catch (error) {
    // Anything else is a fault that the tests themselves are to show.
    return error instanceof DeviceError && error.code === "unavailable" ? error.message : false;
  }
}
