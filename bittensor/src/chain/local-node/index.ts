export { type LocalNode, type LocalNodeOptions, startLocalNode } from "./local-node.ts";
export type { Fault } from "./node.ts";
export { createOwnMetadata, type OwnMetadata } from "./own-metadata.ts";
