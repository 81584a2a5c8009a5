export { defaultMaxDownloads } from "./generation/index.ts";
export type { ApiCallEvent } from "./observing.ts";
export { type Api, type ApiOptions, defaultStalledMs, startApi } from "./server.ts";
