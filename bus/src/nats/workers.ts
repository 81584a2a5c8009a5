/** The coordinator's side of workers: which there are, and draining them (Q11). */
import { errors } from "@nats-io/transport-node";
import { type PresentWorker, QueueUnavailableError, type WorkerState } from "../contract.ts";
import type { NatsLink } from "./link.ts";
import { controlOrder, controlSubject, jobsEndpoint, parseAnswer } from "./worker-subjects.ts";

/** No worker takes longer to answer, in ms; after the first answer the others follow within the pause. */
const longestListMs = 1_000;
const listPauseMs = 150;

/** The workers that answer now. @throws QueueUnavailableError */
export async function listWorkers(link: NatsLink): Promise<readonly PresentWorker[]> {
  const found = new Map<string, PresentWorker>();
  await link.run(() =>
    unlessNobodyListens(async () => {
      const answers = await link.connection.requestMany(jobsEndpoint, "", {
        ...{ strategy: "stall", maxWait: longestListMs, stall: listPauseMs },
      });
      for await (const { data } of answers) {
        const worker = parseAnswer(data);
        if (worker !== undefined) {
          found.set(worker.id, worker);
        }
      }
    }),
  );
  return [...found.values()];
}

/** @returns undefined when no worker of this name listens. @throws QueueUnavailableError */
export async function setDraining(
  link: NatsLink,
  workerId: string,
  drain: boolean,
): Promise<WorkerState | undefined> {
  if (workerId === "") {
    return undefined; // no subject
  }
  const answer = await link.run(() =>
    unlessNobodyListens(() =>
      link.connection.request(controlSubject(workerId), controlOrder({ drain }), {
        timeout: link.requestTimeoutMs,
      }),
    ),
  );
  if (answer === undefined) {
    return undefined;
  }
  const worker = parseAnswer(answer.data);
  if (worker === undefined) {
    throw new QueueUnavailableError(`the worker answers what cannot be read: ${answer.string()}`);
  }
  return worker.state;
}

async function unlessNobodyListens<Result>(
  operation: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await operation();
  } catch (error) {
    const isNobody =
      error instanceof errors.NoRespondersError ||
      (error instanceof errors.RequestError && error.isNoResponders());
    if (isNobody) {
      return undefined;
    }
    throw error;
  }
}
