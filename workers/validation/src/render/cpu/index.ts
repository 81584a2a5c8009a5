export { startCpuRenderer } from "./pool.ts";
export { renderReference } from "./reference.ts";
