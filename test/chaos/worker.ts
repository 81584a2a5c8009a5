/**
 * A worker as `turntable-worker run` is one, but for the scoring, which is simulated: `node test/chaos/worker.ts ID SERVER …`.
 */
import { connectJobSource, logNatsEvent } from "@turntable/bus/nats";
import { createLogger } from "@turntable/process";
import { createEvents, createProfiles, runJobLoop } from "@turntable/validation/internal/jobs";
import { createSimulatedScorer } from "./scoring.ts";

/** As the worker's grace period has it, less what closing takes; ms. */
const drainMs = 5_000;

const [workerId = "", ...servers] = process.argv.slice(2);
const logger = createLogger("chaos-worker", "info").child({ worker_id: workerId });
const stopping = new AbortController();
const giveUp = new AbortController();
process.once("SIGTERM", () => {
  stopping.abort();
  setTimeout(() => giveUp.abort(), drainMs).unref();
});

await using source = await connectJobSource({
  ...{ servers, workerId, signal: stopping.signal },
  onEvent: (event) => logNatsEvent(logger, event),
});
const scorer = createSimulatedScorer();
logger.info("ready");
const events = createEvents(logger, undefined);
await runJobLoop({
  source,
  scorer,
  profile: createProfiles(),
  workerId,
  signal: stopping.signal,
  giveUp: giveUp.signal,
  fetchAhead: "begun",
  onTaken: ({ job, attempt }) => logger.info({ job_id: job.jobId, attempt }, "job taken"),
  onLeft: ({ job }) => logger.info({ job_id: job.jobId }, "job left to others"),
  onJob: (event) => events.jobDone(event),
});
logger.info("stopping");
