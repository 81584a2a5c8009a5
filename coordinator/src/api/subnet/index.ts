/** SubnetService: what everybody may see, a file for each of its matters; what that is, is decided in visible.ts. */
import type { SubnetService } from "@turntable/proto";
import type { Handlers } from "@turntable/proto/rpc";
import type { ClientCall } from "../access.ts";
import { downloadSubmission, getPublicReport } from "./copies.ts";
import { getPublicMiner, listPublicVerdicts } from "./miners.ts";
import { createOverviewFeed, getOverview, watchOverview } from "./overview.ts";
import type { SubnetOptions } from "./service.ts";
import { getPublicTask, listPublicTasks, watchPublicTask } from "./tasks.ts";
import { createVisible } from "./visible.ts";

export type { SubnetOptions } from "./service.ts";

/** The handlers of SubnetService; what they refuse is thrown as an RpcError of errors.ts. */
export function subnetHandlers(options: SubnetOptions): Handlers<typeof SubnetService, ClientCall> {
  const visible = createVisible(options);
  const feed = createOverviewFeed(options);
  return {
    getOverview: getOverview(options, feed),
    watchOverview: watchOverview(options, feed),
    listPublicTasks: listPublicTasks(visible),
    getPublicTask: getPublicTask(options, visible),
    watchPublicTask: watchPublicTask(options, visible),
    getPublicReport: getPublicReport(options, visible),
    downloadSubmission: downloadSubmission(options, visible),
    getPublicMiner: getPublicMiner(options),
    listPublicVerdicts: listPublicVerdicts(options, visible),
  };
}
