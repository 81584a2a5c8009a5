/** The gRPC server: the public API with health and reflection. */

import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { hostAndPort } from "@turntable/process";
import { GenerationService } from "@turntable/proto";
import {
  descriptorPackage,
  implement,
  messageLimits,
  serviceDefinition,
} from "@turntable/proto/grpc";
import type { ServerInterceptor } from "@turntable/proto/rpc";
import { HealthImplementation, service as healthDefinition } from "grpc-health-check";
import { type AccessOptions, type ClientCall, createAccess } from "./access.ts";
import { unavailable } from "./errors.ts";
import { type GenerationOptions, generationHandlers } from "./generation/index.ts";
import { type ApiCallEvent, observed } from "./observing.ts";

export interface ApiOptions extends Omit<GenerationOptions, "stop"> {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly access: Omit<AccessOptions, "now">;
  /** A stream whose caller takes nothing for so long is ended; ms. */
  readonly stalledMs?: number;
  /** Told of each call once, when it has ended, in its trace. */
  readonly onCall: (event: ApiCallEvent) => void;
}

export interface Api extends AsyncDisposable {
  readonly port: number;
}

/** Slow lines take a chunk of an asset in less, in ms. */
export const defaultStalledMs = 60_000;
/** Requests are small; what is large is streamed. */
const maxRequestBytes = 1024 * 1024;
const healthService = GenerationService.typeName;
/** For reflection: each message's definition brings its whole file, and with it the service. */
const healthMessages = Object.fromEntries(
  Object.entries(healthDefinition).map(([name, { requestType }]) => [name, requestType]),
);

/**
 * Starts the server. Disposing it ends the streams, lets unary calls finish, and cuts what is left after `drainMs`.
 * @throws when the port cannot be had
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  const access = createAccess({ ...options.access, now: options.now });
  const server = new Server({
    ...messageLimits(maxRequestBytes),
    "grpc.max_send_message_length": -1,
    // Streams stay open for minutes without a message; clients and proxies are told that we are alive.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_permit_without_calls": 1,
  });
  const stopping = new AbortController();
  const interceptor: ServerInterceptor<ClientCall> = (next) =>
    observed(options.onCall)(access.interceptor(next));
  server.addService(
    serviceDefinition(GenerationService),
    implement(
      GenerationService,
      generationHandlers({ ...options, stop: stopping.signal }),
      interceptor,
      { stalledMs: options.stalledMs ?? defaultStalledMs },
    ),
  );
  const health = new HealthImplementation({ "": "SERVING", [healthService]: "SERVING" });
  health.addToServer(server);
  new ReflectionService({
    ...descriptorPackage(GenerationService),
    ...healthMessages,
  }).addToServer(server);

  const address = hostAndPort(options.host, options.port);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      health.setStatus("", "NOT_SERVING");
      health.setStatus(healthService, "NOT_SERVING");
      stopping.abort(unavailable("the coordinator is shutting down; try again", restartMs));
      const hard = setTimeout(() => server.forceShutdown(), drainMs);
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(hard);
      access[Symbol.dispose]();
    },
  };
}

/** When a caller that a shutdown cut off is told to come back: starting again takes at least that long, in ms. */
const restartMs = 1_000;
/** Calls in flight have this long to end after the streams were told to, in ms. */
const drainMs = 5_000;
