/**
 * The drop-in validation endpoint: the routes of the subnet's own, so that an existing validator uses this worker by
 * changing one address.
 *
 * H1 A fault of ours answers 5xx and an asset that cannot be scored 422 with its code; neither is ever a score of 0.
 * H2 A request gets its place in a bounded line before its body is read, and the size, the prompt and the fields are
 *    checked before an asset is decoded.
 * H3 A caller that leaves costs nothing more.
 */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { contextOf, inSpan, setHttpStatus } from "@turntable/process";
import { AssetError } from "@turntable/splat";
import { z } from "zod";
import { encodeGrid, encodePng } from "../pictures/index.ts";
import { version } from "../version.ts";
import {
  type EndpointScorer,
  type Judged,
  PoolUnavailableError,
  UnscorableAssetError,
} from "./scorers.ts";

export interface ValidationEndpointOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly score: EndpointScorer;
  /** Of a request's body. */
  readonly maxBodyBytes: number;
  /** How many requests may wait beside one in work; one more is answered 503. */
  readonly queueCapacity: number;
  /** Called in the trace of the request. */
  readonly onRequest?: (event: RequestEvent) => void;
}

export interface RequestEvent {
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** Of one that was scored. */
  readonly score?: number;
  /** The views of a score can be rendered again with it. */
  readonly cameraSeed?: bigint;
  /** The cause of a 5xx. */
  readonly error?: unknown;
}

export interface ValidationEndpoint extends AsyncDisposable {
  readonly port: number;
}

/** The subnet's own limit, in characters. */
const maxPromptChars = 1024;

const requestSchema = z.object({
  prompt: z.string().min(1).max(maxPromptChars),
  /** The asset in base64; what it is, its bytes say. */
  data: z.base64().min(1),
  /** Of HDF5: from 1 on it holds activated values. */
  data_ver: z.int().min(0).default(0),
  /** 0 none, 1 zstd around the file, 2 SPZ. */
  compression: z.int().min(0).max(2).default(0),
  generate_single_preview: z.boolean().default(false),
  generate_grid_preview: z.boolean().default(false),
  preview_score_threshold: z.number().default(0.8),
});
type ValidationRequest = z.infer<typeof requestSchema>;

/** What a route answers with. */
type Answer = (request: ValidationRequest, judged: Judged) => Promise<object>;

const scoreAlone: Answer = async (_, { score }) => ({ score });
const routes: ReadonlyMap<string, Answer> = new Map([
  ["/", scoreAlone],
  ["/validate", scoreAlone],
  ["/validate_ply", scoreAlone],
  ["/validate_txt_to_3d_ply", scoreAndPreviews],
]);

