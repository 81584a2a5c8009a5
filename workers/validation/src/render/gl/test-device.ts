/** For tests that need something to draw with. */
import { GlError } from "./errors.ts";
import { startGlRenderer } from "./renderer.ts";

/** Why tests of the `gl` backend cannot run here, false when they can: the `skip` of node:test. */
export async function missingGl(): Promise<string | false> {
  try {
    await using _renderer = await startGlRenderer();
    return false;
  } catch (error) {
    // Anything else is a fault that the tests themselves are to show.
    return error instanceof GlError && error.code === "unavailable" ? error.message : false;
  }
}
