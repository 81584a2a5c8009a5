export { createStorageBoard, type StorageBoard } from "./away.ts";
export {
  defaultStorage,
  openStorage,
  type StorageOptions,
  targetsOf,
} from "./open.ts";
export {
  createStorageQueue,
  type QueueLimits,
  type QueueTarget,
  type StorageQueue,
} from "./queue.ts";
export type { Storage, StorageEvent } from "./storage.ts";
