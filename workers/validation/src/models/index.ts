export { type KnownModel, readKnownModels } from "./known.ts";
export { PullError, type PullOptions, pullModel } from "./pull.ts";
