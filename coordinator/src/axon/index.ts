export { axonLimitOptions, defaultSubmissionBytes } from "./limits.ts";
export { type AxonPlace, type OpenAxons, type OpenAxonsOptions, openAxons } from "./open-axons.ts";
