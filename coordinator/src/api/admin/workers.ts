import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { QueueUnavailableError, type WorkerState as QueueWorkerState } from "@turntable/bus";
import { WorkerState, type WorkerStatisticsSchema } from "@turntable/proto";
import { invalidArgument, notFound, unavailable } from "../errors.ts";
import { pageOfList } from "../pages.ts";
import { type AdminOptions, checkLength, type Rpc } from "./service.ts";

const maxNameChars = 256;
const retryAfterMs = 2_000;

const states: Readonly<Record<QueueWorkerState, WorkerState>> = {
  ready: WorkerState.READY,
  working: WorkerState.WORKING,
  draining: WorkerState.DRAINING,
  drained: WorkerState.DRAINED,
};

type Told = MessageInitShape<typeof WorkerStatisticsSchema>;

/** What the workers have done since the start, and what they do now. */
export function listWorkers({ workers, fleet }: AdminOptions): Rpc<"listWorkers"> {
  return async (request) => {
    const present = await presentStates(fleet);
    const known = workers().map(({ firstAt, lastAt, scored, invalid, faults, ...facts }) => ({
      ...facts,
      firstResultTime: timestampFromMs(firstAt),
      lastResultTime: timestampFromMs(lastAt),
      scored: BigInt(scored),
      invalid: BigInt(invalid),
      faults: BigInt(faults),
      state: present.get(facts.id) ?? WorkerState.AWAY,
    }));
    const withResults = new Set(known.map(({ id }) => id));
    const others = [...present]
      .filter(([id]) => !withResults.has(id))
      .map(([id, state]) => ({ id, state }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const { items, nextPageToken } = pageOfList<Told>([...known, ...others], request);
    return { workers: [...items], nextPageToken };
  };
}

/** Nobody answers while the queue is away; what was done before can be told all the same. */
async function presentStates(
  fleet: AdminOptions["fleet"],
): Promise<ReadonlyMap<string, WorkerState>> {
  try {
    return new Map((await fleet.list()).map(({ id, state }) => [id, states[state]]));
  } catch (error) {
    if (error instanceof QueueUnavailableError) {
      return new Map();
    }
    throw error;
  }
}

export function drainWorker({ fleet }: AdminOptions): Rpc<"drainWorker"> {
  return async ({ workerId }) => ({ state: await setDraining(fleet, workerId, true) });
}

export function resumeWorker({ fleet }: AdminOptions): Rpc<"resumeWorker"> {
  return async ({ workerId }) => ({ state: await setDraining(fleet, workerId, false) });
}

/** @throws RpcError INVALID_ARGUMENT, NOT_FOUND, UNAVAILABLE, RESOURCE_EXHAUSTED */
async function setDraining(
  fleet: AdminOptions["fleet"],
  workerId: string,
  draining: boolean,
): Promise<WorkerState> {
  if (workerId === "") {
    throw invalidArgument("worker_id", "is empty; name a worker as ListWorkers does");
  }
  checkLength("worker_id", workerId, maxNameChars);
  let state: QueueWorkerState | undefined;
  try {
    state = await fleet.setDraining(workerId, draining);
  } catch (error) {
    if (error instanceof QueueUnavailableError) {
      throw unavailable(error.message, retryAfterMs);
    }
    throw error;
  }
  if (state === undefined) {
    throw notFound(
      `no worker "${workerId.slice(0, 64)}" is connected; turntable admin workers lists those that are`,
    );
  }
  return states[state];
}
