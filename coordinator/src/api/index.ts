export { createAccess } from "./access.ts";
export type { AdminOptions } from "./admin/index.ts";
export { defaultMaxDownloads } from "./generation/index.ts";
export type { ApiCallEvent } from "./observing.ts";
export {
  type Api,
  type ApiOptions,
  defaultConnectionAgeMs,
  defaultStalledMs,
  drainMs,
  maxWebBodyBytes,
  startAdmin,
  startApi,
} from "./server.ts";
export { attachWeb, type WebMethods, webSpan } from "./web.ts";
