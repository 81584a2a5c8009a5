export { openPool, type Pool, type PoolEntry } from "./pool.ts";
export { type PromptFacts, type PromptServerOptions, startPromptServer } from "./server.ts";
