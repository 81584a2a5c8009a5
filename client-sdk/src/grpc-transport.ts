/** The connection over gRPC: the only file of this package that knows @grpc/grpc-js. */
import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { errorDetailsTrailer, parseErrorDetails } from "@turntable/proto/error-details";
import {
  type ClientCallOptions,
  messageLimits,
  pathOf,
  streamMethod,
  unaryMethod,
} from "@turntable/proto/grpc";
import { parseAddress } from "./address.ts";
import { CallFailedError, ClientClosedError, InvalidOptionError } from "./errors.ts";
import {
  type CallOptions,
  checkApiKey,
  failedCall,
  headersOf,
  type Transport,
} from "./transport.ts";

/** How to encrypt the connection. */
export interface TlsOptions {
  /** Certificates (PEM) to trust instead of those that come with Node. */
  readonly rootCertificates?: string | Uint8Array | undefined;
  /** The client's own key and certificates (PEM), for servers that ask who calls. */
  readonly client?: ClientCertificate | undefined;
}

/** Who the client is, to servers that ask for certificates. */
export interface ClientCertificate {
  readonly privateKey: string | Uint8Array;
  /** The certificate of that key, and those that lead to one that the server trusts. */
  readonly certificateChain: string | Uint8Array;
}

export interface GrpcOptions {
  /** Host and port of a coordinator's gRPC API, for example `127.0.0.1:50051`. */
  readonly address: string;
  /** Sent as `authorization: Bearer …`; without TLS it travels in the clear. */
  readonly apiKey?: string | undefined;
  /** Encrypts the connection; `{}` trusts the certificates that come with Node. Default: not encrypted. */
  readonly tls?: TlsOptions | undefined;
  /**
   * Whether to go through the proxy that the variables grpc_proxy, https_proxy or http_proxy name, but for hosts of
   * no_proxy and this machine; without it they are not looked at.
   */
  readonly proxy?: boolean | undefined;
  /** Signs each call in place of an API key: `walletSigner` of `@turntable/client/wallet` makes one of a hotkey. */
  readonly signCall?: SignCall | undefined;
}

/** @returns headers to send along with a call: `path` is `/turntable.v1.GenerationService/CreateTask`, `body` its message */
export type SignCall = (call: {
  readonly path: string;
  readonly body: Uint8Array;
}) => Readonly<Record<string, string>>;

/** Reconnecting is paced by the retries above this file; grpc-js must not wait longer than they do. */
const reconnectBackoffMs = { first: 100, longest: 2_000 };
/** A peer that vanished without a word is noticed within the sum of both, in ms. */
const keepaliveMs = { time: 60_000, timeout: 20_000 };

/**
 * Connects on the first call.
 * @throws InvalidOptionError for an address or key that cannot be used.
 */
export function createGrpcTransport(options: GrpcOptions): Transport {
  const { target, isLocal } = parseAddress(options.address);
  const { apiKey, signCall } = options;
  checkApiKey(apiKey);
  const client = new Client(target, channelCredentials(options.tls), {
    ...messageLimits(),
    "grpc.enable_channelz": 0, // nobody asks for the counts that it would keep of every call
    // Variables such as http_proxy are set in company networks for browsers; grpc-js would take them unasked.
    "grpc.enable_http_proxy": options.proxy === true && !isLocal ? 1 : 0,
    "grpc.initial_reconnect_backoff_ms": reconnectBackoffMs.first,
    "grpc.max_reconnect_backoff_ms": reconnectBackoffMs.longest,
    "grpc.keepalive_time_ms": keepaliveMs.time,
    "grpc.keepalive_timeout_ms": keepaliveMs.timeout,
  });
  let closed = false;
  const explain = (error: unknown, signal: AbortSignal | undefined): unknown =>
    closed ? new ClientClosedError({ cause: error }) : callError(error, signal);
  const grpcOptions = <I extends DescMessage>(
    call: CallOptions,
    method: DescMethod & { readonly input: I },
    message: MessageShape<I>,
  ): ClientCallOptions => {
    const metadata = new Metadata();
    const signed =
      signCall === undefined
        ? {}
        : signCall({ path: pathOf(method), body: toBinary(method.input, message) });
    for (const [name, value] of Object.entries({ ...headersOf(call, apiKey), ...signed })) {
      metadata.set(name, value);
    }
    return { metadata, signal: call.signal, deadline: call.deadline, trace: call.trace };
  };
  return {
    async unary(method, request, call) {
      try {
        const message = create(method.input, request);
        const options = grpcOptions(call, method, message);
        return await unaryMethod(client, method)(message, options);
      } catch (error) {
        throw explain(error, call.signal);
      }
    },
    async *stream(method, request, call) {
      try {
        const message = create(method.input, request);
        yield* streamMethod(client, method)(message, grpcOptions(call, method, message));
      } catch (error) {
        throw explain(error, call.signal);
      }
    },
    [Symbol.dispose]() {
      closed = true;
      client.close();
    },
  };
}

function channelCredentials(tls: TlsOptions | undefined) {
  if (tls === undefined) {
    return credentials.createInsecure();
  }
  const pem = (text: string | Uint8Array | undefined): Buffer | null =>
    text === undefined ? null : Buffer.from(text);
  const { rootCertificates, client } = tls;
  try {
    return credentials.createSsl(
      pem(rootCertificates),
      pem(client?.privateKey),
      pem(client?.certificateChain),
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidOptionError(`a certificate or key cannot be used: ${reason}`, { cause });
  }
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
  const trailer =
    "metadata" in error && error.metadata instanceof Metadata
      ? error.metadata.get(errorDetailsTrailer)[0]
      : undefined;
  const more = Buffer.isBuffer(trailer) ? parseErrorDetails(trailer) : undefined;
  return failedCall(code, details, error, more);
}
