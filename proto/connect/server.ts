/**
 * Answers calls that come over plain HTTP, by the same handlers as the gRPC adapter's: the Connect protocol, in JSON
 * and binary, and gRPC-web.
 *
 * W1  Interceptors begin before a byte of the body is read, and end after the handler: what they refuse is not read.
 * W2  A stream holds one message at a time.
 * W3  `CallContext.signal` is aborted when the caller leaves or its deadline passes.
 * W4  Nothing internal leaves: an error that is no `RpcError` is answered as INTERNAL without its text.
 */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  cors,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import { universalServerResponseToFetch } from "@connectrpc/connect/protocol";
import { errorDetailsTrailer, statusDetails } from "../error-details.ts";
import {
  type CallContext,
  type Handlers,
  RpcError,
  type ServerInterceptor,
  statusCodes,
} from "../rpc.ts";

/** What is known of a request beside what it says. */
export interface WebCall {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Breaks the connection off. */
  readonly cut: () => void;
}

/** Answers a request to one method. */
export type WebHandler = (request: Request, call: WebCall) => Promise<Response>;

export interface WebOptions {
  /** Largest message that is read, in bytes. */
  readonly maxMessageBytes: number;
  /** A stream is cut off when its caller takes no message for so long; never by default. ms */
  readonly stalledMs?: number;
}

/** A handler for the path of each of the service's methods, `/turntable.v1.GenerationService/CreateTask`. */
export function webHandlers<S extends DescService, C>(
  service: S,
  handlers: Handlers<S, C>,
  interceptor: ServerInterceptor<C>,
  options: WebOptions,
): ReadonlyMap<string, WebHandler> {
  // `Handlers` ties each handler to its method; per method the type cannot be followed any further.
  const untyped = handlers as Record<string, UntypedHandler | undefined>;
  const methods = service.methods.map((method) => {
    const handler = untyped[method.localName];
    if (handler === undefined) {
      throw new TypeError(`no handler for ${method.toString()}`);
    }
    const answer =
      method.methodKind === "unary" ? unaryAnswer(handler) : streamAnswer(handler, options);
    return [method.localName, answer];
  });
  const router = createConnectRouter({
    grpc: false, // it needs HTTP/2, and has a port of its own
    readMaxBytes: options.maxMessageBytes,
    requestGate: (context) => admit(context, interceptor as ServerInterceptor<unknown>),
  }).service(service, Object.fromEntries(methods) as Partial<ServiceImpl<S>>);
  return new Map(
    router.handlers.map((handler): [string, WebHandler] => [
      handler.requestPath,
      async (request, call) => {
        const signed = request.headers.has(signatureHeader)
          ? new Uint8Array(await request.arrayBuffer())
          : undefined;
        const contextValues = createContextValues()
          .set(webCallKey, call)
          .set(signedBodyKey, signed);
        const { url, method } = request;
        const header = new Headers(request.headers);
        // By a length over its limit Connect would refuse without reading, and `wholeBody` would never begin.
        header.delete("content-length");
        const body = signed === undefined ? wholeBody(request) : once(signed);
        const from = { httpVersion: "", url, method, header, body };
        const answered = await handler({ ...from, signal: call.signal, contextValues });
        return universalServerResponseToFetch(answered);
      },
    ]),
  );
}

/**
 * What a browser is told of who may call from other pages.
 * @param origins those that may, such as `https://example.com`; `*` stands for all
 * @returns undefined for a request from another one, or from no page
 */
export function corsHeaders(
  request: Request,
  origins: readonly string[],
): Readonly<Record<string, string>> | undefined {
  const origin = request.headers.get("origin");
  if (origin === null || !(origins.includes(origin) || origins.includes("*"))) {
    return undefined;
  }
  const common = { "access-control-allow-origin": origin, vary: "origin" };
  if (request.method !== "OPTIONS") {
    return { ...common, "access-control-expose-headers": cors.exposedHeaders.join(", ") };
  }
  return {
    ...common,
    "access-control-allow-methods": cors.allowedMethods.join(", "),
    "access-control-allow-headers": [...cors.allowedHeaders, ...ownHeaders].join(", "),
    "access-control-max-age": "7200", // no browser remembers it for longer
  };
}

/** Request headers of ours that pages may send. */
const ownHeaders = [
  ...["authorization", "traceparent", "tracestate"],
  // Of calls that a wallet signed.
  ...["version", "hotkey", "nonce", "signature", "receiver"].map((name) => `x-bittensor-${name}`),
];

type UntypedHandler = (request: unknown, context: unknown) => unknown;

/** A call between its gate and its end. */
interface OpenCall {
  /** For the handler. */
  readonly context: unknown;
  /** Settled by the handler's end, for which the interceptors wait. */
  readonly handled: PromiseWithResolvers<void>;
  /** What the interceptors make of it. */
  readonly outcome: Promise<void>;
}

