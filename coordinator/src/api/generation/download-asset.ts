import { failedPrecondition } from "../errors.ts";
import { assetOf, findTask, type GenerationOptions, type Rpc } from "./service.ts";

/** Largest piece of an asset in one message. */
const chunkBytes = 1024 * 1024;

/** The best asset: first what it is, then its bytes in chunks. */
export function downloadAsset(options: GenerationOptions): Rpc<"downloadAsset"> {
  return async function* ({ taskId }, call) {
    const task = findTask(options.tasks, taskId, call);
    const asset = assetOf(options, task);
    if (asset === undefined) {
      throw failedPrecondition(
        task.state === "failed"
          ? `task ${task.id} failed: ${task.failure?.message ?? ""}`
          : `task ${task.id} is ${task.state} and has no result yet; watch it until it has succeeded`,
      );
    }
    if (!asset.isKept) {
      throw failedPrecondition(
        `the asset of task ${task.id} was removed: assets are kept for some days and while there is space; ask for the prompt again`,
      );
    }
    const bytes = await options.loadAsset(asset.sha256);
    if (bytes === undefined) throw new Error(`the asset ${asset.sha256} is gone`);
    yield { part: { case: "asset", value: asset.message } };
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      yield { part: { case: "chunk", value: bytes.subarray(at, at + chunkBytes) } };
    }
  };
}
