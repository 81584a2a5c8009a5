/**
 * A worker in a process of its own, to be killed in the middle of a job:
 * `node nats-worker-process.ts URL` prints the id of the job that it took, and holds it for ever.
 */
import { connectJobSource } from "@turntable/bus/nats";

const [servers = ""] = process.argv.slice(2);
const source = await connectJobSource({ servers, workerId: "doomed" });
const taken = await source.take(new AbortController().signal);
console.log(taken?.job.jobId);
