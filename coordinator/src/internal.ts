/** Parts that only this repository's tests and measurements start alone. */
export { type ApiCallEvent, parseApiKeys, startApi } from "./api/index.ts";
export { createEvents } from "./events.ts";
export type { Task, Tasks } from "./tasks/index.ts";
