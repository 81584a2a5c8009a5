export {
  defaultMaxMemory,
  startMemoryWatch,
} from "./memory-watch.ts";
export { type RunningWorker, startWorker, type WorkerOptions } from "./worker.ts";
