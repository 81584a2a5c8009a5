/**
 * The axon: an HTTP server that callers with any SDK version take for the Python one.
 *
 * A1. Identity is the hotkey whose signature was verified; a body that names another is refused.
 * A2. Nothing is remembered for a caller before its signature was verified, but how often its address failed.
 * A3. Every answer is a JSON object with the status in its headers as well, and no fault of ours shows more than an id.
 * A4. A body is read only for a proven and admitted caller, within limits; that of a refused one is drained, so that
 *     the caller sees the answer instead of a broken connection.
 * A5. A request belongs to the trace that its caller names; only one of a proven caller is a span of ours.
 * A6. Size, rate and registration are looked at before anything is parsed, hashed or verified; what costs time runs in
 *     threads.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import {
  context as openTelemetry,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { v1 as uuidV1 } from "../uuid.ts";
import { addressKey } from "./address.ts";
import type { Answer } from "./answer.ts";
import { startAxonThreads } from "./axon-threads.ts";
import { createBodyBudget, declaredBytes, drainBody } from "./body.ts";
import { type CallContext, handleCall, type Progress } from "./call.ts";
import { type Connections, createConnections, endSoon } from "./connections.ts";
import {
  brokenRequestAnswer,
  type EarlyRefusal,
  makeEarlyAnswers,
  refusedConnection,
} from "./early.ts";
import { createGate } from "./gate.ts";
import { defaultAxonLimits, type RefusalReason } from "./limits.ts";
import { createNonceMemory } from "./nonces.ts";
import { openBody } from "./open-body.ts";
import { headerText } from "./request.ts";
import type { Axon, AxonEvent, AxonOptions } from "./types.ts";
import { createPublicKeys } from "./verify.ts";

/** Request heads have about 1 KB; zero-value headers and proxies add to it. */
const maxHeaderBytes = 32 * 1024;

/** What a request or a connection knows of its server. */
interface Service {
  readonly context: CallContext;
  readonly connections: Connections;
  readonly earlyAnswers: Readonly<Record<EarlyRefusal, Answer>>;
  readonly onRequest: AxonOptions["onRequest"];
  readonly onRefused: (reason: RefusalReason, socket: Socket) => void;
}

/** Starts an axon and resolves once it listens. Disposing of it lets calls in progress end, within the grace time. */
export async function startAxon(options: AxonOptions): Promise<Axon> {
  const limits = { ...defaultAxonLimits, ...options.limits };
  const now = options.now ?? Date.now;
  const stop = new AbortController();
  await using stack = new AsyncDisposableStack();
  const threads = options.threads ?? stack.use(startAxonThreads(limits));
  const gate = createGate(limits, () => performance.now());
  const onRefused: Service["onRefused"] = (reason, socket) =>
    options.onRefused?.({ reason, remoteAddress: socket.remoteAddress ?? "" });
  const context: CallContext = {
    hotkey: options.hotkey,
    uuid: uuidV1(),
    routes: new Map(options.routes.map((entry) => [entry.synapse.name, entry])),
    nonces: { store: options.nonces, maxAheadMs: options.maxAheadMs ?? 60_000 },
    // Anybody may ping, so pings have a memory of their own, which strangers can't use to push out the others.
    pingNonces: { store: createNonceMemory({ capacity: 10_000, now }), maxAheadMs: 60_000 },
    publicKeyOf: createPublicKeys(limits.remembered),
    gate,
    verify: threads.verify,
    verifyAdmitted: threads.verifyAdmitted,
    open: (job, sizeBytes) =>
      sizeBytes <= limits.smallBodyBytes ? openBody(job) : threads.open(job),
    budget: createBodyBudget(limits.bodiesBytes),
    limits,
    now,
    stop: stop.signal,
  };
  const connections = createConnections({
    limits,
    isKnown: gate.isKnown,
    barred: (address) => gate.barred(address, undefined),
    words: refusedConnection(),
    onRefused,
  });
  const service: Service = {
    context,
    connections,
    earlyAnswers: makeEarlyAnswers(),
    onRequest: options.onRequest,
    onRefused,
  };
  const inProgress = new Set<Promise<void>>();
  const call = (req: IncomingMessage, res: ServerResponse, mustInvite: boolean): void => {
    const served = serve(service, req, res, mustInvite);
    inProgress.add(served);
    void served.finally(() => inProgress.delete(served));
  };
  const server = createServer({
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: limits.headMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkEveryMs,
    // Python's HTTP stacks are lenient here, and a missing Host must not cost an answer
    requireHostHeader: false,
  });
  server.on("request", (req, res) => call(req, res, false));
  // Who asks before it sends a body is told to once its head was found right; other expectations Node would refuse by
  // itself, with an answer that no caller can read.
  server.on("checkContinue", (req, res) => call(req, res, true));
  server.on("checkExpectation", (req, res) => call(req, res, false));
  server.on("connection", (socket) => void connections.admit(socket));
  server.on("clientError", (error, socket) => {
    // Node's types say Duplex; the streams of a plain HTTP server are sockets.
    answerBrokenRequest(service, error, socket as Socket);
  });
  server.listen(options.port, options.host ?? "0.0.0.0");
  await once(server, "listening");
  const own = stack.move();
  return {
    port: portOf(server),
    hotkey: options.hotkey.ss58,
    get connections() {
      return connections.size;
    },
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
      await own.disposeAsync();
    },
  };
}

