export { type ApiKeys, parseApiKeys } from "./keys.ts";
export { type Api, type ApiCallEvent, type ApiOptions, startApi } from "./server.ts";
