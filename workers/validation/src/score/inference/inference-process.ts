/** The process that runs a model on a GPU, whose driver may take it down or hang; its argument is `TowerOptions`. */

import { serveOrders } from "../../gpu/serve-orders.ts";
import { ModelError } from "../errors.ts";
import { rowsOf } from "./answer.ts";
import type { InferenceRequest, ReadyModel } from "./inference-messages.ts";
import { env } from "./onnxruntime.ts";
import { loadTowers } from "./towers.ts";

// As in the thread.
env.logLevel = "fatal";

await serveOrders({
  async open() {
    const towers = await loadTowers(JSON.parse(process.argv[2] ?? "{}"));
    const { layout, executionProvider, placement } = towers;
    const ready: ReadyModel = { layout, executionProvider, placement };
    return { ready, carryOut: (request: InferenceRequest) => rowsOf(towers, request) };
  },
  codeOf: (error) => (error instanceof ModelError ? error.code : undefined),
});
