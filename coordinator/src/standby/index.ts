export { logStandbyEvent } from "./event-log.ts";
export type { Leadership } from "./leadership.ts";
export { observeStandby } from "./metrics.ts";
export type { SharedAssets } from "./shared-assets.ts";
export { type StandbyOptions, standBy } from "./stand-by.ts";
export type { StandbyEvent, StandbyView } from "./view.ts";
