import type { Axon, AxonOptions } from "./types.ts";

/** Starts an axon and resolves once it listens. Disposing of it lets calls in progress end, within the grace time. */
export async function startAxon(options: AxonOptions): Promise<Axon> {
  throw new Error(`the axon for ${options.hotkey.ss58} is not there yet`);
}
