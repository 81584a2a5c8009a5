/** What the coordinator asks of workers over NATS, and what they answer. */
import { type PresentWorker, type WorkerState, workerStates } from "../contract.ts";

/** Every worker answers with what it does. */
export const jobsEndpoint = "turntable.worker.v1.jobs";

/** Where one worker takes orders. Names may have dots and spaces, which a subject's token must not. */
export function controlSubject(workerId: string): string {
  return `turntable.worker.v1.control.${Buffer.from(workerId).toString("base64url")}`;
}

export interface ControlOrder {
  readonly drain: boolean;
}

export const controlOrder = (order: ControlOrder): string => JSON.stringify(order);

/** Undefined for what is no order. */
export function parseControl(data: Uint8Array): ControlOrder | undefined {
  const { drain } = parseObject(data);
  return typeof drain === "boolean" ? { drain } : undefined;
}

/** Undefined for what is no answer of a worker, or one of a worker from before states were told. */
export function parseAnswer(data: Uint8Array): PresentWorker | undefined {
  const { worker_id: id, state } = parseObject(data);
  return typeof id === "string" && isState(state) ? { id, state } : undefined;
}

function isState(state: unknown): state is WorkerState {
  return workerStates.some((known) => known === state);
}

function parseObject(data: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(data).toString());
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
