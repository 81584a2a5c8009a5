/**
 * The miner's generation endpoint: the routes of the subnet's own, over HTTP, in front of any engine.
 *
 * E1. A caller that leaves costs nothing more: its place in the line is freed, a running generation ends.
 * E2. Words that had no effect are always named in the answer's headers (and in its JSON).
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { contextOf, createMetrics, inSpan, type Metrics, setHttpStatus } from "@turntable/process";
import {
  type EngineAnswer,
  EngineError,
  type GenerationEngine,
  startProceduralEngine,
} from "../engines/index.ts";
import { createEvents, type Events, type GenerationEvent } from "./events.ts";
import { createQueue, QueueFullError, type WorkQueue } from "./queue.ts";
import { parseRequest, RequestError } from "./request.ts";

export interface EndpointOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Disposed with the endpoint. Default: the procedural one, on one thread. */
  readonly engine?: GenerationEngine;
  /** How many requests may wait; one more is answered 503. */
  readonly queueCapacity?: number;
  /** From the beginning of the work to its end. */
  readonly timeoutMs?: number;
  readonly metrics?: Metrics;
  readonly onGenerated?: (event: GenerationEvent) => void;
  /** A bug: answered 500 without its cause, which is handed over here. */
  readonly onBug?: (error: unknown) => void;
}

export interface GenerationEndpoint extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:8094` */
  readonly url: string;
}

export const defaultQueueCapacity = 16;
/** The subnet's tasks end after 300 s at the earliest; a miner keeps 60 s for itself. */
export const defaultTimeoutMs = 240_000;

interface Endpoint {
  readonly engine: GenerationEngine;
  readonly queue: WorkQueue;
  readonly timeoutMs: number;
  readonly metrics: Metrics;
  readonly events: Events;
}

/** Serves `POST /generate/` (base64 text), `POST /generate_raw/` (bytes), `GET /health` and `GET /metrics`. */
export async function startGenerationEndpoint(
  options: EndpointOptions,
): Promise<GenerationEndpoint> {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(options.engine ?? startProceduralEngine());
  const metrics = options.metrics ?? createMetrics("turntable-generator");
  const queue = createQueue(engine.concurrency, options.queueCapacity ?? defaultQueueCapacity);
  const endpoint: Endpoint = {
    engine,
    queue,
    metrics,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    events: createEvents(metrics, engine.name, queue, options),
  };
  let inFlight = 0;
  let closing = false;
  const server = createServer((request, response) => {
    inFlight++;
    response.once("close", () => {
      inFlight--;
      if (closing && inFlight === 0) server.closeAllConnections();
    });
    route(request, response, endpoint).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  stack.defer(async () => {
    queue.close();
    closing = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // What callers keep open for later would hold up the end for seconds.
    if (inFlight === 0) server.closeAllConnections();
    await closed;
  });
  const running = stack.move();
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  return {
    port,
    url: `http://${options.host}:${port}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  endpoint: Endpoint,
): Promise<void> {
  const path = (request.url ?? "/").split("?")[0]?.replace(/\/$/, "");
  if (path === "/health" || path === "/metrics") {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return reply(response, 405, { code: "bad-request", error: "GET only" });
    }
    if (path === "/metrics") return endpoint.metrics.handle(request, response);
    const { running, waiting } = endpoint.queue;
    return reply(response, 200, { status: "ok", engine: endpoint.engine.name, running, waiting });
  }
  if (path !== "/generate" && path !== "/generate_raw") {
    const error = "there are /generate/, /generate_raw/, /health and /metrics";
    return reply(response, 404, { code: "bad-request", error });
  }
  if (request.method !== "POST") {
    return reply(response, 405, { code: "bad-request", error: "POST only" });
  }
  const parent = contextOf(request.headers.traceparent);
  await inSpan("generate", { kind: "server", parent }, async (span) => {
    await generate(request, response, endpoint, path === "/generate");
    setHttpStatus(span, response.statusCode);
  });
}

async function generate(
  request: IncomingMessage,
  response: ServerResponse,
  endpoint: Endpoint,
  asText: boolean,
): Promise<void> {
  const left = new AbortController(); // E1
  response.once("close", () => left.abort(new CallerLeft("the caller left")));
  try {
    await answer(request, response, endpoint, asText, left.signal);
  } catch (error) {
    const failure = failureOf(error);
    endpoint.events.failed(failure.code);
    if (failure.status === 500) endpoint.events.bug(error);
    if (response.destroyed || response.headersSent) return;
    if (failure.retryAfterS !== undefined) response.setHeader("retry-after", failure.retryAfterS);
    reply(response, failure.status, { code: failure.code, error: failure.message });
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { engine, queue, timeoutMs, events }: Endpoint,
  asText: boolean,
  left: AbortSignal,
): Promise<void> {
  const wanted = await parseRequest(request);
  const startedAt = performance.now();
  const work = (): Promise<EngineAnswer> =>
    engine.generate(wanted, AbortSignal.any([left, AbortSignal.timeout(timeoutMs)]));
  const { position, done } = queue.enter(work, left);
  const made = await done;
  response.setHeader("x-queue-position", position);
  response.setHeader("x-asset-format", made.format);
  response.setHeader("x-splats", made.splats);
  if (made.seed !== undefined) response.setHeader("x-seed", made.seed);
  const unknown = made.unknownWords.map(encodeURIComponent).join(","); // E2
  if (unknown !== "") response.setHeader("x-unknown-words", unknown.slice(0, 4096));
  if (!asText) {
    response.setHeader("content-type", `application/x-${made.format}`).end(made.bytes);
  } else {
    const asset = Buffer.from(made.bytes).toString("base64");
    if (request.headers.accept?.includes("application/json")) {
      const { format, splats, seed, unknownWords } = made;
      reply(response, 200, { asset, format, splats, seed, unknownWords, queuePosition: position });
    } else response.setHeader("content-type", "text/plain").end(asset);
  }
  events.generated({
    prompt: wanted.prompt,
    splats: made.splats,
    sizeBytes: made.bytes.length,
    unknownWords: made.unknownWords,
    queuePosition: position,
    durationMs: performance.now() - startedAt,
  });
}

class CallerLeft extends Error {
  override name = "CallerLeft";
}

interface Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfterS?: number | undefined;
}

/** The one place where errors become HTTP. */
function failureOf(error: unknown): Failure {
  if (error instanceof RequestError) {
    return { status: error.status, code: error.code, message: error.message };
  }
  if (error instanceof QueueFullError) {
    const { code, message, retryAfterS } = error;
    return { status: 503, code, message, retryAfterS };
  }
  if (error instanceof EngineError) {
    const { code, message, retryAfterS } = error;
    if (code === "busy") return { status: 503, code, message, retryAfterS: retryAfterS ?? 5 };
    return { status: code === "bad-request" ? 400 : 502, code, message };
  }
  if (error instanceof CallerLeft) {
    return { status: 499, code: "caller-left", message: error.message };
  }
  if (error instanceof Error && error.name === "TimeoutError") {
    return { status: 504, code: "timeout", message: "the engine took longer than its limit" };
  }
  return { status: 500, code: "internal", message: "internal error" };
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
