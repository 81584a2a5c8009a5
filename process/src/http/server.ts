/**
 * The shell of every plain HTTP server: hono on Node's server, with what all of them need around their routes.
 *
 * S1 A request's size and encoding are looked at before its body is read, and its time is limited: slow heads and
 *    bodies are answered 408 and their connections end.
 * S2 Whatever a route throws is answered by one table; what is in no table is a bug: 500 with an id, its cause goes
 *    into the request's event and nowhere else.
 * S3 Each request has one event, when it is over: its answer has been sent, or its caller has gone. One that is no HTTP
 *    or has no address that can be read has none.
 * S4 A stop takes no new connections, lets what is in flight end for `drainMs`, then cuts it off.
 * S5 Where clients need a certificate, a request without one is refused before its route sees it.
 */
import { AsyncResource } from "node:async_hooks";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import { hostAndPort } from "../address.ts";
import { contextOf, inSpan, setHttpStatus } from "../telemetry/index.ts";
import { limitBody } from "./body.ts";
import { type ErrorTable, HttpError, InternalHttpError, toHttpError } from "./errors.ts";
import { checkCertificate, createTlsServer, type HttpTls } from "./tls.ts";

interface HttpEnv<Facts> {
  readonly Bindings: HttpBindings;
  readonly Variables: {
    /** Aborted when nobody waits for the answer any more. */
    readonly signal: AbortSignal;
    /** Adds to the request's event. */
    readonly note: (facts: Partial<Facts>) => void;
    readonly failure: HttpError;
  };
}

/** Where routes are attached, without a last slash; requests have one or not. */
export type HttpApp<Facts = unknown> = Hono<HttpEnv<Facts>>;
export type HttpContext<Facts = unknown> = Context<HttpEnv<Facts>>;

/** What a route returns that has handed Node's own response (`context.env.outgoing`) to somebody who answers there. */
export const answeredAlready = RESPONSE_ALREADY_SENT;

export interface HttpServerOptions<Facts> {
  /** Interface to listen on; this machine alone when nothing is said. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Attaches the routes. Other paths are answered 404, other methods 405. */
  readonly routes: (app: HttpApp<Facts>) => void;
  /** Largest body of a request. */
  readonly maxBodyBytes?: number;
  /** The server's own errors. */
  readonly errors?: ErrorTable;
  /** How a failure looks on the wire: an object goes as JSON, text as a line. Default: `{code, error}`. */
  readonly failureBody?: (failure: HttpError) => object | string;
  readonly onRequest?: (event: HttpRequestEvent & Partial<Facts>) => void;
  /** Names the span of the caller's trace that answers a route's requests; those of other routes make none. */
  readonly spanOf?: (route: string) => string | undefined;
  /** From a connection's first byte to the end of a request's head, in ms. */
  readonly headersTimeoutMs?: number;
  /** From a connection's first byte to the end of a request's body, in ms. */
  readonly requestTimeoutMs?: number;
  /** How long requests in flight may go on after a stop, in ms. */
  readonly drainMs?: number;
  /** Connections at a time; more are cut off at once. */
  readonly maxConnections?: number;
  /** Without it everything travels in the clear. */
  readonly tls?: HttpTls | undefined;
  /** Routes for callers without a certificate, where `tls` has an authority for clients. */
  readonly openRoutes?: readonly string[];
}

export interface HttpRequestEvent {
  readonly method: string;
  /** The path, without a last slash and without what comes after a question mark. */
  readonly route: string;
  /** As answered; 499 when the caller left first. */
  readonly status: number;
  /** From the request's head to the end of its answer. */
  readonly durationMs: number;
  /** The `code` of a failure. */
  readonly code?: string;
  /** What the caller of a 500 was told. */
  readonly errorId?: string;
  /** The cause of a 5xx. */
  readonly error?: unknown;
}

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:8094`, or https where there is TLS */
  readonly url: string;
}

const defaults = {
  host: "127.0.0.1",
  maxBodyBytes: 64 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  drainMs: 10_000,
  maxConnections: 1_024,
} as const;
/** How often Node looks for requests over their time, in ms. */
const timeoutCheckMs = 1_000;
/** A connection that nobody uses is kept this long, in ms. */
const keepAliveMs = 5_000;
/** Characters of a path that an event keeps: the path is the caller's text. */
const maxRouteChars = 256;

/** Listens until it is disposed. */
export async function startHttpServer<Facts = unknown>(
  given: HttpServerOptions<Facts>,
): Promise<HttpServer> {
  const options = { ...defaults, ...given };
  const { tls } = options;
  await using stack = new AsyncDisposableStack();
  const app = createApp(options);
  const listener = getRequestListener(app.fetch, {
    hostname: "localhost", // of a request without a Host, which HTTP/1.0 allows
    overrideGlobalObjects: false,
    // A request that is none: a Host or a path that cannot be read.
    errorHandler: () =>
      failureResponse(new HttpError(400, "bad-request", "the address cannot be read"), options),
  });
  const inFlight = new Set<ServerResponse>();
  let isStopping = false;
  const settings = {
    headersTimeout: options.headersTimeoutMs,
    requestTimeout: Math.max(options.requestTimeoutMs, options.headersTimeoutMs),
    connectionsCheckingInterval: Math.min(timeoutCheckMs, options.headersTimeoutMs),
    keepAliveTimeout: keepAliveMs,
  };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    inFlight.add(response);
    response.once("close", () => {
      inFlight.delete(response);
      if (isStopping && inFlight.size === 0) {
        server.closeAllConnections();
      }
    });
    void listener(request, response);
  };
  const server =
    tls === undefined
      ? createServer(settings, answer)
      : stack.use(
          await createTlsServer(
            tls,
            { ...settings, handshakeTimeout: options.headersTimeoutMs },
            answer,
          ),
        ).server;
  server.maxConnections = options.maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    isStopping = true; // S4
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // What callers keep open for later, or have half a head in, would hold up the end.
    if (inFlight.size === 0) {
      server.closeAllConnections();
    }
    const cut = setTimeout(() => server.closeAllConnections(), options.drainMs);
    await closed;
    clearTimeout(cut);
    await running.disposeAsync();
  };
  const running = stack.move();
  return {
    port,
    url: `${tls === undefined ? "http" : "https"}://${hostAndPort(options.host, port)}`,
    [Symbol.asyncDispose]() {
      stopped ??= stop();
      return stopped;
    },
  };
}

