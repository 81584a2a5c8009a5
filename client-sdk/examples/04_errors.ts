/** Every error has a code; retries, keys and time limits are options. */
import { CallFailedError, createTurntableClient, TaskFailedError } from "@turntable/client";

using client = createTurntableClient({
  address: process.argv[2] ?? "127.0.0.1:50051",
  retry: { patienceMs: 120_000 },
  onRetry: ({ error, delayMs }) => console.log(`${error.details}; again in ${delayMs} ms`),
});

try {
  await client.generate("a red cube", { timeoutMs: 300_000, idempotencyKey: "cube-1" });
} catch (error) {
  if (error instanceof TaskFailedError) {
    console.log(`no result: ${error.failureCode}`);
  } else if (error instanceof CallFailedError && error.code === "deadline-exceeded") {
    console.log("not done yet; the same idempotency key picks the task up again");
  } else {
    throw error;
  }
}
