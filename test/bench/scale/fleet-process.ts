/** Many workers' sides of the queue in one process, a connection each: they take jobs, wait, and answer. Started by fleet.ts. */
import { setTimeout } from "node:timers/promises";
import {
  JobNotOursError,
  type JobSource,
  QueueUnavailableError,
  type TakenJob,
} from "@turntable/bus";
import { connectJobSource } from "@turntable/bus/nats";
import type { FleetOptions, FromFleet } from "./fleet.ts";
import { simulatedResult } from "./simulated-result.ts";

/** Connections that are made at one time. */
const atOnce = 25;

const { servers, name, workers }: FleetOptions = JSON.parse(process.argv[2] ?? "");
const tell = (message: FromFleet): void => void process.send?.(message);
let scoringMs = 0;
const gone = new AbortController();
process.once("disconnect", () => gone.abort());
process.on("message", (ms) => {
  scoringMs = Number(ms);
});

const waiting = Array.from({ length: workers }, (_, n) => `${name}-${n + 1}`);
await Promise.all(Array.from({ length: atOnce }, connectSome));
tell({ kind: "ready" });

async function connectSome(): Promise<void> {
  for (let workerId = waiting.pop(); workerId !== undefined; workerId = waiting.pop()) {
    const source = await connectJobSource({ servers, workerId, connectTimeoutMs: 60_000 });
    void work(source, workerId);
  }
}

async function work(source: JobSource, workerId: string): Promise<void> {
  for (;;) {
    const taken = await source.take(gone.signal);
    if (taken === undefined) {
      return await source[Symbol.asyncDispose]();
    }
    const { jobId } = taken.job;
    tell({ kind: "taken", jobId, workerId, at: performance.timeOrigin + performance.now() });
    if (scoringMs > 0) {
      await setTimeout(scoringMs);
    }
    await complete(taken, simulatedResult(taken.job, workerId));
  }
}

/** What could not be told comes again by itself. */
async function complete(
  taken: TakenJob,
  result: Parameters<TakenJob["complete"]>[0],
): Promise<void> {
  try {
    await taken.complete(result);
  } catch (error) {
    if (!(error instanceof JobNotOursError || error instanceof QueueUnavailableError)) {
      throw error;
    }
  }
}