/** Who signs its request has its body read first, within the server's own limit. */
const signatureHeader = "x-bittensor-signature";
const signedBodyKey = createContextKey<Uint8Array | undefined>(undefined);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * Reads to the end, within the server's own limit, also when nobody wants more: callers that write hear of no refusal
 * before what they write has been taken.
 */
async function* wholeBody({ body }: Request): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  const read = async () => {
    try {
      return await reader?.read();
    } catch (error) {
      throw isTooLarge(error) ? new ConnectError(error.message, Code.ResourceExhausted) : error;
    }
  };
  let part = await read();
  try {
    for (; part?.value !== undefined; part = await read()) {
      yield part.value;
    }
  } finally {
    while (part?.done === false) {
      part = await read();
    }
  }
}

/** Whether the server's own limit ended a body, which it says as HTTP does. */
function isTooLarge(error: unknown): error is Error {
  return error instanceof Error && "status" in error && error.status === 413;
}

const webCallKey = createContextKey<WebCall | undefined>(undefined);
const openCallKey = createContextKey<OpenCall | undefined>(undefined);

/** W1 */
async function admit(
  context: HandlerContext,
  interceptor: ServerInterceptor<unknown>,
): Promise<void> {
  const admitted = Promise.withResolvers<unknown>();
  const handled = Promise.withResolvers<void>();
  handled.promise.catch(() => undefined); // nobody waits for it when the call is refused
  const outcome = interceptor(async (inner) => {
    admitted.resolve(inner);
    await handled.promise;
  })(callContextOf(context));
  outcome.catch(admitted.reject);
  // A message that cannot be read, or a caller that leaves first, and the handler is never asked.
  context.signal.addEventListener("abort", () =>
    handled.reject(new RpcError(statusCodes.INVALID_ARGUMENT, "the request cannot be read")),
  );
  try {
    context.values.set(openCallKey, { context: await admitted.promise, handled, outcome });
  } catch (error) {
    throw connectError(error);
  }
}

function callContextOf(context: HandlerContext): CallContext {
  const { requestHeader, signal } = context;
  return {
    path: pathOf(context.method),
    headers: { get: (name) => requestHeader.get(name) ?? undefined },
    signal, // W3
    body: context.values.get(signedBodyKey),
  };
}

const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;

function openCallOf(context: HandlerContext): OpenCall {
  const call = context.values.get(openCallKey);
  if (call === undefined) {
    throw new TypeError("a call came past its gate");
  }
  return call;
}

/** Waits for what the interceptors make of the handler's end. */
async function conclude({ outcome }: OpenCall, { signal }: HandlerContext): Promise<void> {
  try {
    await outcome;
  } catch (error) {
    throw connectError(error);
  }
  if (signal.aborted && signal.reason instanceof ConnectError) {
    throw signal.reason; // the deadline has passed
  }
}

function unaryAnswer(handler: UntypedHandler) {
  return async (request: unknown, context: HandlerContext): Promise<unknown> => {
    const call = openCallOf(context);
    let response: unknown;
    try {
      response = await handler(request, call.context);
      call.handled.resolve();
    } catch (error) {
      call.handled.reject(error);
    }
    await conclude(call, context);
    return response;
  };
}

function streamAnswer(handler: UntypedHandler, { stalledMs }: WebOptions) {
  return async function* (request: unknown, context: HandlerContext): AsyncGenerator<unknown> {
    const call = openCallOf(context);
    const { cut } = context.values.get(webCallKey) ?? {};
    // Interceptors hand on what they were given, and may end a stream earlier.
    const { signal } = call.context as CallContext;
    try {
      // `Handlers` demands an async iterable for this kind of method.
      for await (const message of handler(request, call.context) as AsyncIterable<unknown>) {
        if (signal.aborted) {
          break;
        }
        const timer = stalledMs === undefined ? undefined : setTimeout(() => cut?.(), stalledMs);
        try {
          yield message; // W2
        } finally {
          clearTimeout(timer);
        }
      }
      call.handled.resolve();
    } catch (error) {
      call.handled.reject(error);
    } finally {
      call.handled.resolve(); // the caller left between two messages
    }
    await conclude(call, context);
  };
}

function connectError(error: unknown): ConnectError {
  if (!(error instanceof RpcError)) {
    return new ConnectError("internal error", Code.Internal); // W4
  }
  const failure = new ConnectError(error.message.toWellFormed(), error.code);
  for (const [name, value] of Object.entries(error.trailers)) {
    if (name === errorDetailsTrailer && typeof value !== "string") {
      failure.details = statusDetails(value);
    } else if (typeof value === "string") {
      failure.metadata.set(name, value);
    }
  }
  return failure;
}
