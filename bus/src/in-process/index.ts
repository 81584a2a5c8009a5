export { createInProcessQueue, type InProcessQueue, type InProcessQueueOptions } from "./queue.ts";
