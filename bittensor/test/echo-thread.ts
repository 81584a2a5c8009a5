/** A thread for tests of threads: says what it was told, or ends. */
import { serveThread } from "../src/axon/threads.ts";

serveThread((job: string) => {
  if (job === "end") {
    process.exit(1);
  }
  if (job === "throw") {
    throw new Error("told to");
  }
  return `echo ${job}`;
});
