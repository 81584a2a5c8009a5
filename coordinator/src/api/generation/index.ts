/** GenerationService: one file for each RPC. */
import type { GenerationService } from "@turntable/proto";
import type { Handlers } from "@turntable/proto/rpc";
import type { ClientCall } from "../access.ts";
import { cancelTask } from "./cancel-task.ts";
import { createTask } from "./create-task.ts";
import { downloadAsset } from "./download-asset.ts";
import { getReport } from "./get-report.ts";
import { getTask } from "./get-task.ts";
import { listTasks } from "./list-tasks.ts";
import type { GenerationOptions } from "./service.ts";
import { watchTask } from "./watch-task.ts";

export type { GenerationOptions } from "./service.ts";

/** The handlers of the public API; what they refuse is thrown as an RpcError of errors.ts. */
export function generationHandlers(
  options: GenerationOptions,
): Handlers<typeof GenerationService, ClientCall> {
  return {
    createTask: createTask(options),
    getTask: getTask(options),
    listTasks: listTasks(options),
    watchTask: watchTask(options),
    cancelTask: cancelTask(options),
    downloadAsset: downloadAsset(options),
    getReport: getReport(options),
  };
}
