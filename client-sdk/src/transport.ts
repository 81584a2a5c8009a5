/**
 * The connection to a coordinator: the only file of this package that knows @grpc/grpc-js. Everything that fails
 * leaves it as a `CallFailedError`, or as the reason of the caller's own signal.
 */
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { type Context, INVALID_SPAN_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import { GenerationService } from "@turntable/proto";
import { errorDetailsTrailer, parseErrorDetails } from "@turntable/proto/error-details";
import {
  type ClientCallOptions,
  createServiceClient,
  messageLimits,
  type ServiceClient,
} from "@turntable/proto/grpc";
import { parseAddress } from "./address.ts";
import {
  CallFailedError,
  ClientClosedError,
  InvalidOptionError,
  type StatusCode,
} from "./errors.ts";

/** How to encrypt the connection. */
export interface TlsOptions {
  /** Certificates (PEM) to trust instead of those that come with Node. */
  readonly rootCertificates?: string | Uint8Array | undefined;
}

export interface TransportOptions {
  readonly address: string;
  readonly apiKey: string | undefined;
  readonly tls: TlsOptions | undefined;
  /** Through the proxy of the variables grpc_proxy, https_proxy or http_proxy; never to this machine. */
  readonly proxy: boolean | undefined;
}

export interface CallOptions {
  readonly signal: AbortSignal | undefined;
  readonly deadline: Date | undefined;
  /** With a valid span context, which is sent whether or not the application has a propagator. */
  readonly trace: Context;
}

type Api = ServiceClient<typeof GenerationService>;

export interface Transport extends Disposable {
  unary<T>(
    call: (api: Api, options: ClientCallOptions) => Promise<T>,
    options: CallOptions,
  ): Promise<T>;
  stream<T>(
    call: (api: Api, options: ClientCallOptions) => AsyncIterable<T>,
    options: CallOptions,
  ): AsyncIterable<T>;
}

/** Reconnecting is paced by the retries above this file; grpc-js must not wait longer than they do. */
const reconnectBackoffMs = { first: 100, longest: 2_000 };
/** A peer that vanished without a word is noticed within the sum of both, in ms. */
const keepaliveMs = { time: 60_000, timeout: 20_000 };

/**
 * Connects on the first call.
 * @throws InvalidOptionError for an address or key that cannot be used.
 */
export function createTransport(options: TransportOptions): Transport {
  const { target, isLocal } = parseAddress(options.address);
  const { apiKey } = options;
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new InvalidOptionError(
      "the API key is empty or has characters that keys do not have (spaces, line breaks, non-ASCII)",
    );
  }
  const client = new Client(target, channelCredentials(options.tls), {
    ...messageLimits(),
    // Variables such as http_proxy are set in company networks for browsers; grpc-js would take them unasked.
    "grpc.enable_http_proxy": options.proxy === true && !isLocal ? 1 : 0,
    "grpc.initial_reconnect_backoff_ms": reconnectBackoffMs.first,
    "grpc.max_reconnect_backoff_ms": reconnectBackoffMs.longest,
    "grpc.keepalive_time_ms": keepaliveMs.time,
    "grpc.keepalive_timeout_ms": keepaliveMs.timeout,
  });
  const api = createServiceClient(GenerationService, client);
  let closed = false;
  const explain = (error: unknown, signal: AbortSignal | undefined): unknown =>
    closed ? new ClientClosedError({ cause: error }) : callError(error, signal);
  const grpcOptions = (call: CallOptions): ClientCallOptions => {
    const metadata = new Metadata();
    metadata.set("traceparent", traceparentOf(call.trace));
    if (apiKey !== undefined) {
      metadata.set("authorization", `Bearer ${apiKey}`);
    }
    return { metadata, signal: call.signal, deadline: call.deadline, trace: call.trace };
  };
  return {
    async unary(call, callOptions) {
      try {
        return await call(api, grpcOptions(callOptions));
      } catch (error) {
        throw explain(error, callOptions.signal);
      }
    },
    async *stream(call, callOptions) {
      try {
        yield* call(api, grpcOptions(callOptions));
      } catch (error) {
        throw explain(error, callOptions.signal);
      }
    },
    [Symbol.dispose]() {
      closed = true;
      client.close();
    },
  };
}

/** https://www.w3.org/TR/trace-context/, version 00 */
function traceparentOf(context: Context): string {
  const { traceId, spanId, traceFlags } = trace.getSpanContext(context) ?? INVALID_SPAN_CONTEXT;
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
}

function channelCredentials(tls: TlsOptions | undefined) {
  if (tls === undefined) {
    return credentials.createInsecure();
  }
  if (tls.rootCertificates === undefined) {
    return credentials.createSsl();
  }
  return credentials.createSsl(Buffer.from(tls.rootCertificates));
}

/** How grpc-js wraps the system's own words, such as `connect ECONNREFUSED 127.0.0.1:50051`; OpenSSL's end a line. */
const refusedConnection =
  /^No connection established\. Last error: (?:Error: )?(.*?)\s*\. Resolution note: /s;

function callError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted && error === signal.reason) {
    return error;
  }
  if (!(error instanceof Error)) {
    return new CallFailedError("unknown", String(error));
  }
  const code = "code" in error && typeof error.code === "number" ? error.code : status.UNKNOWN;
  const given =
    "details" in error && typeof error.details === "string" ? error.details : error.message;
  const reason = refusedConnection.exec(given)?.[1] ?? given;
  // grpc-js puts an error that it does not have into words.
  const details = /^(undefined|null|)$/.test(reason) ? "no connection could be made" : reason;
  // We did not cancel: a server that is killed resets its streams with this code before its connections break.
  if (code === status.CANCELLED) {
    return new CallFailedError("unavailable", "the server cut the call off", { cause: error });
  }
  const trailer =
    "metadata" in error && error.metadata instanceof Metadata
      ? error.metadata.get(errorDetailsTrailer)[0]
      : undefined;
  const more = Buffer.isBuffer(trailer) ? { more: parseErrorDetails(trailer) } : {};
  return new CallFailedError(statusCodes[code] ?? "unknown", details, { cause: error, ...more });
}

const statusCodes: Readonly<Record<number, StatusCode>> = {
  [status.UNKNOWN]: "unknown",
  [status.INVALID_ARGUMENT]: "invalid-argument",
  [status.DEADLINE_EXCEEDED]: "deadline-exceeded",
  [status.NOT_FOUND]: "not-found",
  [status.ALREADY_EXISTS]: "already-exists",
  [status.PERMISSION_DENIED]: "permission-denied",
  [status.RESOURCE_EXHAUSTED]: "resource-exhausted",
  [status.FAILED_PRECONDITION]: "failed-precondition",
  [status.ABORTED]: "aborted",
  [status.OUT_OF_RANGE]: "out-of-range",
  [status.UNIMPLEMENTED]: "unimplemented",
  [status.INTERNAL]: "internal",
  [status.UNAVAILABLE]: "unavailable",
  [status.DATA_LOSS]: "data-loss",
  [status.UNAUTHENTICATED]: "unauthenticated",
};
