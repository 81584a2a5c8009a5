/** Parts that only this repository's tests and measurements start alone. */
export { type ApiCallEvent, startApi } from "./api/index.ts";
export { createEvents } from "./events.ts";
export { openApiKeys, parseApiKeys } from "./keys/index.ts";
export { createS3 } from "./storage/s3.ts";
export { backUpStore, checkStore, openStore } from "./store/index.ts";
export type { Task, Tasks } from "./tasks/index.ts";
export { createAttempts, startWeights, type WeightsEvent } from "./weights/index.ts";
