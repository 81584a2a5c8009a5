import type { Synapse } from "../synapse/index.ts";
import type { AxonHandler, AxonRoute } from "./types.ts";

/** Attaches a handler to a message class. */
export function route<S extends Synapse>(synapse: S, handler: AxonHandler<S>): AxonRoute {
  // The axon only ever calls the handler with what this synapse parsed, so the narrower type is safe.
  return { synapse, handler: handler as unknown as AxonHandler<Synapse> };
}
