export { type LocalNode, type LocalNodeOptions, startLocalNode } from "./local-node.ts";
export { moveErrors } from "./metadata-json.ts";
export type { Fault } from "./node.ts";
export { type RuntimeMetadata, readRecordedRuntime } from "./recorded-runtime.ts";
