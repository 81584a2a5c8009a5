export { type ApiKeys, parseApiKeys } from "./keys.ts";
export type { ApiCallEvent } from "./observing.ts";
export { type Api, type ApiOptions, startApi } from "./server.ts";
