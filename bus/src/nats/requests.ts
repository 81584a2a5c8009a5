import type { Msg, MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { statusCode } from "./jetstream.ts";

/** Ends of a request that are no answer. */
export type RequestFailure =
  | { readonly kind: "timeout"; readonly subject: string; readonly timeoutMs: number }
  /** Nobody listens on the subject. */
  | { readonly kind: "noResponders"; readonly subject: string };

/**
 * Requests over one subscription, as the client library's own, at a third of the cost: that one makes two promises
 * more and an error object with a stack for each request, whether it fails or not. And these can all be ended at
 * once, when the connection is lost and their answers with it.
 */
export interface Requests {
  /** @throws what `toError` makes of a failure, or the error that ended it */
  request(subject: string, payload: Uint8Array | string, options: RequestOptions): Promise<Msg>;
  endAll(error: Error): void;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly headers?: MsgHdrs;
}

interface Pending {
  readonly subject: string;
  readonly resolve: (message: Msg) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export function createRequests(
  connection: NatsConnection,
  inbox: string,
  toError: (failure: RequestFailure) => Error,
): Requests {
  const prefix = `${inbox}.`;
  const pending = new Map<string, Pending>();
  let lastToken = 0;
  connection.subscribe(`${prefix}*`, {
    callback(_error, message) {
      const waiting = take(message.subject.slice(prefix.length));
      if (waiting === undefined) {
        return; // too late
      }
      if (message.data.length === 0 && message.headers?.code === statusCode.noResponders) {
        waiting.reject(toError({ kind: "noResponders", subject: waiting.subject }));
      } else {
        waiting.resolve(message);
      }
    },
  });

  return {
    request: (subject, payload, { timeoutMs, headers }) =>
      new Promise((resolve, reject) => {
        lastToken += 1;
        const token = lastToken.toString(36);
        const timer = setTimeout(() => {
          take(token)?.reject(toError({ kind: "timeout", subject, timeoutMs }));
        }, timeoutMs);
        pending.set(token, { subject, resolve, reject, timer });
        try {
          const reply = `${prefix}${token}`;
          connection.publish(
            subject,
            payload,
            headers === undefined ? { reply } : { reply, headers },
          );
        } catch (error) {
          take(token);
          throw error;
        }
      }),
    endAll(error) {
      for (const token of [...pending.keys()]) {
        take(token)?.reject(error);
      }
    },
  };

  function take(token: string): Pending | undefined {
    const waiting = pending.get(token);
    if (waiting !== undefined) {
      pending.delete(token);
      clearTimeout(waiting.timer);
    }
    return waiting;
  }
}
