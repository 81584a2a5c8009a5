/**
 * The connection under @polkadot/api: JSON-RPC over one WebSocket at a time, to one of several endpoints in turn.
 *
 * The library's own provider can't say that an endpoint answered HTTP 429, knocks at fixed intervals and writes to the
 * console; this one says why, waits longer each time, and tells events instead.
 *
 * P1. Requests that are open when the connection breaks fail at once; nothing is sent again by itself.
 * P2. Subscriptions come back with the connection, under the ids that the caller knows; those of sent extrinsics do not.
 * P3. Waiting for a node goes on until `disconnect`.
 */
import { EventEmitter } from "node:events";
import type {
  ProviderInterface,
  ProviderInterfaceCallback,
  ProviderInterfaceEmitCb,
  ProviderInterfaceEmitted,
} from "@polkadot/rpc-provider/types";
import WebSocket from "ws";
import { type ConnectFailure, failureOf, refusalOf } from "./connect-failure.ts";
import type { ChainEvent } from "./events.ts";
import { type RetryLimits, retryDelayMs } from "./retry.ts";

export interface ProviderOptions {
  /** ws or wss, one at least. */
  readonly urls: readonly string[];
  readonly retry: RetryLimits;
  readonly onEvent: (event: ChainEvent) => void;
  /** 0 to 1 */
  readonly random?: () => number;
}

/** An error that the node answered with. */
export class NodeError extends Error {
  override name = "NodeError";
  readonly code: number;
  readonly data: unknown;
  constructor(code: number, message: string, data: unknown) {
    super(`${code}: ${message}${data === undefined ? "" : `: ${textOf(data)}`}`);
    this.code = code;
    this.data = data;
  }
}

/** The connection is away, or broke before the answer. */
export class DisconnectedError extends Error {
  override name = "DisconnectedError";
}

/** A node that does not answer a request for this long is not waited for, in ms. */
const requestTimeoutMs = 60_000;
const handshakeTimeoutMs = 10_000;
/** A connection that lasts so long was a good one: the next try begins with short pauses again; ms. */
const settledMs = 10_000;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timeout: NodeJS.Timeout;
}

interface Subscription {
  /** The id that the caller has, which is that of the first connection. */
  readonly id: string;
  readonly type: string;
  readonly method: string;
  readonly params: unknown[];
  readonly callback: ProviderInterfaceCallback;
}

export interface Provider extends ProviderInterface {
  /** Gives the connection up for this reason and tries again, after a pause as for any other failure. */
  drop(reason: string): void;
}

