/**
 * The miner's generation endpoint: the routes of the subnet's own, over HTTP, in front of any engine.
 *
 * E1. A caller that leaves costs nothing more: its place in the line is freed, a running generation ends.
 * E2. Words that had no effect are always named in the answer's headers (and in its JSON).
 */
import {
  createMetrics,
  createWorkQueue,
  HttpError,
  type HttpServer,
  type Metrics,
  startHttpServer,
  type WorkQueue,
} from "@turntable/process";
import {
  type EngineAnswer,
  EngineError,
  type GenerationEngine,
  startProceduralEngine,
} from "../engines/index.ts";
import { createEvents, type Events, type GenerationEvent } from "./events.ts";
import { type GenerationContext, maxBodyBytes, parseRequest } from "./request.ts";

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
  /** `/generate/` answers base64 text as in 2024 (the default), or the bytes themselves as in 2025. */
  readonly protocolYear?: ProtocolYear;
  readonly metrics?: Metrics;
  readonly onGenerated?: (event: GenerationEvent) => void;
  /** A bug: answered 500 with an id alone; its cause is handed over here. */
  readonly onBug?: (error: unknown, errorId: string) => void;
}

/** Nothing in a request tells which of the subnet's miners asks. */
export const protocolYears = ["2024", "2025"] as const;
export type ProtocolYear = (typeof protocolYears)[number];

export type GenerationEndpoint = HttpServer;

export const defaultQueueCapacity = 16;
/** The subnet's tasks end after 300 s at the earliest; a miner keeps 60 s for itself. */
export const defaultTimeoutMs = 240_000;

interface Endpoint {
  readonly engine: GenerationEngine;
  readonly queue: WorkQueue;
  readonly timeoutMs: number;
  readonly events: Events;
}

/** Serves `POST /generate/` (base64 text, or bytes for miners of 2025), `POST /generate_raw/` (bytes), `GET /health` and `GET /metrics`. */
export async function startGenerationEndpoint(
  options: EndpointOptions,
): Promise<GenerationEndpoint> {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(options.engine ?? startProceduralEngine());
  const metrics = options.metrics ?? createMetrics("turntable-generator");
  const queue = createWorkQueue({
    concurrency: engine.concurrency,
    capacity: options.queueCapacity ?? defaultQueueCapacity,
  });
  const events = createEvents(metrics, engine.name, queue, options);
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const endpoint: Endpoint = { engine, queue, timeoutMs, events };
  const server = stack.use(
    await startHttpServer({
      host: options.host,
      port: options.port,
      maxBodyBytes,
      errors: errorOf,
      failureBody: ({ status, code, message }) => ({
        // The code of every request that cannot be served as it is; the status says the rest.
        code: status < 500 ? "bad-request" : code,
        error: message,
      }),
      onRequest: events.request,
      spanOf: (route) => (route.startsWith("/generate") ? "generate" : undefined),
      routes(app) {
        const asText = options.protocolYear !== "2025";
        app.post("/generate", (context) => answer(context, endpoint, asText));
        app.post("/generate_raw", (context) => answer(context, endpoint, false));
        app.get("/health", (context) => {
          const { running, waiting } = queue;
          return context.json({ status: "ok", engine: engine.name, running, waiting });
        });
        app.get("/metrics", (context) => metrics.handle(context));
      },
    }),
  );
  stack.use(queue); // stopped first: what runs ends, and is answered
  const running = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

async function answer(
  context: GenerationContext,
  { engine, queue, timeoutMs, events }: Endpoint,
  asText: boolean,
): Promise<Response> {
  const wanted = await parseRequest(context);
  const startedAt = performance.now();
  const { signal } = context.var; // E1
  const work = (): Promise<EngineAnswer> =>
    engine.generate(wanted, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
  const { position, done } = queue.enter(work, signal);
  const made = await done;
  events.generated({
    prompt: wanted.prompt,
    splats: made.splats,
    sizeBytes: made.bytes.length,
    unknownWords: made.unknownWords,
    queuePosition: position,
    durationMs: performance.now() - startedAt,
  });
  context.header("x-queue-position", String(position));
  context.header("x-asset-format", made.format);
  context.header("x-splats", String(made.splats));
  if (made.seed !== undefined) {
    context.header("x-seed", String(made.seed));
  }
  const unknown = made.unknownWords.map(encodeURIComponent).join(","); // E2
  if (unknown !== "") {
    context.header("x-unknown-words", unknown.slice(0, maxUnknownChars));
  }
  if (!asText) {
    context.header("content-type", `application/x-${made.format}`);
    // A copy: an engine's bytes may lie in shared memory, which an answer must not.
    return context.body(new Uint8Array(made.bytes));
  }
  const asset = Buffer.from(made.bytes).toString("base64");
  if (context.req.header("accept")?.includes("application/json")) {
    const { format, splats, seed, unknownWords } = made;
    return context.json({ asset, format, splats, seed, unknownWords, queuePosition: position });
  }
  context.header("content-type", "text/plain");
  return context.body(asset);
}

/** The longest value of `x-unknown-words`, in characters: clients refuse longer headers. */
const maxUnknownChars = 4096;
/** What a busy engine's caller is told when the engine does not say, in seconds. */
const busyRetryS = 5;

/** The endpoint's own errors, beside those of every HTTP server. */
function errorOf(error: unknown): HttpError | undefined {
  if (error instanceof EngineError) {
    const { code, message, retryAfterS = busyRetryS } = error;
    if (code === "busy") {
      const headers = { "retry-after": String(retryAfterS) };
      return new HttpError(503, code, message, { headers, cause: error });
    }
    return new HttpError(code === "bad-request" ? 400 : 502, code, message, { cause: error });
  }
  if (error instanceof Error && error.name === "TimeoutError") {
    return new HttpError(504, "timeout", "the engine took longer than its limit");
  }
  return undefined;
}
