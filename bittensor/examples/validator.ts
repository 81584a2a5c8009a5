import { createNonceMemory, route, startAxon } from "@turntable/bittensor/axon";
import type { Keypair } from "@turntable/bittensor/keys";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";

/** Gives every known miner the same task, and marks whatever comes back. */
export const startValidator = (hotkey: Keypair, miners: ReadonlySet<string>) =>
  startAxon({
    hotkey,
    port: 0,
    nonces: createNonceMemory(),
    routes: [
      route(pullTask, {
        blacklist: (caller) => (miners.has(caller.hotkey) ? undefined : "Unrecognized hotkey"),
        handle: () => ({ task: { type: "text", id: "1", prompt: "a red cube" } }),
      }),
      route(submitResults, { handle: () => ({ cooldown_until: 60 }) }),
    ],
  });
