/** Create a task, follow it, leave in the middle, and come back to where one was. */
import { createTurntableClient } from "@turntable/client";

using client = createTurntableClient({ address: process.argv[2] ?? "127.0.0.1:50051" });

const task = await client.create("a blue sphere");
let seen = 0n;
for await (const event of client.watch(task.id)) {
  seen = event.sequence;
  console.log(`${event.sequence} ${event.kind}`);
  if (event.kind === "assigned") {
    break; // the task goes on without us
  }
}
for await (const event of client.watch(task.id, { afterSequence: seen })) {
  console.log(`${event.sequence} ${event.kind} ${event.score ?? ""}`);
}
