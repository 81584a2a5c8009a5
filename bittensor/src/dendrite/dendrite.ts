import type { Dendrite, DendriteOptions } from "./types.ts";

/** A client of axons: one identity (hotkey and uuid), one pool of connections. */
export function createDendrite(options: DendriteOptions): Dendrite {
  throw new Error(`the dendrite for ${options.hotkey.ss58} is not there yet`);
}
