import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { QueueUnavailableError, type WorkerState as QueueWorkerState } from "@turntable/bus";
import { WorkerState, type WorkerStatisticsSchema } from "@turntable/proto";
import { failedPrecondition, invalidArgument, notFound, unavailable } from "../errors.ts";
import { pageOfList } from "../pages.ts";
import { type AdminOptions, checkLength, type Rpc } from "./service.ts";

const maxNameChars = 256;
const retryAfterMs = 2_000;

const states: Readonly<Record<QueueWorkerState, WorkerState>> = {
  loading: WorkerState.LOADING,
  ready: WorkerState.READY,
  working: WorkerState.WORKING,
  draining: WorkerState.DRAINING,
  drained: WorkerState.DRAINED,
};

type Told = MessageInitShape<typeof WorkerStatisticsSchema>;

/** What the workers have done since the start, and what they do now. */
export function listWorkers({ workers, fleet, quarantine }: AdminOptions): Rpc<"listWorkers"> {
  return async (request) => {
    const shutOut = new Map(quarantine.list().map((one) => [one.worker, one]));
    const present = new Map([
      ...(await presentStates(fleet)),
      ...[...shutOut.keys()].map((id) => [id, WorkerState.QUARANTINED] as const),
    ]);
    const whyOf = (id: string): Pick<Told, "quarantine"> => {
      const one = shutOut.get(id);
      return one === undefined
        ? {}
        : { quarantine: { reason: one.reason, startTime: timestampFromMs(one.at) } };
    };
    const known = workers().map(({ firstAt, lastAt, scored, invalid, faults, ...facts }) => ({
      ...facts,
      firstResultTime: timestampFromMs(firstAt),
      lastResultTime: timestampFromMs(lastAt),
      scored: BigInt(scored),
      invalid: BigInt(invalid),
      faults: BigInt(faults),
      state: present.get(facts.id) ?? WorkerState.AWAY,
      ...whyOf(facts.id),
    }));
    const withResults = new Set(known.map(({ id }) => id));
    const others = [...present]
      .filter(([id]) => !withResults.has(id))
      .map(([id, state]) => ({ id, state, ...whyOf(id) }))
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

export function resumeWorker({ fleet, quarantine }: AdminOptions): Rpc<"resumeWorker"> {
  return async ({ workerId }) => {
    if (quarantine.list().some(({ worker }) => worker === workerId)) {
      throw failedPrecondition(
        `worker "${shortened(workerId)}" is quarantined; when it scores as others do, let it go with turntable admin workers release`,
      );
    }
    return { state: await setDraining(fleet, workerId, false) };
  };
}

export function releaseWorker({ fleet, quarantine, now }: AdminOptions): Rpc<"releaseWorker"> {
  return async ({ workerId }) => {
    checkName(workerId);
    if (!quarantine.release(workerId, now())) {
      throw notFound(
        `no worker "${shortened(workerId)}" is quarantined; turntable admin workers lists those that are`,
      );
    }
    const isPresent = (await presentStates(fleet)).has(workerId);
    return {
      state: isPresent ? await setDraining(fleet, workerId, false) : WorkerState.AWAY,
    };
  };
}

/** @throws RpcError INVALID_ARGUMENT, RESOURCE_EXHAUSTED */
function checkName(workerId: string): void {
  if (workerId === "") {
    throw invalidArgument("worker_id", "is empty; name a worker as ListWorkers does");
  }
  checkLength("worker_id", workerId, maxNameChars);
}

const shortened = (workerId: string): string => workerId.slice(0, 64);

/** @throws RpcError INVALID_ARGUMENT, NOT_FOUND, UNAVAILABLE, RESOURCE_EXHAUSTED */
async function setDraining(
  fleet: AdminOptions["fleet"],
  workerId: string,
  draining: boolean,
): Promise<WorkerState> {
  checkName(workerId);
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
      `no worker "${shortened(workerId)}" is connected; turntable admin workers lists those that are`,
    );
  }
  return states[state];
}
