/** The same calls over each transport, for tests that try all of them. */
import type { DescService } from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { errorDetailsTrailer, parseErrorDetails } from "@turntable/proto/error-details";
import { createServiceClient } from "@turntable/proto/grpc";

export interface CallOptions {
  readonly key?: string | undefined;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** How a call was refused. */
export class Refusal extends Error {
  override name = "Refusal";
  /** As gRPC numbers them. */
  readonly code: number;
  /** ErrorInfo's; empty where there is none. */
  readonly reason: string;
  constructor(code: number, message: string, reason: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

/** Calls any method; the answer's messages, one for a unary method. Fails with a Refusal. */
export type Caller = (
  service: DescService,
  method: string,
  request: object,
  options?: CallOptions,
) => AsyncIterable<unknown>;

/** Disposed with the stack. */
export function openTransports(
  stack: AsyncDisposableStack,
  at: { readonly grpcPort: number; readonly httpPort: number },
): ReadonlyMap<string, Caller> {
  const baseUrl = `http://127.0.0.1:${at.httpPort}`;
  return new Map([
    ["grpc", nativeCaller(stack, at.grpcPort)],
    ["connect-json", webCaller(createConnectTransport({ baseUrl }))],
    ["connect-binary", webCaller(createConnectTransport({ baseUrl, useBinaryFormat: true }))],
    ["grpc-web", webCaller(createGrpcWebTransport({ baseUrl }))],
  ]);
}

function nativeCaller(stack: AsyncDisposableStack, port: number): Caller {
  const channel = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  stack.defer(() => channel.close());
  return (service, method, request, { key, signal, timeoutMs } = {}) => {
    const metadata = new Metadata();
    if (key !== undefined) {
      metadata.set("authorization", `Bearer ${key}`);
    }
    const deadline = timeoutMs === undefined ? undefined : new Date(Date.now() + timeoutMs);
    const call = untypedMethod(createServiceClient(service, channel), method);
    return answersOf(() => call(request, { metadata, signal, deadline }), nativeRefusal);
  };
}

function webCaller(transport: ReturnType<typeof createConnectTransport>): Caller {
  return (service, method, request, { key, signal, timeoutMs } = {}) => {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const call = untypedMethod(createClient(service, transport), method);
    return answersOf(() => call(request, { headers, signal, timeoutMs }), webRefusal);
  };
}

type UntypedMethod = (request: object, options: object) => unknown;

function untypedMethod(client: object, method: string): UntypedMethod {
  const found = Object.entries(client).find(([name]) => name === method)?.[1];
  if (typeof found !== "function") {
    throw new TypeError(`there is no method ${method}`);
  }
  return (request, options) => found(request, options);
}

async function* answersOf(
  call: () => unknown,
  refusalOf: (error: unknown) => Refusal,
): AsyncGenerator<unknown> {
  try {
    const answer = call();
    if (answer instanceof Promise) {
      yield await answer;
    } else {
      yield* answer as AsyncIterable<unknown>; // a stream of messages; there is no third kind
    }
  } catch (error) {
    throw refusalOf(error);
  }
}

function nativeRefusal(thrown: unknown): Refusal {
  if (!(thrown instanceof Error && "metadata" in thrown)) {
    throw thrown;
  }
  const error = thrown as ServiceError;
  const [trailer] = error.metadata.get(errorDetailsTrailer);
  const { reason } = parseErrorDetails(Buffer.from(trailer ?? ""));
  return new Refusal(error.code, error.details, reason);
}

function webRefusal(thrown: unknown): Refusal {
  const error = ConnectError.from(thrown);
  const info = error.details.find((one) => "type" in one && one.type === "google.rpc.ErrorInfo");
  // The reason is the message's first field.
  const bytes = info !== undefined && "type" in info ? Buffer.from(info.value) : undefined;
  const reason = bytes === undefined ? "" : bytes.subarray(2, 2 + (bytes[1] ?? 0)).toString();
  return new Refusal(error.code, error.rawMessage, reason);
}
