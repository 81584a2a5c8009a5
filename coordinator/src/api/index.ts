export { createAccess } from "./access.ts";
export type { AdminOptions } from "./admin/index.ts";
export { defaultMaxDownloads } from "./downloads.ts";
export type { ApiCallEvent } from "./observing.ts";
export {
  type Api,
  type ApiOptions,
  defaultConnectionAgeMs,
  defaultStalledMs,
  drainMs,
  maxWebBodyBytes,
  type OfferedSubnet,
  offerSubnet,
  type SubnetServiceOptions,
  startAdmin,
  startApi,
} from "./server.ts";
export { attachWeb, type WebMethods, webSpan } from "./web.ts";
