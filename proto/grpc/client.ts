/**
 * A service's methods as typed functions over a grpc-js client.
 *
 * C1  A call's own signal cancels it, and a call so ended rejects with the signal's reason.
 * C2  A call is a span of the trace that it is given, and that goes with it.
 * C3  A unary call goes to the channel itself. grpc-js' own `makeUnaryRequest` passes it through its interceptors, of
 *     which we have none, and notes a stack for each call, for the few that fail: a tenth of what a call costs.
 */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Client, Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import {
  context as activeContext,
  type Context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { asBuffer, pathOf, withSpan } from "./method.ts";

export interface ClientCallOptions {
  /** Trace context is added to it, where OpenTelemetry has a propagator. */
  readonly metadata: Metadata;
  /** The trace that the call belongs to; the active one when absent. */
  readonly trace?: Context | undefined;
  readonly deadline?: Date | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One method of a client. Fails with grpc-js' ServiceError, or as C1 says. */
export type ClientMethod<M extends DescMethod> = M["methodKind"] extends "unary"
  ? (
      request: MessageInitShape<M["input"]>,
      options: ClientCallOptions,
    ) => Promise<MessageShape<M["output"]>>
  : M["methodKind"] extends "server_streaming"
    ? (
        request: MessageInitShape<M["input"]>,
        options: ClientCallOptions,
      ) => AsyncIterable<MessageShape<M["output"]>>
    : never;

export type ServiceClient<S extends DescService> = {
  readonly [K in keyof S["method"]]: ClientMethod<S["method"][K]>;
};

/** A typed client over a grpc-js one, which stays the caller's to close. */
export function createServiceClient<S extends DescService>(
  service: S,
  client: Client,
): ServiceClient<S> {
  const methods = service.methods.map((method) => [method.localName, methodOf(client, method)]);
  // Built from the same descriptor that the type is computed from.
  return Object.fromEntries(methods) as ServiceClient<S>;
}

function methodOf(client: Client, method: DescMethod): unknown {
  switch (method.methodKind) {
    case "unary":
      return unaryMethod(client, method as DescMethodUnary); // as its kind says
    case "server_streaming":
      return streamMethod(client, method as DescMethodServerStreaming);
    default:
      throw new TypeError(`${method.toString()} takes a stream, which none of ours does`);
  }
}

const codecOf = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O> | DescMethodServerStreaming<I, O>,
) => ({
  path: pathOf(method),
  requestSerialize: (message: MessageShape<I>) => asBuffer(toBinary(method.input, message)),
  responseDeserialize: (bytes: Buffer): MessageShape<O> => fromBinary(method.output, bytes),
});

/** A unary method as a typed function over a grpc-js client. */
export function unaryMethod<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
) {
  const { path, requestSerialize, responseDeserialize } = codecOf(method);
  return (init: MessageInitShape<I>, options: ClientCallOptions): Promise<MessageShape<O>> =>
    new Promise((resolve, reject) => {
      const { signal } = options;
      signal?.throwIfAborted();
      const request = create(method.input, init);
      const bytes = requestSerialize(request);
      const { deadline = Number.POSITIVE_INFINITY, metadata } = options;
      const call = client.getChannel().createCall(path, deadline, null, null, undefined); // C3
      const endSpan = startClientSpan(path, options); // C2
      let response: MessageShape<O> | undefined;
      let isEnded = false;
      const cancel = () => call.cancelWithStatus(status.CANCELLED, "Cancelled on client");
      const finish = (error: ServiceError | null): void => {
        if (isEnded) {
          return;
        }
        isEnded = true;
        signal?.removeEventListener("abort", cancel);
        endSpan(error);
        if (error === null && response !== undefined) {
          resolve(response);
        } else {
          reject(signal?.aborted ? signal.reason : error); // C1
        }
      };
      call.start(metadata, {
        onReceiveMetadata: () => undefined,
        onReceiveMessage(received: Buffer) {
          try {
            response = responseDeserialize(received);
          } catch (cause) {
            const details = `the answer cannot be read as a ${method.output.typeName}`;
            finish(failure({ code: status.INTERNAL, details, metadata: new Metadata() }, cause));
            cancel();
          }
        },
        onReceiveStatus(ended) {
          const { code, metadata: trailers } = ended;
          if (code !== status.OK) {
            finish(failure(ended));
          } else if (response === undefined) {
            const details = "no message came with the status OK";
            finish(failure({ code: status.UNIMPLEMENTED, details, metadata: trailers }));
          } else {
            finish(null);
          }
        },
      });
      call.startRead();
      call.sendMessageWithContext({}, bytes);
      call.halfClose();
      signal?.addEventListener("abort", cancel);
    });
}

/** An error as grpc-js' clients give it. */
function failure(ended: StatusObject, cause?: unknown): ServiceError {
  const { code, details, metadata } = ended;
  const error = new Error(`${code} ${status[code]}: ${details}`, { cause });
  return Object.assign(error, { code, details, metadata });
}

/** A server-streaming method as a typed function over a grpc-js client. */
export function streamMethod<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodServerStreaming<I, O>,
) {
  const { path, requestSerialize, responseDeserialize } = codecOf(method);
  return async function* (
    init: MessageInitShape<I>,
    options: ClientCallOptions,
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    const { signal } = options;
    signal?.throwIfAborted();
    const request = create(method.input, init);
    const endSpan = startClientSpan(path, options); // C2
    const call = client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      options.metadata,
      deadlineOption(options),
    );
    // The loop reports errors; after it was left early, nobody else would listen to the cancelled call's.
    call.on("error", () => undefined);
    const cancel = () => call.cancel();
    signal?.addEventListener("abort", cancel);
    try {
      for await (const message of call) {
        yield message;
      }
    } catch (error) {
      endSpan(error);
      signal?.throwIfAborted(); // C1
      throw error;
    } finally {
      endSpan(null);
      signal?.removeEventListener("abort", cancel);
      cancel();
    }
  };
}

/** Sends the call's trace context with it. @returns to be called at the end, with what failed or null */
function startClientSpan(path: string, options: ClientCallOptions): (error: unknown) => void {
  const parent = options.trace ?? activeContext.active();
  const span = trace
    .getTracer("@turntable/proto")
    .startSpan(path.slice(1), { kind: SpanKind.CLIENT }, parent);
  propagation.inject(withSpan(parent, span), options.metadata, {
    set: (metadata, key, value) => metadata.set(key, value),
  });
  return (error) => {
    if (error !== null) {
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  };
}

function deadlineOption(options: ClientCallOptions): { deadline?: Date } {
  return options.deadline === undefined ? {} : { deadline: options.deadline };
}
