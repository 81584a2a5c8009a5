import { Svcm } from "@nats-io/services";
import { type DrainSwitch, workerStateOf } from "../drain.ts";
import type { NatsLink } from "./link.ts";
import type { JobEnding } from "./taken-job.ts";
import { controlSubject, jobsEndpoint, parseControl } from "./worker-subjects.ts";

/** What a worker says of itself; standard tools show it (`nats micro ls`, `nats micro stats turntable-worker`). */
export interface WorkerStatistics {
  /** The worker asks for a job: whatever it had to load is there. */
  asks(): void;
  count(ending: JobEnding | "taken" | "buried"): void;
}

const serviceName = "turntable-worker";
const badRequest = 400;

export interface WorkerServiceOptions {
  readonly workerId: string;
  /** Semantic version of the worker program. */
  readonly version: string;
  /** Turned by whoever may publish on the worker's control subject: the coordinator. */
  readonly drain: DrainSwitch;
}

/** Answers the NATS services API, and the coordinator's orders, until the connection closes. */
export async function startWorkerService(
  link: NatsLink,
  { workerId, version, drain }: WorkerServiceOptions,
): Promise<WorkerStatistics> {
  const counts = {
    ...{ taken: 0, completed: 0, handedBack: 0, terminated: 0, withdrawn: 0, lost: 0, buried: 0 },
  };
  let hasAsked = false;
  const current = () => {
    const { taken, completed, handedBack, terminated, withdrawn, lost } = counts;
    const inWork = taken - completed - handedBack - terminated - withdrawn - lost;
    return { ...counts, inWork, state: workerStateOf(drain.isOn(), hasAsked, inWork) };
  };
  const told = () => JSON.stringify({ worker_id: workerId, ...current() });
  const service = await new Svcm(link.connection).add({
    name: serviceName,
    version,
    description: "renders and scores submissions",
    metadata: { worker_id: workerId },
    statsHandler: async () => current(),
    queue: "", // each worker answers
  });
  service.addEndpoint("jobs", {
    subject: jobsEndpoint,
    handler: (_error, message) => {
      message.respond(told());
    },
  });
  service.addEndpoint("control", {
    subject: controlSubject(workerId),
    handler: (_error, message) => {
      const order = parseControl(message.data);
      if (order === undefined) {
        message.respondError(badRequest, 'send {"drain": true} or {"drain": false}');
        return;
      }
      drain.set(order.drain);
      message.respond(told());
    },
  });
  // So that a worker is found from the moment that it is connected; a connection that breaks here subscribes again.
  await link.connection.flush().catch(() => undefined);
  return {
    asks() {
      hasAsked = true;
    },
    count(ending) {
      counts[ending] += 1;
    },
  };
}
