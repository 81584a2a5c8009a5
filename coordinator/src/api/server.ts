/** Services over gRPC, with health and reflection, and the same services for plain HTTP. */
import type { DescService } from "@bufbuild/protobuf";
import { Server, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { hostAndPort, type TlsFiles } from "@turntable/process";
import { AdminService, GenerationService, ScoringService, SubnetService } from "@turntable/proto";
import { type WebHandler, webHandlers } from "@turntable/proto/connect";
import {
  descriptorPackage,
  implement,
  messageLimits,
  serviceDefinition,
} from "@turntable/proto/grpc";
import type { Handlers, ServerInterceptor } from "@turntable/proto/rpc";
import { HealthImplementation, service as healthDefinition } from "grpc-health-check";
import type { AccessInterceptor, ClientCall } from "./access.ts";
import { type AdminOptions, adminHandlers } from "./admin/index.ts";
import { unavailable } from "./errors.ts";
import { admitEverybody } from "./everybody.ts";
import { type GenerationOptions, generationHandlers } from "./generation/index.ts";
import { type ApiCallEvent, observed } from "./observing.ts";
import { type ScoringOptions, scoringHandlers } from "./scoring/index.ts";
import { type Settled, settling } from "./settling.ts";
import { type SubnetOptions, subnetHandlers } from "./subnet/index.ts";
import { openTlsCredentials, plainCredentials } from "./tls.ts";

/** Where and how a gRPC server listens. */
export interface GrpcListen {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Without it everything travels in the clear. */
  readonly tls?: TlsFiles | undefined;
  /** Between two looks at the files of `tls`, in ms. */
  readonly certificatesEveryMs?: number;
  /** A connection is asked to end after so long, and streams are handed over to the next one; ms. */
  readonly maxConnectionAgeMs?: number;
  readonly onTrouble: (what: string, error: unknown) => void;
}

export interface ApiOptions extends Omit<GenerationOptions, "stop" | "maxWatchMs">, GrpcListen {
  readonly access: AccessInterceptor;
  /** Another service that the same port offers over gRPC. */
  readonly beside?: OfferedSubnet | undefined;
  /** Without it there is no ScoringService. */
  readonly scoring?: Pick<ScoringOptions, "scorings" | "limits" | "cancel">;
  /** A stream whose caller takes nothing for so long is ended; ms. */
  readonly stalledMs?: number;
  /** Told of each call once, when it has ended, in its trace. */
  readonly onCall: (event: ApiCallEvent) => void;
  /** What answers wait for; nothing when absent. */
  readonly settled?: Settled | undefined;
}

export interface Api extends AsyncDisposable {
  readonly port: number;
  /** What answers the same calls over plain HTTP, by their paths. */
  readonly web: ReadonlyMap<string, WebHandler>;
  /** Ends the streams, whatever carries them; part of disposing it. */
  endStreams(): void;
}

/** Slow lines take a chunk of an asset in less, in ms. */
export const defaultStalledMs = 60_000;
/** Largest request: a piece of an upload, and room for its other fields. */
const maxRequestBytes = 1024 * 1024 + 1024;
/** The same over HTTP, where bytes in JSON are base64. */
const maxWebMessageBytes = 2 * 1024 * 1024;
/** Up to here a caller is told of that limit in its own protocol; beyond, HTTP answers 413 before it reads anything. */
export const maxWebBodyBytes = 2 * maxWebMessageBytes;
/** For reflection: each message's definition brings its whole file, and with it the service. */
const healthMessages = Object.fromEntries(
  Object.entries(healthDefinition).map(([name, { requestType }]) => [name, requestType]),
);

/** A service with its handlers, for gRPC. */
interface Offered {
  readonly service: DescService;
  readonly native: UntypedServiceImplementation;
}

export interface SubnetServiceOptions
  extends Omit<SubnetOptions, "stop" | "maxWatchMs">,
    Pick<ApiOptions, "onCall" | "settled" | "stalledMs"> {
  /** Calls of all callers together. */
  readonly callsPerMinute: number;
}

/** SubnetService, for every transport. */
export interface OfferedSubnet extends Offered {
  /** What answers calls over plain HTTP, by their paths. */
  readonly web: ReadonlyMap<string, WebHandler>;
  /** Ends the streams, whatever carries them. */
  endStreams(): void;
}

export interface AdminServerOptions extends Pick<ApiOptions, "onCall" | "settled"> {
  readonly admin: AdminOptions;
  /** gRPC on a port of its own; undefined keeps that off. */
  readonly native: (GrpcListen & Pick<ApiOptions, "access">) | undefined;
  /** Who may call over plain HTTP; undefined keeps that off. */
  readonly webAccess: AccessInterceptor | undefined;
}

export interface Admin extends AsyncDisposable {
  /** Of gRPC; undefined when that is off. */
  readonly port: number | undefined;
  /** What answers the same calls over plain HTTP, by their paths; empty when that is off. */
  readonly web: ReadonlyMap<string, WebHandler>;
}

/**
 * Starts the public API. Disposing it ends the streams, lets unary calls finish, and cuts what is left after `drainMs`.
 * @throws when the port cannot be had
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  await using stack = new AsyncDisposableStack();
  const stopping = new AbortController();
  const stop = stopping.signal;
  const maxWatchMs = options.maxConnectionAgeMs ?? defaultConnectionAgeMs;
  const generation = generationHandlers({ ...options, maxWatchMs, stop });
  const offered = [offer(GenerationService, generation, options.access, options)];
  if (options.scoring !== undefined) {
    const scoring = scoringHandlers({ ...options, ...options.scoring, maxWatchMs, stop });
    offered.push(offer(ScoringService, scoring, options.access, options));
  }
  const endStreams = (): void => stopping.abort(shuttingDown());
  const { beside } = options;
  const all = beside === undefined ? offered : [...offered, beside];
  const server = stack.use(await startGrpcServer({ ...options, offered: all }));
  stack.defer(endStreams);
  const running = stack.move();
  return {
    port: server.port,
    web: new Map(offered.flatMap(({ web }) => [...web])),
    endStreams,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/**
 * Starts AdminService, on a port of its own, and makes its handlers for plain HTTP.
 * @throws when the port cannot be had
 */
export async function startAdmin(options: AdminServerOptions): Promise<Admin> {
  await using stack = new AsyncDisposableStack();
  const handlers = adminHandlers(options.admin);
  const { native, webAccess } = options;
  let port: number | undefined;
  if (native !== undefined) {
    const offered = [offer(AdminService, handlers, native.access, options)];
    ({ port } = stack.use(await startGrpcServer({ ...native, offered })));
  }
  const web =
    webAccess === undefined ? undefined : offer(AdminService, handlers, webAccess, options).web;
  const running = stack.move();
  return {
    port,
    web: web ?? new Map(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Makes SubnetService, which anybody may call. */
export function offerSubnet(options: SubnetServiceOptions): OfferedSubnet {
  const stopping = new AbortController();
  const { signal: stop } = stopping;
  const maxWatchMs = defaultConnectionAgeMs;
  const handlers = subnetHandlers({ ...options, maxWatchMs, stop });
  const access = admitEverybody(options.callsPerMinute, options.now);
  return {
    ...offer(SubnetService, handlers, access, options),
    endStreams: () => stopping.abort(shuttingDown()),
  };
}

const shuttingDown = (): Error =>
  unavailable("the coordinator is shutting down; try again", restartMs);

/** Joins a service to the interceptors of all calls, for every transport. */
function offer<S extends DescService>(
  service: S,
  handlers: Handlers<S, ClientCall>,
  access: AccessInterceptor,
  {
    onCall,
    settled,
    stalledMs = defaultStalledMs,
  }: Pick<ApiOptions, "onCall" | "settled" | "stalledMs">,
): Offered & { readonly web: ReadonlyMap<string, WebHandler> } {
  const observe = observed(onCall);
  const answers = settled === undefined ? handlers : settling(service, handlers, settled);
  const interceptor: ServerInterceptor<ClientCall> = (next) => observe(access(next));
  const maxMessageBytes = maxWebMessageBytes;
  return {
    service,
    native: implement(service, answers, interceptor, { stalledMs }),
    web: webHandlers(service, answers, interceptor, { maxMessageBytes, stalledMs }),
  };
}

async function startGrpcServer({
  host,
  port,
  tls,
  maxConnectionAgeMs = defaultConnectionAgeMs,
  offered,
  ...options
}: GrpcListen & {
  readonly offered: readonly Offered[];
}): Promise<AsyncDisposable & { readonly port: number }> {
  await using stack = new AsyncDisposableStack();
  const { certificatesEveryMs: everyMs, onTrouble } = options;
  const credentials =
    tls === undefined
      ? plainCredentials()
      : stack.use(await openTlsCredentials(tls, { onTrouble, everyMs })).credentials;
  const server = new Server({
    ...messageLimits(maxRequestBytes),
    "grpc.max_send_message_length": -1,
    // Streams stay open for minutes without a message; clients and proxies are told that we are alive.
    "grpc.keepalive_time_ms": keepAliveMs,
    "grpc.keepalive_timeout_ms": keepAliveTimeoutMs,
    "grpc.keepalive_permit_without_calls": 1,
    // Watches last no longer than that, so that none is cut off in the time of grace.
    "grpc.max_connection_age_ms": maxConnectionAgeMs,
    "grpc.max_connection_age_grace_ms": maxConnectionAgeMs + connectionGraceMs,
  });
  for (const { service, native } of offered) {
    server.addService(serviceDefinition(service), native);
  }
  const names = ["", ...offered.map(({ service }) => service.typeName)];
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, "SERVING"])),
  );
  health.addToServer(server);
  new ReflectionService({
    ...descriptorPackage(...offered.map(({ service }) => service)),
    ...healthMessages,
  }).addToServer(server);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(hostAndPort(host, port), credentials, (error, boundTo) =>
      error === null ? resolve(boundTo) : reject(error),
    );
  });
  stack.defer(async () => {
    for (const name of names) {
      health.setStatus(name, "NOT_SERVING");
    }
    const hard = setTimeout(() => server.forceShutdown(), drainMs);
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    clearTimeout(hard);
  });
  const running = stack.move();
  return { port: bound, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Below the minute or more after which common proxies and routers forget a silent connection; ms. */
const keepAliveMs = 30_000;
/** A peer that answers nothing for so long after that is gone; ms. */
const keepAliveTimeoutMs = 20_000;
/** Long enough to cost nothing, short enough that new servers behind a balancer get their share soon; ms. */
export const defaultConnectionAgeMs = 30 * 60_000;
/** What a watch may last beyond a connection's age, in ms. */
const connectionGraceMs = 60_000;
/** When a caller that a shutdown cut off is told to come back: starting again takes at least that long, in ms. */
const restartMs = 1_000;
/** Calls in flight have this long to end after the streams were told to, in ms. */
export const drainMs = 5_000;