/** @param mustInvite whether the caller waits to be told before it sends the body */
async function serve(
  service: Service,
  req: IncomingMessage,
  res: ServerResponse,
  mustInvite: boolean,
): Promise<void> {
  const { context, connections } = service;
  const { limits, gate } = context;
  const { socket } = req;
  const refuse = (reason: RefusalReason): void => service.onRefused(reason, socket);
  // A broken connection is seen as "close"; without a listener its error would end the process.
  req.on("error", () => undefined);
  res.on("error", () => undefined);

  const withoutAnswer = connections.begin(socket);
  if (withoutAnswer > 2) {
    socket.destroy();
    return;
  }
  const remoteAddress = socket.remoteAddress ?? "";
  const address = addressKey(remoteAddress);
  const claimed = headerText(req.headers.bt_header_dendrite_hotkey);
  const early: EarlyRefusal | undefined =
    withoutAnswer > 1
      ? "pipelined"
      : req.rawHeaders.length / 2 > limits.headers
        ? "head-size"
        : gate.barred(address, claimed);
  if (early !== undefined) {
    refuse(early);
    const isSmall =
      declaredBytes(req) <= limits.smallBodyBytes && req.headers["transfer-encoding"] === undefined;
    const isPipelined = early === "pipelined";
    // Node reads the rest of a small body by itself.
    const goesOn = !isPipelined && isSmall && !mustInvite;
    // A pipelined request counts on, so that the next one ends the connection; its answer waits for the one before.
    if (!isPipelined) {
      connections.end(socket);
    }
    const answerMs = isPipelined ? limits.requestMs : limits.answerMs;
    await send(service, res, service.earlyAnswers[early], goesOn, answerMs);
    return;
  }

  const progress: Progress = {
    receivedAt: context.now(),
    startedAt: performance.now(),
    synapse: undefined,
    hotkey: undefined,
    verified: false,
    sdkVersion: undefined,
    bodyBytes: 0,
    verifyMs: 0,
    bodyMs: 0,
    handleMs: 0,
    cost: 1,
    error: undefined,
    errorId: undefined,
    trace: propagation.extract(ROOT_CONTEXT, req.headers), // A5
  };
  let proved = false;
  let holdsPlace = true;
  /** From here on a stranger only holds the connection, so it may have to make place. */
  const yieldPlace = (): void => {
    if (holdsPlace) {
      connections.end(socket);
    }
    holdsPlace = false;
  };
  let invited = !mustInvite;
  const caller = new AbortController();
  res.once("close", () => {
    if (!res.writableFinished) {
      caller.abort(new Error("the caller hung up"));
    }
  });
  const answer = await handleCall(context, req, progress, {
    remoteAddress,
    address,
    invite() {
      if (!invited) {
        res.writeContinue();
      }
      invited = true;
      if (!proved) {
        yieldPlace();
      }
    },
    onProved() {
      proved = true;
      gate.proved(address, progress.hotkey ?? "");
      connections.proved(socket);
    },
    onRefused: refuse,
    gone: caller.signal,
  });
  yieldPlace();
  if (!proved) {
    gate.failed(address, claimed, progress.cost);
  }
  const drainBytes = gate.isKnown(address) ? limits.drainBytes : limits.drainStrangerBytes;
  const drained = caller.signal.aborted || (invited && (await drainBody(req, drainBytes, limits)));
  const goesOn = drained && !context.stop.aborted;
  await send(service, res, answer, goesOn, limits.answerMs);
  const event = eventOf(answer, progress, remoteAddress, caller.signal.aborted);
  openTelemetry.with(progress.trace, () => service.onRequest?.(event));
  const span = trace.getSpan(progress.trace);
  span?.setAttribute("http.response.status_code", answer.status);
  if (answer.status >= 500) {
    span?.setStatus({ code: SpanStatusCode.ERROR });
  }
  span?.end();
}

/** Sends the answer and waits until it is off our hands; who does not take it in time is cut off. */
async function send(
  { onRefused }: Service,
  res: ServerResponse,
  answer: Answer,
  keepAlive: boolean,
  answerMs: number,
): Promise<void> {
  const { socket } = res.req;
  if (res.destroyed || res.closed) {
    return;
  }
  const length = ["content-length", String(answer.body.length)];
  res.writeHead(answer.status, [
    ...answer.headers,
    ...length,
    ...(keepAlive ? [] : ["connection", "close"]),
  ]);
  const closed = once(res, "close");
  const timer = setTimeout(() => {
    onRefused("slow-reader", socket);
    socket.destroy();
  }, answerMs);
  res.end(answer.body);
  await closed;
  clearTimeout(timer);
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
function answerBrokenRequest(
  { context: { limits, gate }, onRefused }: Service,
  error: Error & { code?: string },
  socket: Socket,
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { reason, words } = brokenRequestAnswer(error.code, maxHeaderBytes);
  if (reason !== undefined) {
    onRefused(reason, socket);
  }
  gate.failed(addressKey(socket.remoteAddress ?? ""), undefined, 1);
  endSoon(socket, words, limits.lingerMs);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new Error("the axon does not listen on a TCP port");
  }
  return address.port;
}
