/**
 * The thread that runs the model: a run of ONNX Runtime blocks its thread, hundreds of milliseconds for a batch of
 * pictures, and that must never be the thread that answers the bus.
 */
import { parentPort, workerData } from "node:worker_threads";
import { ModelError } from "../errors.ts";
import { rowsOf } from "./answer.ts";
import {
  closeRequest,
  type InferenceMessage,
  type InferenceRequest,
} from "./inference-messages.ts";
import { env } from "./onnxruntime.ts";
import { loadTowers, type TowerOptions, type Towers } from "./towers.ts";

if (parentPort === null) {
  throw new Error("this module runs in a worker thread");
}
const port = parentPort;
const options: TowerOptions = workerData;

const send = (message: InferenceMessage): void => port.postMessage(message);

function sendFailure(error: unknown): void {
  send({
    kind: "failed",
    message: error instanceof Error ? error.message : String(error),
    code: error instanceof ModelError ? error.code : undefined,
  });
}

async function answer(towers: Towers, request: InferenceRequest): Promise<void> {
  try {
    send({ kind: "rows", rows: await rowsOf(towers, request) });
  } catch (error) {
    sendFailure(error);
  }
}

// What goes wrong is thrown as well, with more to it; the library's own lines on stderr only double it.
env.logLevel = "fatal";

try {
  const towers = await loadTowers(options);
  let last = Promise.resolve();
  port.on("message", (request: InferenceRequest | typeof closeRequest) => {
    last = last.then(async () => {
      if (request !== closeRequest) {
        return answer(towers, request);
      }
      await towers[Symbol.asyncDispose]();
      port.close();
    });
  });
  const { layout, executionProvider, placement } = towers;
  send({ kind: "ready", ready: { layout, executionProvider, placement } });
} catch (error) {
  sendFailure(error);
}