/** The request cannot be served as it is. */
class HttpError extends Error {
  override name = "HttpError";
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Listens until it is disposed; what is in work then is finished. */
export async function startValidationEndpoint(
  options: ValidationEndpointOptions,
): Promise<ValidationEndpoint> {
  const line = createLine(options.queueCapacity);
  const server = createServer((request, response) => {
    const parent = contextOf(request.headers.traceparent);
    void inSpan("validate", { kind: "server", parent }, async (span) => {
      await serve(request, response, options, line);
      setHttpStatus(span, response.statusCode);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  return {
    port,
    async [Symbol.asyncDispose]() {
      line.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await line.idle();
      await closed;
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: ValidationEndpointOptions,
  line: Line,
): Promise<void> {
  const startedAt = performance.now();
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const route = path === "/" ? path : path.replace(/\/$/, "");
  const left = new AbortController(); // H3
  response.once("close", () => left.abort(new Error("the caller left")));
  let event: Omit<RequestEvent, "route" | "durationMs">;
  try {
    event = await answer(request, response, route, options, line, left.signal);
  } catch (error) {
    const { status, code, message } = failureOf(error);
    if (status === 503) response.setHeader("retry-after", "5");
    // What is left of a body is not read: the connection ends with the answer.
    response.setHeader("connection", "close");
    reply(response, status, { error: message, code, detail: message });
    event = status >= 500 && !left.signal.aborted ? { status, error } : { status };
  }
  options.onRequest?.({ route, durationMs: performance.now() - startedAt, ...event });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  route: string,
  { score: judge, maxBodyBytes }: ValidationEndpointOptions,
  line: Line,
  signal: AbortSignal,
): Promise<Omit<RequestEvent, "route" | "durationMs">> {
  if (route === "/version" && request.method === "GET") {
    reply(response, 200, version);
    return { status: 200 };
  }
  const answerOf = routes.get(route);
  if (answerOf === undefined) {
    const known = [...routes.keys()].map((name) => (name === "/" ? name : `${name}/`));
    throw new HttpError(404, "not-found", `there are ${known.join(", ")} and /version/`);
  }
  if (request.method !== "POST") throw new HttpError(405, "method", "POST only");
  return await line.enter(async () => {
    const body = parseBody(await readBody(request, maxBodyBytes, signal));
    const cameraSeed = randomBytes(8).readBigUInt64LE();
    const judged = await judge({
      bytes: Buffer.from(body.data, "base64"),
      activated: body.data_ver >= 1,
      prompt: body.prompt,
      cameraSeed,
      signal,
    });
    const { score } = judged;
    if (!Number.isFinite(score)) throw new Error(`the score came out as ${score}`);
    reply(response, 200, await answerOf(body, judged));
    return { status: 200, score, cameraSeed };
  });
}

/** The answer of October 2025. Its other metrics are not computed: iqa, ssim and lpips are 0. */
async function scoreAndPreviews(
  request: ValidationRequest,
  { score, pictures }: Judged,
): Promise<object> {
  const isShown = score >= request.preview_score_threshold;
  const isSingle = isShown && request.generate_single_preview;
  const isGrid = isShown && request.generate_grid_preview;
  const quarters = isGrid ? [0, 1 / 4, 2 / 4, 3 / 4] : isSingle ? [0] : [];
  const images = quarters.length === 0 ? [] : await pictures(quarters);
  const [first] = images;
  const base64 = async (png: Promise<Uint8Array>): Promise<string> =>
    Buffer.from(await png).toString("base64");
  return {
    score,
    iqa: 0,
    alignment_score: score,
    ssim: 0,
    lpips: 0,
    preview: isSingle && first !== undefined ? await base64(encodePng(first)) : null,
    grid_preview: isGrid ? await base64(encodeGrid(images)) : null,
  };
}

async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  signal: AbortSignal,
): Promise<string> {
  const tooLarge = (): HttpError =>
    new HttpError(413, "too-large", `a request may have ${maxBytes} bytes at most`);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    signal.throwIfAborted();
    if (!Buffer.isBuffer(chunk)) throw new TypeError("a body came as text");
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseBody(text: string): ValidationRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new HttpError(400, "bad-request", "the body is not JSON");
  }
  const parsed = requestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new HttpError(400, "bad-request", z.prettifyError(parsed.error));
}

function failureOf(error: unknown): {
  readonly status: number;
  readonly code: string;
  readonly message: string;
} {
  if (error instanceof HttpError) return error;
  // H1: who made the asset learns what is wrong with it.
  if (error instanceof AssetError || error instanceof UnscorableAssetError) {
    return { status: 422, code: error.code, message: error.message };
  }
  if (error instanceof PoolUnavailableError) {
    return { status: 503, code: error.code, message: "no worker could score it now; come back" };
  }
  return { status: 500, code: "internal", message: "this asset could not be scored now" };
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** A bounded line. */
interface Line {
  /** @throws HttpError 503 when it is full or closed */
  enter<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
  idle(): Promise<void>;
}

function createLine(capacity: number): Line {
  const running = new Set<Promise<unknown>>();
  let isClosed = false;
  return {
    async enter(work) {
      if (isClosed) throw new HttpError(503, "stopping", "the endpoint stops; ask another");
      if (running.size > capacity) {
        throw new HttpError(503, "busy", `${capacity} requests wait already; come back later`);
      }
      const run = work();
      running.add(run);
      try {
        return await run;
      } finally {
        running.delete(run);
      }
    },
    close() {
      isClosed = true;
    },
    async idle() {
      await Promise.allSettled(running);
    },
  };
}
