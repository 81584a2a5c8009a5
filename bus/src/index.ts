export * from "./contract.ts";
export * from "./state-log.ts";
