/** Parts that only this repository's tests and measurements start alone. */
export { type ApiCallEvent, createAccess, startApi } from "./api/index.ts";
export { startDispatch } from "./dispatch/index.ts";
export { createEvents } from "./events.ts";
export { openApiKeys, parseApiKeys } from "./keys/index.ts";
export { createMiners, historyOf } from "./miners/index.ts";
export { createReports } from "./reports/index.ts";
export { type Leadership, type StandbyEvent, standBy } from "./standby/index.ts";
export { createS3 } from "./storage/s3.ts";
export {
  type AssetFiles,
  backUpStore,
  checkStore,
  coordinatorMigrations,
  openAssetFiles,
  openKeyStore,
  openStore,
  openStoreReader,
  type Store,
} from "./store/index.ts";
export { createSubmissions } from "./submissions/index.ts";
export { createTasks, type Task, type Tasks } from "./tasks/index.ts";
export { createAttempts, startWeights, type WeightsEvent } from "./weights/index.ts";
