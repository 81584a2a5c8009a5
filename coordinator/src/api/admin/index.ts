/** AdminService: what the operator sees and does, a file for each of its matters. */
import type { AdminService } from "@turntable/proto";
import type { Handlers } from "@turntable/proto/rpc";
import type { ClientCall } from "../access.ts";
import { listDeadLetters, replayDeadLetter } from "./dead-letters.ts";
import { createApiKey, listApiKeys, revokeApiKey } from "./keys.ts";
import { getMiner, listMiners, listMinerVerdicts } from "./miners.ts";
import { listPrompts } from "./prompts.ts";
import type { AdminOptions } from "./service.ts";
import { getStatus, setIntake } from "./status.ts";
import { inspectTask, listAllTasks } from "./tasks.ts";
import { listWeightAttempts, planWeights } from "./weights.ts";
import { drainWorker, listWorkers, releaseWorker, resumeWorker } from "./workers.ts";

export type { AdminOptions, WeightPlan } from "./service.ts";

/** The handlers of AdminService; what they refuse is thrown as an RpcError of errors.ts. */
export function adminHandlers(options: AdminOptions): Handlers<typeof AdminService, ClientCall> {
  return {
    getStatus: getStatus(options),
    setIntake: setIntake(options),
    listMiners: listMiners(options),
    getMiner: getMiner(options),
    listMinerVerdicts: listMinerVerdicts(options),
    listWorkers: listWorkers(options),
    drainWorker: drainWorker(options),
    resumeWorker: resumeWorker(options),
    releaseWorker: releaseWorker(options),
    listAllTasks: listAllTasks(options),
    inspectTask: inspectTask(options),
    listDeadLetters: listDeadLetters(options),
    replayDeadLetter: replayDeadLetter(options),
    planWeights: planWeights(options),
    listWeightAttempts: listWeightAttempts(options),
    listPrompts: listPrompts(options),
    createApiKey: createApiKey(options),
    listApiKeys: listApiKeys(options),
    revokeApiKey: revokeApiKey(options),
  };
}
