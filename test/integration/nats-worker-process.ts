/**
 * A worker in a process of its own, to be killed in the middle of a job:
 * `node nats-worker-process.ts URL ACK_WAIT_MS` prints the id of the job that it took, and holds it for ever.
 */
import { connectJobSource } from "@turntable/bus/nats";

const [servers = "", ackWaitMs] = process.argv.slice(2);
const source = await connectJobSource({
  servers,
  ackWaitMs: Number(ackWaitMs),
  workerId: "doomed",
});
const taken = await source.take(new AbortController().signal);
console.log(taken?.job.jobId);