type Settings<Facts> = HttpServerOptions<Facts> & { readonly maxBodyBytes: number };

function createApp<Facts>(options: Settings<Facts>): HttpApp<Facts> {
  const app: HttpApp<Facts> = new Hono<HttpEnv<Facts>>({ strict: false });
  app.use(async (context, next) => {
    const answer = async (): Promise<void> => {
      observe(context, options);
      await next();
    };
    const name = options.spanOf?.(routeOf(context.req.path));
    if (name === undefined) {
      return await answer();
    }
    const parent = contextOf(context.req.header("traceparent"));
    await inSpan(name, { kind: "server", parent }, async (span) => {
      await answer(); // its event is written within the span
      setHttpStatus(span, context.res.status);
    });
  });
  const openRoutes = new Set(options.openRoutes);
  app.use(async (context, next) => {
    if (options.tls?.clientCaFile !== undefined && !openRoutes.has(routeOf(context.req.path))) {
      checkCertificate(context.env.incoming); // S5
    }
    context.req.raw = limitBody(context.req.raw, options.maxBodyBytes); // S1
    try {
      await next();
    } catch (thrown) {
      // Hono gives nothing but errors to `onError`.
      if (thrown instanceof Error) {
        throw thrown;
      }
      throw new TypeError("a route threw what is no Error", { cause: thrown });
    }
  });
  options.routes(app);
  refuseOtherMethods(app);
  app.notFound(() => {
    const told = pathsOf(app)
      .filter((path) => !path.includes("{")) // those are for programs
      .map((path) => path.replace(methodName, "/…"));
    throw new HttpError(404, "not-found", `there are ${[...new Set(told)].join(", ")}`);
  });
  app.onError((error, context) => {
    const failure = toHttpError(error, options.errors); // S2
    context.set("failure", failure);
    return failureResponse(failure, options);
  });
  return app;
}

/** S3, in the async context of the request; and the request's signal. */
function observe<Facts>(context: HttpContext<Facts>, { onRequest }: Settings<Facts>): void {
  const startedAt = performance.now();
  const left = new AbortController();
  let facts: Partial<Facts> = {};
  context.set("signal", left.signal);
  context.set("note", (more) => {
    facts = { ...facts, ...more };
  });
  const { outgoing } = context.env;
  const onClose = AsyncResource.bind(() => {
    const isSent = outgoing.writableFinished;
    if (!isSent) {
      left.abort(new Error("the caller left"));
    }
    const { failure } = context.var;
    onRequest?.({
      ...facts,
      method: context.req.method,
      route: routeOf(context.req.path),
      status: isSent ? outgoing.statusCode : 499,
      durationMs: performance.now() - startedAt,
      ...(isSent ? factsOf(failure) : { code: "caller-left" }),
    });
  });
  outgoing.once("close", onClose);
}

function factsOf(failure: HttpError | undefined): Partial<HttpRequestEvent> {
  if (failure === undefined) {
    return {};
  }
  return {
    code: failure.code,
    ...(failure instanceof InternalHttpError && { errorId: failure.errorId }),
    ...(failure.status >= 500 && { error: failure.cause ?? failure }),
  };
}

function failureResponse<Facts>(
  failure: HttpError,
  { failureBody = jsonBody }: HttpServerOptions<Facts>,
): Response {
  const body = failureBody(failure);
  const [text, contentType] =
    typeof body === "string"
      ? [`${body}\n`, "text/plain; charset=utf-8"]
      : [JSON.stringify(body), "application/json"];
  const headers = { ...failure.headers, "content-type": contentType };
  return new Response(text, { status: failure.status, headers });
}

/** Of a service's path, the method: nobody reads them all. */
const methodName = /(?<=\.[A-Z]\w*)\/[A-Z]\w*$/;

const jsonBody = ({ code, message }: HttpError): object => ({ code, error: message });

const routeOf = (path: string): string =>
  (path === "/" ? path : path.replace(/\/$/, "")).slice(0, maxRouteChars);

/** The paths of all routes, in their order, each once. */
function pathsOf<Facts>(app: HttpApp<Facts>): readonly string[] {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  return [...new Set(routes.map(({ path }) => path))];
}

function refuseOtherMethods<Facts>(app: HttpApp<Facts>): void {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  for (const path of pathsOf(app)) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method);
    const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    app.all(path, () => {
      throw new HttpError(405, "method", `${methods.join(" or ")} only`, {
        headers: { allow: allow.join(", ") },
      });
    });
  }
}
