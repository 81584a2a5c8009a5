export type { JobOutcome } from "./job.ts";
export { type JobEvent, type JobLoopOptions, runJobLoop } from "./loop.ts";
