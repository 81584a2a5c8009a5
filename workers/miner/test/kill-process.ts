/** A miner as small as it can be started, to be killed: validators, endpoint and folder come as JSON. */
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createLogger } from "@turntable/process";
import { z } from "zod";
import { startMiner } from "../src/miner.ts";
import { openMinerStore } from "../src/store/index.ts";

const orderSchema = z.object({
  dataDir: z.string(),
  generateUrl: z.string(),
  validators: z.array(z.object({ ip: z.string(), port: z.number(), hotkey: z.string() })),
});
export type KillOrder = z.infer<typeof orderSchema>;

const order = orderSchema.parse(JSON.parse(process.argv[2] ?? ""));
await ready();
await startMiner({
  hotkey: keypairFromUri("//Alice"),
  store: openMinerStore(order.dataDir),
  validators: async () => order.validators,
  endpoints: [{ url: order.generateUrl, concurrency: 2 }],
  // Short waits, so that much happens between two kills
  failureCooldownMs: 100,
  retryDelayMs: 50,
  logger: createLogger("miner", "error"),
});
