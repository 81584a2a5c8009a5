/** How each call ended, as one event; and what the caller of a bug is told. */
import { randomUUID } from "node:crypto";
import {
  type CallContext,
  RpcError,
  type ServerInterceptor,
  statusCodes,
  statusName,
} from "@turntable/proto/rpc";
import { NotReplicatedError, StorageFullError } from "../tasks/index.ts";
import { internal, unavailable } from "./errors.ts";

/** When a caller that found the disk full is told to come back, in ms. */
const fullRetryMs = 10_000;
/** The same of one that another coordinator may know more of by then, in ms. */
const notReplicatedRetryMs = 1_000;

export interface ApiCallEvent extends CallFacts {
  /** `/package.Service/Method` */
  readonly method: string;
  /** Name of the gRPC status, such as `NOT_FOUND`. */
  readonly code: string;
  readonly durationMs: number;
  /** A bug: what was thrown, when that was no `RpcError`, and the id that the caller was told. */
  readonly fault: { readonly id: string; readonly cause: unknown } | undefined;
}

/** What others learn of a call while it runs. */
export interface CallFacts {
  /** Name of the API key; `anonymous` where none are needed, empty when the key was refused. */
  readonly client: string;
}

export interface ObservedCall extends CallContext {
  /** Adds to the call's event. */
  readonly note: (facts: CallFacts) => void;
}

/** What the state could not do is no bug. */
function knownOf(error: unknown): unknown {
  if (error instanceof StorageFullError) {
    return unavailable(error.message, fullRetryMs);
  }
  return error instanceof NotReplicatedError
    ? unavailable(error.message, notReplicatedRetryMs)
    : error;
}

/** The outermost interceptor: what it does not see has not happened. */
export function observed(onCall: (event: ApiCallEvent) => void): ServerInterceptor<ObservedCall> {
  return (next) => async (context) => {
    const startedAt = performance.now();
    let client = "";
    let code: number = statusCodes.OK;
    let fault: ApiCallEvent["fault"];
    const note = (facts: CallFacts): void => {
      client = facts.client;
    };
    try {
      return await next(Object.assign(context, { note }));
    } catch (error) {
      const known = knownOf(error);
      if (!(known instanceof RpcError)) {
        fault = { id: randomUUID(), cause: known };
      }
      const answer = known instanceof RpcError ? known : internal(fault?.id ?? "", known);
      code = answer.code;
      throw answer;
    } finally {
      onCall({
        client,
        method: context.path,
        code: statusName(code),
        durationMs: performance.now() - startedAt,
        fault,
      });
    }
  };
}
