/** Looks at the memory of the process, whatever its main thread is doing (M2). */
import { writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { createLogger } from "@turntable/process";
import type { JobsMessage, MemoryWatchOptions } from "./memory-watch.ts";

/** A decoder may take a gigabyte a second. */
const lookEveryMs = 50;

const { maxBytes, workerId }: MemoryWatchOptions = workerData;
let jobIds: JobsMessage = [];
parentPort?.on("message", (told: JobsMessage) => {
  jobIds = told;
});
// Written at once: nothing is once the process is gone.
const logger = createLogger("turntable-worker", "fatal", { write: (line) => writeSync(1, line) });

setInterval(() => {
  const bytes = process.memoryUsage.rss();
  if (bytes <= maxBytes) {
    return;
  }
  logger.fatal(
    { worker_id: workerId, job_ids: jobIds, memory_bytes: bytes, max_memory_bytes: maxBytes },
    "too much memory: the process ends itself, and its jobs go to other workers",
  );
  process.kill(process.pid, "SIGKILL");
}, lookEveryMs);
