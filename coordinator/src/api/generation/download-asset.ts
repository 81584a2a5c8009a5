import { isEnded } from "../../tasks/index.ts";
import { exhausted, failedPrecondition, outOfRange } from "../errors.ts";
import { assetOf } from "../task-message.ts";
import { findTask, type GenerationOptions, type Rpc } from "./service.ts";

/** Enough for a page full of viewers. */
export const defaultMaxDownloads = 16;
/** When a client that has too many is told to come back: until then some will have ended, in ms. */
const busyRetryMs = 2_000;

/** The best asset: first what it is, then its bytes in chunks, from an offset on. */
export function downloadAsset(options: GenerationOptions): Rpc<"downloadAsset"> {
  const { maxDownloads = defaultMaxDownloads } = options;
  /** How many each client has now. */
  const running = new Map<string, number>();
  const begin = (client: string): Disposable => {
    const count = running.get(client) ?? 0;
    if (count >= maxDownloads) {
      const message = `${maxDownloads} downloads run, which is the limit; end some before the next`;
      throw exhausted("downloads", message, busyRetryMs);
    }
    running.set(client, count + 1);
    return {
      [Symbol.dispose]() {
        const left = (running.get(client) ?? 1) - 1;
        if (left === 0) {
          running.delete(client);
        } else {
          running.set(client, left);
        }
      },
    };
  };
  return async function* ({ taskId, offset }, call) {
    const task = findTask(options.tasks, taskId, call);
    const asset = assetOf(options, task);
    if (asset === undefined) {
      throw failedPrecondition(
        isEnded(task.state)
          ? `task ${task.id} ${task.state === "cancelled" ? "was cancelled" : `failed: ${task.failure?.message ?? ""}`}`
          : `task ${task.id} is ${task.state} and has no result yet; watch it until it has succeeded`,
      );
    }
    if (!asset.isKept) {
      throw failedPrecondition(
        `the asset of task ${task.id} was removed: assets are kept for some days and while there is space; ask for the prompt again`,
      );
    }
    const { sizeBytes = 0n } = asset.message;
    if (offset > sizeBytes) {
      throw outOfRange("offset", `is ${offset}, the asset has ${sizeBytes} bytes`);
    }
    using _running = begin(call.client);
    const chunks = await options.readAsset(asset.sha256, Number(offset));
    if (chunks === undefined) {
      throw new Error(`the asset ${asset.sha256} is gone`);
    }
    yield { part: { case: "asset", value: asset.message }, offset };
    for await (const value of chunks) {
      yield { part: { case: "chunk", value } };
    }
  };
}
