/** The worker's loop for a scorer of the caller's; loads native libraries. */
export { createProfiles } from "./scoring/index.ts";
export { createEvents } from "./worker/events.ts";
export { runJobLoop } from "./worker/loop.ts";
