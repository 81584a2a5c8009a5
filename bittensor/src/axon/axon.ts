/**
 * The axon: an HTTP server that callers of every SDK generation take for the Python one.
 *
 * A1. Identity is the hotkey whose signature was verified; a body that names another is refused.
 * A2. Nothing is remembered for a caller before its signature was verified.
 * A3. Every answer is a JSON object with the status in its headers as well, and no fault of ours shows more than an id.
 * A4. A body is read only for a proven and admitted caller, within limits; that of a refused one is drained, so that
 *     the caller sees the answer instead of a broken connection.
 * A5. A request belongs to the trace that its caller names; only one of a proven caller is a span of ours.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import {
  context as openTelemetry,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { v1 as uuidV1 } from "../uuid.ts";
import { type Answer, headerSafe, refusal } from "./answer.ts";
import { createBodyBudget, drainBody } from "./body.ts";
import { type CallContext, handleCall, type Progress } from "./call.ts";
import { createNonceMemory } from "./nonces.ts";
import { emptyHead } from "./request.ts";
import type { Axon, AxonEvent, AxonLimits, AxonOptions } from "./types.ts";

/** Python clients keep idle connections for 15 s; closing later than they do avoids lost calls. */
const keepAliveMs = 30_000;
/** Request heads have about 1 KB; zero-value headers and proxies add to it. */
const maxHeaderBytes = 32 * 1024;

const defaultLimits: AxonLimits = {
  connections: 4096,
  bodiesBytes: 1 << 30,
  drainBytes: 256 << 20,
  idleMs: 30_000,
  requestMs: 300_000,
  graceMs: 20_000,
};

/** Starts an axon and resolves once it listens. Disposing of it lets calls in progress end, within the grace time. */
export async function startAxon(options: AxonOptions): Promise<Axon> {
  const limits = { ...defaultLimits, ...options.limits };
  const now = options.now ?? Date.now;
  const stop = new AbortController();
  const context: CallContext = {
    hotkey: options.hotkey,
    uuid: uuidV1(),
    routes: new Map(options.routes.map((entry) => [entry.synapse.name, entry])),
    nonces: { store: options.nonces, maxAheadMs: options.maxAheadMs ?? 60_000 },
    // Anybody may ping, so pings have a memory of their own, which strangers can't use to push out the others.
    pingNonces: { store: createNonceMemory({ capacity: 10_000, now }), maxAheadMs: 60_000 },
    budget: createBodyBudget(limits.bodiesBytes),
    limits,
    now,
    stop: stop.signal,
  };
  const inProgress = new Set<Promise<void>>();
  const onCall = (req: IncomingMessage, res: ServerResponse): void => {
    const served = serve(context, req, res, options.onRequest);
    inProgress.add(served);
    void served.finally(() => inProgress.delete(served));
  };
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: limits.idleMs,
      requestTimeout: limits.requestMs,
      // Python's HTTP stacks are lenient here, and a missing Host must not cost an answer
      requireHostHeader: false,
    },
    onCall,
  );
  // Node would refuse these by itself, with an answer that no caller can read
  server.on("checkExpectation", onCall);
  server.maxConnections = limits.connections;
  server.on("clientError", answerBrokenRequest);
  server.listen(options.port, options.host ?? "0.0.0.0");
  await once(server, "listening");
  return {
    port: portOf(server),
    hotkey: options.hotkey.ss58,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const grace = new AbortController();
      const timer = setTimeout(() => grace.abort(), limits.graceMs);
      await Promise.race([Promise.allSettled(inProgress), once(grace.signal, "abort")]);
      clearTimeout(timer);
      stop.abort(new Error("the axon is shutting down"));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  context: CallContext,
  req: IncomingMessage,
  res: ServerResponse,
  onRequest: AxonOptions["onRequest"],
): Promise<void> {
  const startedAt = performance.now();
  const progress: Progress = {
    receivedAt: context.now(),
    startedAt,
    synapse: undefined,
    hotkey: undefined,
    verified: false,
    sdkVersion: undefined,
    bodyBytes: 0,
    verifyMs: 0,
    bodyMs: 0,
    handleMs: 0,
    error: undefined,
    errorId: undefined,
    trace: propagation.extract(ROOT_CONTEXT, req.headers), // A5
  };
  const remoteAddress = req.socket.remoteAddress ?? "";
  const caller = new AbortController();
  res.once("close", () => {
    if (!res.writableFinished) caller.abort(new Error("the caller hung up"));
  });
  // A broken connection is seen as "close"; without a listener its error would end the process.
  req.on("error", () => undefined);
  res.on("error", () => undefined);
  const answer = await handleCall(context, req, progress, caller.signal);
  const drained =
    caller.signal.aborted ||
    (await drainBody(req, context.limits.drainBytes, context.limits.idleMs));
  await send(res, answer, drained && !context.stop.aborted);
  const event = eventOf(answer, progress, remoteAddress, caller.signal.aborted);
  openTelemetry.with(progress.trace, () => onRequest?.(event));
  const span = trace.getSpan(progress.trace);
  span?.setAttribute("http.response.status_code", answer.status);
  if (answer.status >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
  span?.end();
}

async function send(res: ServerResponse, answer: Answer, keepAlive: boolean): Promise<void> {
  if (res.destroyed || res.closed) return;
  const length = ["content-length", String(answer.body.length)];
  res.writeHead(answer.status, [
    ...answer.headers,
    ...length,
    ...(keepAlive ? [] : ["connection", "close"]),
  ]);
  const closed = once(res, "close");
  res.end(answer.body);
  await closed;
}

function eventOf(
  answer: Answer,
  progress: Progress,
  remoteAddress: string,
  hungUp: boolean,
): AxonEvent {
  const { synapse, hotkey, verified, sdkVersion, bodyBytes } = progress;
  const { verifyMs, bodyMs, handleMs, error, errorId } = progress;
  return {
    synapse,
    hotkey,
    verified,
    remoteAddress,
    sdkVersion,
    status: answer.status,
    message: answer.message,
    bodyBytes,
    durationMs: performance.now() - progress.startedAt,
    verifyMs,
    bodyMs,
    handleMs,
    hungUp,
    error,
    errorId,
  };
}

/** Requests that Node's HTTP parser gives up on never become a request; they get their JSON answer here. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, reason, message] = brokenRequests.get(error.code ?? "") ?? [
    400,
    "Bad Request",
    "The request is not HTTP/1.1",
  ];
  const answer = refusal(
    { synapse: undefined, head: emptyHead, family: "N", axon: {}, processTimeS: 0 },
    status,
    message,
  );
  const lines = [`HTTP/1.1 ${status} ${reason}`];
  for (let index = 0; index + 1 < answer.headers.length; index += 2)
    lines.push(`${answer.headers[index]}: ${headerSafe(answer.headers[index + 1] ?? "")}`);
  lines.push(`content-length: ${answer.body.length}`, "connection: close", "", "");
  socket.end(Buffer.concat([Buffer.from(lines.join("\r\n")), answer.body]));
}

const brokenRequests: ReadonlyMap<string, readonly [number, string, string]> = new Map([
  [
    "HPE_HEADER_OVERFLOW",
    [431, "Request Header Fields Too Large", `The headers exceed ${maxHeaderBytes} bytes`],
  ],
  ["ERR_HTTP_REQUEST_TIMEOUT", [408, "Request Timeout", "The request took too long to arrive"]],
]);

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the axon does not listen on a TCP port");
  return address.port;
}
