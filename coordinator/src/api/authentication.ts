/** Who calls: known before anything of the request is read. */
import type { CallContext, CallHeaders, ServerInterceptor } from "@turntable/proto/rpc";
import { unauthenticated } from "./errors.ts";
import type { ApiKeys } from "./keys.ts";
import type { ObservedCall } from "./observing.ts";

/** A call by a client that the API knows. */
export interface ClientCall extends CallContext {
  /** Name of the API key, or `anonymous` where none are needed. */
  readonly client: string;
}

/** @param keys undefined lets everybody call */
export function authenticated(
  keys: ApiKeys | undefined,
): ServerInterceptor<ClientCall, ObservedCall> {
  return (next) => async (context) => {
    const client = keys === undefined ? "anonymous" : clientOf(keys, context.headers);
    context.note({ client });
    await next({ ...context, client });
  };
}

function clientOf(keys: ApiKeys, headers: CallHeaders): string {
  const key = /^Bearer (\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (key === undefined) {
    throw unauthenticated("an API key is needed: send the metadata `authorization: Bearer <key>`");
  }
  const name = keys.nameOf(key);
  if (name === undefined) {
    throw unauthenticated("this API key is not known here");
  }
  return name;
}
