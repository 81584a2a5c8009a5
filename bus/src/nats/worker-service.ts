import { Svcm } from "@nats-io/services";
import type { NatsLink } from "./link.ts";
import type { JobEnding } from "./taken-job.ts";

/** What a worker says of itself; standard tools show it (`nats micro ls`, `nats micro stats turntable-worker`). */
export interface WorkerStatistics {
  count(ending: JobEnding | "taken" | "buried"): void;
}

const serviceName = "turntable-worker";

/** Answers the NATS services API until the connection closes. */
export async function startWorkerService(
  link: NatsLink,
  workerId: string,
  version: string,
): Promise<WorkerStatistics> {
  const counts = { taken: 0, completed: 0, handedBack: 0, terminated: 0, lost: 0, buried: 0 };
  const current = () => {
    const { taken, completed, handedBack, terminated, lost } = counts;
    return { ...counts, inWork: taken - completed - handedBack - terminated - lost };
  };
  const service = await new Svcm(link.connection).add({
    name: serviceName,
    version,
    description: "renders and scores submissions",
    metadata: { worker_id: workerId },
    statsHandler: async () => current(),
    queue: "", // each worker answers
  });
  service.addEndpoint("jobs", {
    subject: "turntable.worker.v1.jobs",
    handler: (_error, message) => {
      message.respond(JSON.stringify({ worker_id: workerId, ...current() }));
    },
  });
  return {
    count(ending) {
      counts[ending] += 1;
    },
  };
}