export function createProvider(options: ProviderOptions): Provider {
  const { urls, retry, onEvent, random = Math.random } = options;
  const emitter = new EventEmitter();
  const pending = new Map<number, Pending>();
  /** By the id that the node uses now. */
  const subscriptions = new Map<string, Subscription>();
  /** What the node told under ids that are not known yet: an answer and its first notification come in either order. */
  const early = new Map<string, unknown[]>();
  let subscribing = 0;
  let socket: WebSocket | undefined;
  let isUp = false;
  let isEnded = false;
  let attempt = 0;
  let place = 0;
  let retryTimer: NodeJS.Timeout | undefined;
  let lastId = 0;
  let told = "";
  let drop = (_reason: string): void => undefined;

  const open = (): void => {
    const url = urls[place % urls.length] ?? "";
    place += 1;
    const opening = new WebSocket(url, { handshakeTimeout: handshakeTimeoutMs });
    socket = opening;
    let failure: ConnectFailure | undefined;
    let settled: NodeJS.Timeout | undefined;
    drop = (reason) => {
      failure ??= { reason, isRefusal: true, retryAfterS: undefined };
      opening.terminate();
    };
    opening.on("unexpected-response", (_request, response) => {
      const { statusCode = 0, statusMessage = "", headers } = response;
      failure ??= refusalOf(statusCode, statusMessage, headers);
      opening.terminate();
    });
    opening.on("error", (error: Error & { readonly code?: string }) => {
      failure ??= failureOf(error);
    });
    opening.on("open", () => {
      isUp = true;
      told = "";
      settled = setTimeout(() => {
        attempt = 0;
      }, settledMs).unref();
      onEvent({ kind: "up", url });
      resubscribe();
      emitter.emit("connected");
    });
    opening.on("message", (message) => onMessage(String(message)));
    opening.on("close", (code, reason) => {
      clearTimeout(settled);
      socket = undefined;
      const words = reason.length > 0 ? `: ${String(reason)}` : "";
      failure ??= {
        reason: `the connection was closed (${code}${words})`,
        isRefusal: false,
        retryAfterS: undefined,
      };
      onClose(url, failure);
    });
  };

  const onClose = (url: string, failure: ConnectFailure): void => {
    const wasUp = isUp;
    isUp = false;
    for (const [id, { reject, timeout }] of pending) {
      pending.delete(id);
      clearTimeout(timeout);
      reject(new DisconnectedError(`disconnected from ${url}: ${failure.reason}`)); // P1
    }
    early.clear();
    if (wasUp) {
      emitter.emit("disconnected");
    }
    if (isEnded) {
      return;
    }
    // Each endpoint is tried before the pause grows
    const round = Math.floor(attempt / urls.length);
    attempt += 1;
    const retryInMs = retryDelayMs(round, failure, retry, random());
    if (`${url} ${failure.reason}` !== told) {
      told = `${url} ${failure.reason}`;
      onEvent({ kind: "away", url, reason: failure.reason, retryInMs });
    }
    retryTimer = setTimeout(open, retryInMs); // P3
  };

  const onMessage = (text: string): void => {
    const message = parseMessage(text);
    if (message === undefined) {
      onEvent({ kind: "note", text: "the node sent something that is no JSON-RPC" });
    } else if (message.kind === "answer") {
      const waiting = pending.get(message.id);
      if (waiting === undefined) {
        return;
      }
      pending.delete(message.id);
      clearTimeout(waiting.timeout);
      if (message.error === undefined) {
        waiting.resolve(message.result);
      } else {
        waiting.reject(message.error);
      }
    } else {
      const { subscription, result } = message;
      const known = subscriptions.get(subscription);
      if (known !== undefined) {
        known.callback(null, result);
      } else if (subscribing > 0) {
        early.set(subscription, [...(early.get(subscription) ?? []), result]);
      }
    }
  };

  const request = (method: string, params: unknown[]): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (socket === undefined || !isUp) {
      reject(new DisconnectedError("the chain is away"));
      return promise;
    }
    const id = ++lastId;
    const timeout = setTimeout(() => {
      pending.delete(id);
      const seconds = requestTimeoutMs / 1000;
      reject(new DisconnectedError(`the node did not answer ${method} within ${seconds} seconds`));
    }, requestTimeoutMs);
    pending.set(id, { resolve, reject, timeout });
    socket.send(JSON.stringify({ id, jsonrpc: "2.0", method, params }));
    return promise;
  };

  const listen = async (subscription: Omit<Subscription, "id"> & { readonly id?: string }) => {
    subscribing += 1;
    try {
      const current = String(await request(subscription.method, subscription.params));
      const known = { ...subscription, id: subscription.id ?? current };
      subscriptions.set(current, known);
      for (const result of early.get(current) ?? []) {
        known.callback(null, result);
      }
      return known.id;
    } finally {
      subscribing -= 1;
      if (subscribing === 0) {
        early.clear();
      }
    }
  };

  const resubscribe = (): void => {
    const before = Array.from(subscriptions.values());
    subscriptions.clear();
    for (const subscription of before) {
      if (subscription.type.startsWith("author_")) {
        continue; // P2
      }
      // It breaks only with the connection, after which it is tried again
      listen(subscription).catch(() => subscriptions.set(subscription.id, subscription));
    }
  };

  open();
  return {
    hasSubscriptions: true,
    isClonable: true,
    get isConnected() {
      return isUp;
    },
    clone: () => createProvider(options),
    drop: (reason) => drop(reason),
    connect: async () => undefined, // it does by itself
    async disconnect() {
      isEnded = true;
      clearTimeout(retryTimer);
      socket?.close(1000);
    },
    on(type: ProviderInterfaceEmitted, listener: ProviderInterfaceEmitCb) {
      emitter.on(type, listener);
      return () => emitter.off(type, listener);
    },
    // The library's own signature promises what its caller names; it decodes what comes
    send: <T>(method: string, params: unknown[]) => request(method, params) as Promise<T>,
    subscribe: (type, method, params, callback) => listen({ type, method, params, callback }),
    async unsubscribe(_type, method, id) {
      for (const [current, known] of subscriptions) {
        if (known.id !== String(id)) {
          continue;
        }
        subscriptions.delete(current);
        if (isUp) {
          await request(method, [current]);
        }
        return true;
      }
      return false;
    },
  };
}

type Message =
  | {
      readonly kind: "answer";
      readonly id: number;
      readonly result: unknown;
      readonly error: Error | undefined;
    }
  | { readonly kind: "notification"; readonly subscription: string; readonly result: unknown };

/** undefined when it is neither an answer nor a notification. */
function parseMessage(text: string): Message | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(message)) {
    return undefined;
  }
  const { id, result, error, params } = message;
  if (typeof id === "number") {
    return { kind: "answer", id, result, error: nodeError(error) };
  }
  if (!isRecord(params) || params.subscription === undefined) {
    return undefined;
  }
  return {
    kind: "notification",
    subscription: String(params.subscription),
    result: params.result,
  };
}

function nodeError(error: unknown): NodeError | undefined {
  if (!isRecord(error)) {
    return undefined;
  }
  const { code, message, data } = error;
  return new NodeError(typeof code === "number" ? code : 0, String(message), data);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function textOf(data: unknown): string {
  return typeof data === "string" ? data : JSON.stringify(data);
}
