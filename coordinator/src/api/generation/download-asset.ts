import { isEnded } from "../../tasks/index.ts";
import { createDownloads } from "../downloads.ts";
import { failedPrecondition } from "../errors.ts";
import { assetOf } from "../task-message.ts";
import { findTask, type GenerationOptions, type Rpc } from "./service.ts";

/** The best asset: first what it is, then its bytes in chunks, from an offset on. */
export function downloadAsset(options: GenerationOptions): Rpc<"downloadAsset"> {
  const send = createDownloads(options);
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
    yield* send(asset, offset, call.client);
  };
}
