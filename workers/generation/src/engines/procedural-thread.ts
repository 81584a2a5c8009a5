/** The thread's side of the procedural engine: one order at a time. */
import { parentPort } from "node:worker_threads";
import { generate } from "../procedural/generate.ts";
import {
  type EngineAnswer,
  type EngineErrorCode,
  type EngineRequest,
  encodeAsset,
} from "./engine.ts";

export interface ThreadOrder {
  readonly request: EngineRequest;
  /** One number in shared memory: not 0 when nobody waits for the answer any more. */
  readonly cancel: Int32Array;
}

export type ThreadAnswer =
  | { readonly kind: "ok"; readonly answer: EngineAnswer }
  | { readonly kind: "error"; readonly code: EngineErrorCode; readonly message: string };

parentPort?.on("message", (order: ThreadOrder) => {
  void handle(order).then((answer) => parentPort?.postMessage(answer));
});

async function handle({ request, cancel }: ThreadOrder): Promise<ThreadAnswer> {
  const { format, ...wanted } = request;
  try {
    const checkpoint = (): void => {
      if (Atomics.load(cancel, 0) !== 0) {
        throw new Error("canceled");
      }
    };
    const { splat, unknownWords, seed } = generate(wanted, checkpoint);
    checkpoint();
    const bytes = await encodeAsset(splat, format);
    return { kind: "ok", answer: { bytes, format, splats: splat.count, unknownWords, seed } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "error", code: error instanceof RangeError ? "bad-request" : "failed", message };
  }
}
