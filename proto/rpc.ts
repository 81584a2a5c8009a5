/**
 * What a service is to its handlers, whatever carries its calls: contexts, handlers, interceptors, errors. The gRPC
 * adapter (`@turntable/proto/grpc`) joins it to a transport.
 */
import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

/** What a call was sent with beside its message. */
export interface CallHeaders {
  /** The first text under this name, in any case; undefined when there is none, or only bytes. */
  get(name: string): string | undefined;
}

/** What a handler knows of the call it answers. */
export interface CallContext {
  /** `/turntable.v1.GenerationService/CreateTask` */
  readonly path: string;
  readonly headers: CallHeaders;
  /** Aborted when nobody waits for the answer any more: the caller cancelled or is gone, or its deadline passed. */
  readonly signal: AbortSignal;
  /**
   * What a signature over the request covers: over gRPC its message, over HTTP its body; over HTTP it is there only when
   * the headers of `btauth/1` are.
   */
  readonly body?: Uint8Array | undefined;
}

/** One method's handler. An answer may be a message or the fields to create one from. */
export type Handler<M extends DescMethod, C> = M["methodKind"] extends "unary"
  ? (request: MessageShape<M["input"]>, context: C) => Promise<MessageInitShape<M["output"]>>
  : M["methodKind"] extends "server_streaming"
    ? (
        request: MessageShape<M["input"]>,
        context: C,
      ) => AsyncIterable<MessageInitShape<M["output"]>>
    : never;

export type Handlers<S extends DescService, C = CallContext> = {
  readonly [K in keyof S["method"]]: Handler<S["method"][K], C>;
};

/**
 * Wraps the whole life of every call, streams included; may refuse it by throwing, and add to the context, which is
 * the call's own, for what comes next (`Object.assign`: a copy would lose what a transport computes on demand). It may
 * be joined to a method once, for all calls, and hands on what `next` gives, whatever that is.
 */
export type ServerInterceptor<Out, In = CallContext> = <Answer>(
  next: (context: Out) => Promise<Answer>,
) => (context: In) => Promise<Answer>;

/** Codes of answers, as gRPC numbers and names them. */
export const statusCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const namesOfCodes = new Map<number, string>(
  Object.entries(statusCodes).map(([name, code]) => [code, name]),
);

/** `NOT_FOUND`; the number itself for one that gRPC has no name for. */
export const statusName = (code: number): string => namesOfCodes.get(code) ?? String(code);

/** Sent after the answer: text, or bytes under names that end in `-bin`. */
export type Trailers = Readonly<Record<string, string | Uint8Array>>;

/** An answer other than OK, thrown by handlers and interceptors. Its text goes to the caller. */
export class RpcError extends Error {
  override name = "RpcError";
  /** One of `statusCodes`, not OK. */
  readonly code: number;
  readonly trailers: Trailers;

  constructor(
    code: number,
    message: string,
    options: { readonly cause?: unknown; readonly trailers?: Trailers } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.trailers = options.trailers ?? {};
  }
}
